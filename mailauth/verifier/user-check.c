/* SPDX-License-Identifier: MIT */
/* See user-check.h. */
#include "mailauth/verifier/user-check.h"

#include <unistd.h>

#include "mailauth/pam/service-user.h"
#include "mailauth/verifier/problems.h"

struct UserCheck {
  UserCheckTools tools;
  UserChecked checked;
  gpointer data;
  ServiceUser *user;
  gboolean is_known; /* the settings that were looked by are regd's */
  char *name;        /* whose uid is known; NULL before */
  guint32 uid;
  gboolean has_uid;
  char *pam_problem;      /* as it was found last; NULL for none */
  gboolean pam_stops_all; /* then nobody can log in at all */
};

/* The user changes with the setting: the parent then starts a verifier as the new one. */
static gboolean is_other(const UserCheck *check, const ServiceUserFindings *found) {
  if (!check->tools.user_is_chosen || !check->is_known)
    return FALSE;
  if (found->exists && found->uid != 0)
    return found->uid != (guint32)getuid();
  g_autofree char *detail =
      g_strdup_printf("%s, ObjectName: '%s' is not an ordinary user of this system",
                      settings_get_path(SETTINGS_SERVICE), found->name);
  reporter_report(check->tools.reporter, OUTCOME_BAD_SETTING, EVENT_SOURCE_SERVER, NULL, detail);
  return FALSE;
}

static gboolean take_user(UserCheck *check, const ServiceUserFindings *found) {
  if (g_strcmp0(check->name, found->name) == 0)
    return FALSE;
  g_free(check->name);
  check->name = g_strdup(found->name);
  check->has_uid = found->exists;
  check->uid = found->uid;
  return is_other(check, found);
}

/* An outage ahead is reported before logins meet it. */
static void take_pam_problem(UserCheck *check, const ServiceUserFindings *found) {
  g_autofree char *before = g_steal_pointer(&check->pam_problem);
  check->pam_problem = g_strdup(found->pam_problem);
  check->pam_stops_all = found->pam_stops_all;
  if (check->pam_problem != NULL && g_strcmp0(before, check->pam_problem) != 0)
    reporter_report(check->tools.reporter, OUTCOME_PAM_DENIED, EVENT_SOURCE_SERVER, NULL,
                    check->pam_problem);
}

static void on_found(const ServiceUserFindings *found, gpointer data) {
  UserCheck *check = data;
  gboolean other = take_user(check, found);
  take_pam_problem(check, found);
  check->checked(other, check->data);
}

UserCheck *user_check_new(const UserCheckTools *tools, UserChecked checked, gpointer data) {
  UserCheck *check = g_new0(UserCheck, 1);
  check->tools = *tools;
  check->checked = checked;
  check->data = data;
  check->user = service_user_new(tools->workers, on_found, check);
  return check;
}

void user_check_free(UserCheck *check) {
  if (check == NULL)
    return;
  service_user_free(check->user);
  g_free(check->name);
  g_free(check->pam_problem);
  g_free(check);
}

void user_check_look(UserCheck *check, const Settings *settings) {
  if (check == NULL)
    return;
  const ServiceUserQuestion question = {settings->object_name, problems_get_pam_service(settings),
                                        check->tools.user_is_chosen};
  check->is_known = settings->known;
  if (question.pam_service == NULL) {
    g_clear_pointer(&check->pam_problem, g_free);
    check->pam_stops_all = FALSE;
  }
  service_user_look(check->user, &question);
}

gboolean user_check_is_looking(const UserCheck *check) {
  return check != NULL && service_user_is_looking(check->user);
}

gboolean user_check_is(const UserCheck *check, guint32 uid) {
  return check != NULL && check->has_uid && check->uid == uid;
}

const char *user_check_get_pam_problem(const UserCheck *check) {
  return check != NULL ? check->pam_problem : NULL;
}

gboolean user_check_is_pam_stopped(const UserCheck *check) {
  return check != NULL && check->pam_stops_all;
}
