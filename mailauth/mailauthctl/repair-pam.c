/* SPDX-License-Identifier: MIT */
/* Membership of the group, and not a group of the unit's: mailauthd's roles take the
 * groups of the user database when they drop root's. */
#include "mailauth/mailauthctl/repair-pam.h"

#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/pam/pam-stack.h"
#include "mailauth/settings/settings.h"

#define HASHES "/etc/shadow"
#define USERMOD "/usr/sbin/usermod"

char *repair_pam_find_problem(Ctl *ctl, const char *user) {
  gboolean all = FALSE;
  g_autofree char *key = g_strconcat(settings_get_path(SETTINGS_SERVICE), "\\Parameters", NULL);
  g_autofree char *source = ctl_get_setting(ctl, key, "Native Source", "SAM", NULL);
  g_autofree char *service = ctl_get_setting(ctl, key, "PAM Service", "mailauth", NULL);
  if (source == NULL || service == NULL || !g_str_equal(source, "PAM") || geteuid() != 0)
    return NULL;
  /* Root can read it: it is asked for the service's user. */
  return pam_stack_user_can_read_hashes(user) ? NULL : pam_stack_describe(NULL, service, &all);
}

static gboolean find_group(char **name, GError **error) {
  struct stat status;
  if (stat(HASHES, &status) < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, HASHES " can't be looked at");
  const struct group *group = getgrgid(status.st_gid);
  if (status.st_gid == 0 || (status.st_mode & S_IRGRP) == 0 || group == NULL)
    return error_set(error, REGISTRY_ERROR_FAILED,
                     HASHES " belongs to no group that may read it (on Debian: shadow, mode 0640); "
                            "pam_unix can't serve mailauthd here");
  *name = g_strdup(group->gr_name);
  return TRUE;
}

static gboolean run_usermod(const char *user, const char *group, GError **error) {
  const char *const words[] = {USERMOD, "--append", "--groups", group, user, NULL};
  g_autoptr(GError) problem = NULL;
  g_auto(GStrv) arguments = g_strdupv((char **)(gsize)words);
  int status = 0;
  if (g_spawn_sync(NULL, arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status,
                   &problem) &&
      g_spawn_check_wait_status(status, &problem))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_FAILED, USERMOD ": %s", problem->message);
}

gboolean repair_pam_grant(const char *user, GPtrArray *done, GError **error) {
  g_autofree char *group = NULL;
  if (geteuid() != 0)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                     "repair --pam changes a group of the system: it takes root");
  if (pam_stack_user_can_read_hashes(user))
    return TRUE;
  if (!find_group(&group, error) || !run_usermod(user, group, error))
    return FALSE;
  g_ptr_array_add(done, g_strdup_printf("made %s a member of the group %s, which may read all "
                                        "password hashes of this system (to undo it: gpasswd "
                                        "--delete %s %s)",
                                        user, group, user, group));
  return TRUE;
}
