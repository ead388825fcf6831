/* SPDX-License-Identifier: MIT */
/* service-user.c, with a user database of this test's own, which can hang. */
#include "mailauth/pam/service-user.h"

#include <pwd.h>

#define UID 4711

/* The user database: this program's getpwnam_r() is found before the C library's. */
static struct {
  GMutex lock;
  GCond changed;
  gboolean hangs;
  guint calls, inside, most_inside;
} base;

int getpwnam_r(const char *name, struct passwd *resultbuf, G_GNUC_UNUSED char *buffer,
               G_GNUC_UNUSED size_t buflen, struct passwd **result) {
  g_mutex_lock(&base.lock);
  base.calls++;
  base.inside++;
  base.most_inside = MAX(base.most_inside, base.inside);
  g_cond_broadcast(&base.changed);
  while (base.hangs)
    g_cond_wait(&base.changed, &base.lock);
  base.inside--;
  g_mutex_unlock(&base.lock);
  *resultbuf = (struct passwd){.pw_uid = UID};
  *result = g_str_equal(name, "missing") ? NULL : resultbuf;
  return 0;
}

static void set_hangs(gboolean hangs) {
  g_mutex_lock(&base.lock);
  base.hangs = hangs;
  g_cond_broadcast(&base.changed);
  g_mutex_unlock(&base.lock);
}

static void wait_until_inside(void) {
  g_mutex_lock(&base.lock);
  while (base.inside == 0)
    g_cond_wait(&base.changed, &base.lock);
  g_mutex_unlock(&base.lock);
}

typedef struct {
  Workers *workers;
  ServiceUser *user;
  guint answers;
  char *name; /* of the last answer */
  gboolean exists;
  guint32 uid;
} Stage;

static void on_found(const ServiceUserFindings *findings, gpointer data) {
  Stage *stage = data;
  stage->answers++;
  g_free(stage->name);
  stage->name = g_strdup(findings->name);
  stage->exists = findings->exists;
  stage->uid = findings->uid;
  g_assert_null(findings->pam_problem);
  g_assert_false(findings->pam_stops_all);
}

static void set_up(Stage *stage) {
  *stage = (Stage){0};
  base.calls = 0;
  base.most_inside = 0;
  stage->workers = workers_new(4, NULL);
  stage->user = service_user_new(stage->workers, on_found, stage);
}

static void clear(Stage *stage) {
  service_user_free(stage->user);
  workers_free(stage->workers);
  while (g_main_context_iteration(NULL, FALSE))
    continue;
  g_free(stage->name);
}

static void look(const Stage *stage, const char *name) {
  const ServiceUserQuestion question = {name, NULL, TRUE};
  guint before = stage->answers;
  service_user_look(stage->user, &question);
  g_assert_cmpuint(stage->answers, ==, before);
}

static void settle(const Stage *stage) {
  while (service_user_is_looking(stage->user))
    g_main_context_iteration(NULL, TRUE);
}

static void test_names(void) {
  static const struct {
    const char *name;
    gboolean exists;
    guint32 uid;
    guint calls; /* of the user database */
  } rows[] = {
      {"there", TRUE, UID, 1},
      {"missing", FALSE, 0, 1},
      {"12", TRUE, 12, 0},
      {"4294967295", TRUE, UID, 1},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    Stage stage;
    set_up(&stage);
    for (guint answers = 1; answers <= 2; answers++) {
      look(&stage, rows[i].name);
      settle(&stage);
      g_assert_cmpuint(stage.answers, ==, answers);
      g_assert_cmpstr(stage.name, ==, rows[i].name);
      g_assert_cmpint(stage.exists, ==, rows[i].exists);
      if (rows[i].exists)
        g_assert_cmpuint(stage.uid, ==, rows[i].uid);
      g_assert_cmpuint(base.calls, ==, rows[i].calls);
    }
    clear(&stage);
  }
}

/* Neither the caller nor the loop waits; the newest question is the one that is answered. */
static void test_hanging(void) {
  Stage stage;
  set_up(&stage);
  set_hangs(TRUE);
  look(&stage, "first");
  wait_until_inside();
  look(&stage, "second");
  look(&stage, "third");
  while (g_main_context_iteration(NULL, FALSE))
    continue;
  g_assert_true(service_user_is_looking(stage.user));
  g_assert_cmpuint(stage.answers, ==, 0);
  set_hangs(FALSE);
  settle(&stage);
  g_assert_cmpuint(stage.answers, ==, 1);
  g_assert_cmpstr(stage.name, ==, "third");
  g_assert_cmpuint(base.calls, ==, 2);
  g_assert_cmpuint(base.most_inside, ==, 1);
  clear(&stage);
}

static void test_same_question(void) {
  Stage stage;
  set_up(&stage);
  set_hangs(TRUE);
  look(&stage, "there");
  wait_until_inside();
  look(&stage, "there");
  set_hangs(FALSE);
  settle(&stage);
  g_assert_cmpuint(stage.answers, ==, 2);
  g_assert_cmpuint(base.calls, ==, 1);
  clear(&stage);
}

static void test_freed(void) {
  Stage stage;
  set_up(&stage);
  set_hangs(TRUE);
  look(&stage, "there");
  wait_until_inside();
  look(&stage, "there");
  g_clear_pointer(&stage.user, service_user_free);
  set_hangs(FALSE);
  clear(&stage);
  g_assert_cmpuint(stage.answers, ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/service-user/names", test_names);
  g_test_add_func("/service-user/hanging", test_hanging);
  g_test_add_func("/service-user/same-question", test_same_question);
  g_test_add_func("/service-user/freed", test_freed);
  return g_test_run();
}
