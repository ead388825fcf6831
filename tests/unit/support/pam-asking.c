/* SPDX-License-Identifier: MIT */
/* A module for PAM that asks for more than a password, as those for tokens do. */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdlib.h>

__attribute__((visibility("default"))) int pam_sm_authenticate(pam_handle_t *pamh, int flags,
                                                               int argc, const char **argv) {
  char *answer = NULL;
  (void)flags, (void)argc, (void)argv;
  int status = pam_prompt(pamh, PAM_PROMPT_ECHO_ON, &answer, "%s", "Code: ");
  free(answer);
  return status == PAM_SUCCESS ? PAM_SUCCESS : PAM_AUTH_ERR;
}

__attribute__((visibility("default"))) int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc,
                                                          const char **argv) {
  (void)pamh, (void)flags, (void)argc, (void)argv;
  return PAM_SUCCESS;
}
