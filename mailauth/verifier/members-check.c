/* SPDX-License-Identifier: MIT */
/* See members-check.h. */
#include "mailauth/verifier/members-check.h"

#include "mailauth/verifier/problems.h"

struct MembersCheck {
  Workers *workers; /* NULL: closed */
  void (*checked)(gpointer data);
  gpointer data;
  Settings *wanted; /* to look by next; NULL: nothing waits */
  gboolean is_looking;
  char *problem;
};

typedef struct {
  MembersCheck *check;
  Settings *settings;
  char *problem;
} Look;

MembersCheck *members_check_new(Workers *workers, void (*checked)(gpointer data), gpointer data) {
  MembersCheck *check = g_new0(MembersCheck, 1);
  check->workers = workers;
  check->checked = checked;
  check->data = data;
  return check;
}

void members_check_close(MembersCheck *check) {
  check->workers = NULL;
}

void members_check_free(MembersCheck *check) {
  if (check == NULL)
    return;
  settings_unref(check->wanted);
  g_free(check->problem);
  g_free(check);
}

static void work(gpointer job) {
  Look *look = job;
  look->problem = problems_find_of_members(look->settings);
}

static void begin(MembersCheck *check);

static void done(gpointer job) {
  g_autofree Look *look = job;
  MembersCheck *check = look->check;
  check->is_looking = FALSE;
  g_free(check->problem);
  check->problem = look->problem;
  settings_unref(look->settings);
  begin(check);
  check->checked(check->data);
}

static void begin(MembersCheck *check) {
  if (check->is_looking || check->wanted == NULL || check->workers == NULL)
    return;
  Look *look = g_new0(Look, 1);
  *look = (Look){check, g_steal_pointer(&check->wanted), NULL};
  check->is_looking = TRUE;
  workers_submit(check->workers, work, done, look, NULL);
}

void members_check_look(MembersCheck *check, Settings *settings) {
  settings_unref(check->wanted);
  check->wanted = settings_ref(settings);
  begin(check);
}

gboolean members_check_is_looking(const MembersCheck *check) {
  return check->is_looking;
}

const char *members_check_get_problem(const MembersCheck *check) {
  return check->problem;
}
