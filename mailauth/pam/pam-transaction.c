/* SPDX-License-Identifier: MIT */
/* One login by PAM: see pam-transaction.h. A fault on this side is never called a bad
 * password. */
#include "mailauth/pam/pam-transaction.h"

#include <security/pam_appl.h>
#include <string.h>

#include "mailauth/pam/pam-stack.h"
#include "mailauth/settings/settings.h"

/* The user that PAM is asked about instead of a name that no account can have. */
#define NOBODY "nobody.invalid"
#define STEP_ACCOUNT "account"

typedef struct {
  const PamQuestion *question;
  gboolean overasked; /* a module wanted what a mail client can't be asked */
  Outcome outcome;
  char *detail;
} Transaction;

static gboolean answer_message(Transaction *transaction, const struct pam_message *message,
                               struct pam_response *response) {
  if (message->msg_style == PAM_TEXT_INFO || message->msg_style == PAM_ERROR_MSG)
    return TRUE;
  if (message->msg_style != PAM_PROMPT_ECHO_OFF) {
    transaction->overasked = TRUE;
    return FALSE;
  }
  /* The module frees it. */
  response->resp = strdup(transaction->question->password);
  return response->resp != NULL;
}

static void discard(struct pam_response *responses, int count) {
  for (int i = 0; i < count; i++) {
    if (responses[i].resp != NULL)
      explicit_bzero(responses[i].resp, strlen(responses[i].resp));
    free(responses[i].resp);
  }
  free(responses);
}

static int converse(int count, const struct pam_message **messages, struct pam_response **answers,
                    void *data) {
  Transaction *transaction = data;
  if (count <= 0 || count > PAM_MAX_NUM_MSG)
    return PAM_CONV_ERR;
  struct pam_response *responses = calloc((size_t)count, sizeof *responses);
  if (responses == NULL)
    return PAM_BUF_ERR;
  for (int i = 0; i < count; i++)
    if (!answer_message(transaction, messages[i], &responses[i])) {
      discard(responses, count);
      return PAM_CONV_ERR;
    }
  *answers = responses;
  return PAM_SUCCESS;
}

/* Failures are delayed by the server itself, alike in each package. */
static void do_not_delay(G_GNUC_UNUSED int status, G_GNUC_UNUSED unsigned int microseconds,
                         G_GNUC_UNUSED void *data) {
}

static void set_items(pam_handle_t *handle, const Transaction *transaction) {
  void (*delay)(int, unsigned int, void *) = do_not_delay;
  gconstpointer function = NULL;
  memcpy(&function, &delay, sizeof function);
  pam_set_item(handle, PAM_FAIL_DELAY, function);
  if (*transaction->question->address != '\0')
    pam_set_item(handle, PAM_RHOST, transaction->question->address);
}

static const struct {
  int status;
  Outcome outcome;
} verdicts[] = {
    {PAM_SUCCESS, OUTCOME_OK},
    {PAM_AUTH_ERR, OUTCOME_BAD_PASSWORD},
    {PAM_MAXTRIES, OUTCOME_BAD_PASSWORD},
    {PAM_USER_UNKNOWN, OUTCOME_NO_SUCH_USER},
    {PAM_ACCT_EXPIRED, OUTCOME_DISABLED},
    {PAM_CRED_EXPIRED, OUTCOME_DISABLED},
    {PAM_AUTHTOK_EXPIRED, OUTCOME_DISABLED},
    {PAM_NEW_AUTHTOK_REQD, OUTCOME_DISABLED},
    {PAM_PERM_DENIED, OUTCOME_DISABLED},
    {PAM_CRED_INSUFFICIENT, OUTCOME_ACCOUNTS_DENIED},
    {PAM_ABORT, OUTCOME_BAD_SETTING},
    {PAM_OPEN_ERR, OUTCOME_BAD_SETTING},
    {PAM_SYMBOL_ERR, OUTCOME_BAD_SETTING},
    {PAM_MODULE_UNKNOWN, OUTCOME_BAD_SETTING},
    {PAM_CONV_ERR, OUTCOME_BAD_SETTING},
};

/* Whatever else there is: what the accounts are in can't be had. */
static Outcome find_outcome(int status) {
  for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++)
    if (verdicts[i].status == status)
      return verdicts[i].outcome;
  return OUTCOME_ACCOUNTS_MISSING;
}

static void conclude(Transaction *transaction, const char *step, int status, const char *words) {
  transaction->outcome = find_outcome(status);
  /* The password was right, or the account's modules would not have been asked. */
  if (transaction->outcome == OUTCOME_BAD_PASSWORD && g_str_equal(step, STEP_ACCOUNT))
    transaction->outcome = OUTCOME_DISABLED;
  if (status != PAM_SUCCESS && transaction->overasked) {
    transaction->outcome = OUTCOME_BAD_SETTING;
    words = "a module asks for more than a password";
  } else if (transaction->question->account == NULL &&
             (transaction->outcome == OUTCOME_OK ||
              outcome_is_client_failure(transaction->outcome))) {
    transaction->outcome = OUTCOME_NO_SUCH_USER;
  }
  const char *setting =
      transaction->outcome == OUTCOME_BAD_SETTING ? settings_get_path(SETTINGS_SERVICE) : NULL;
  transaction->detail =
      g_strdup_printf("%s%s'%s': %s: %s", setting != NULL ? setting : "",
                      setting != NULL ? "\\Parameters, PAM Service: " : "PAM service ",
                      transaction->question->service, step, words);
}

static void run(Transaction *transaction) {
  const PamQuestion *question = transaction->question;
  const struct pam_conv conversation = {converse, transaction};
  const char *account = question->account != NULL ? question->account : NOBODY;
  const char *step = "authentication";
  pam_handle_t *handle = NULL;
  int status =
      pam_start_confdir(question->service, account, &conversation, question->directory, &handle);
  if (status != PAM_SUCCESS) {
    conclude(transaction, "it can't be begun", PAM_ABORT, pam_strerror(handle, status));
    return;
  }
  set_items(handle, transaction);
  status = pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  if (status == PAM_SUCCESS) {
    step = STEP_ACCOUNT;
    status = pam_acct_mgmt(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  }
  conclude(transaction, step, status, pam_strerror(handle, status));
  pam_end(handle, status);
}

/* A module that may not read the hashes finds that a right password is wrong. */
static void doubt(Transaction *transaction) {
  const PamQuestion *question = transaction->question;
  if (!outcome_is_client_failure(transaction->outcome) &&
      transaction->outcome != OUTCOME_ACCOUNTS_MISSING)
    return;
  gboolean all = FALSE;
  char *problem = pam_stack_find_problem(question->directory, question->service, NULL, &all);
  /* Those whom only another module knows are not let off: they would be held back by
   * nothing. */
  if (problem == NULL || (!all && !pam_stack_is_local_user(question->account))) {
    g_free(problem);
    return;
  }
  transaction->outcome = OUTCOME_PAM_DENIED;
  g_free(transaction->detail);
  transaction->detail = problem;
}

Outcome pam_transaction_run(const PamQuestion *question, char **detail) {
  Transaction transaction = {.question = question};
  run(&transaction);
  doubt(&transaction);
  *detail = g_utf8_make_valid(transaction.detail, -1);
  g_free(transaction.detail);
  return transaction.outcome;
}
