/* SPDX-License-Identifier: MIT */
/* Tests of the lines of tries that wait: who asks, and in which order. */
#include "mailauth/guesses/lines.h"

#define NOBODY (MAX_WAITING + 1)

/* Those who wait are numbers from 1. */
typedef struct {
  Lines *lines;
  GString *asked;
  guint places;     /* that are free: a try takes one */
  gboolean moves;   /* those who ask in the account's line go to the one for all */
  gboolean returns; /* those who ask in the line for all go to the account's */
} Scene;

static guint32 on_ask(gpointer waiter, gboolean for_all, gpointer data) {
  Scene *scene = data;
  g_string_append_printf(scene->asked, "%s%u ", for_all ? "all:" : "", GPOINTER_TO_UINT(waiter));
  if (for_all ? scene->returns : scene->moves) {
    const LineRequest request = {.account = "a", .for_all = !for_all, .wait = 60000};
    g_assert_nonnull(lines_join(scene->lines, &request, waiter));
    return 0;
  }
  if (scene->places == 0)
    return 60000;
  scene->places--;
  return 0;
}

static void scene_begin(Scene *scene) {
  *scene = (Scene){.asked = g_string_new(NULL)};
  scene->lines = lines_new(on_ask, scene);
}

static void scene_end(Scene *scene) {
  lines_free(scene->lines);
  g_string_free(scene->asked, TRUE);
}

static LinePlace *join(Scene *scene, const char *account, gboolean for_all, guint waiter) {
  const LineRequest request = {.account = account, .for_all = for_all, .wait = 60000};
  return lines_join(scene->lines, &request, GUINT_TO_POINTER(waiter));
}

static void serve(Scene *scene, const char *account, guint places, const char *asked) {
  scene->places = places;
  g_string_truncate(scene->asked, 0);
  lines_serve(scene->lines, account);
  g_assert_cmpstr(scene->asked->str, ==, asked);
}

static void test_first_come_first_served(void) {
  Scene scene;
  scene_begin(&scene);
  for (guint i = 1; i <= 4; i++)
    g_assert_nonnull(join(&scene, "a", FALSE, i));
  g_assert_nonnull(join(&scene, "b", FALSE, 9));
  serve(&scene, "a", 0, "1 ");
  serve(&scene, "a", 2, "1 2 3 ");
  serve(&scene, "b", 1, "9 ");
  serve(&scene, "a", 5, "3 4 ");
  serve(&scene, "a", 1, "");
  g_assert_false(lines_is_waiting(scene.lines, "a", FALSE));
  scene_end(&scene);
}

static void test_leaving(void) {
  Scene scene;
  scene_begin(&scene);
  LinePlace *first = join(&scene, "a", FALSE, 1);
  LinePlace *second = join(&scene, "a", FALSE, 2);
  g_assert_nonnull(join(&scene, "a", FALSE, 3));
  lines_leave(second);
  lines_leave(first);
  serve(&scene, "a", 0, "3 ");
  scene_end(&scene);
}

static void test_moving_to_the_line_for_all(void) {
  Scene scene;
  scene_begin(&scene);
  g_assert_nonnull(join(&scene, "b", TRUE, 9));
  for (guint i = 1; i <= 2; i++)
    g_assert_nonnull(join(&scene, "a", FALSE, i));
  scene.moves = TRUE;
  serve(&scene, "a", 0, "1 2 all:9 ");
  serve(&scene, "a", 2, "all:9 all:1 all:2 ");
  scene_end(&scene);
}

/* Whoever came sooner is before those who came later, in each line. */
static void test_moving_to_the_accounts_line(void) {
  Scene scene;
  scene_begin(&scene);
  for (guint i = 1; i <= 3; i++)
    g_assert_nonnull(join(&scene, "a", TRUE, i));
  g_assert_nonnull(join(&scene, "a", FALSE, 7));
  scene.returns = TRUE;
  serve(&scene, "a", 0, "7 all:1 all:2 all:3 ");
  scene.returns = FALSE;
  g_assert_nonnull(join(&scene, "a", FALSE, 8));
  serve(&scene, "a", 4, "1 2 3 7 8 ");
  scene_end(&scene);
}

static void test_moving_before_who_came_later(void) {
  Scene scene;
  scene_begin(&scene);
  g_assert_nonnull(join(&scene, "a", FALSE, 1));
  g_assert_nonnull(join(&scene, "b", TRUE, 9));
  scene.moves = TRUE;
  serve(&scene, "a", 0, "1 all:1 ");
  serve(&scene, "a", 2, "all:1 all:9 ");
  scene_end(&scene);
}

static void test_bounds(void) {
  Scene scene;
  scene_begin(&scene);
  for (guint i = 1; i <= MAX_WAITING_PER_ACCOUNT; i++)
    g_assert_nonnull(join(&scene, "a", i % 2 == 0, i));
  g_assert_null(join(&scene, "a", FALSE, NOBODY));
  g_assert_null(join(&scene, "a", TRUE, NOBODY));
  for (guint i = MAX_WAITING_PER_ACCOUNT; i < MAX_WAITING; i++) {
    g_autofree char *account = g_strdup_printf("other %u", i);
    g_assert_nonnull(join(&scene, account, FALSE, i));
  }
  g_assert_null(join(&scene, "new", FALSE, NOBODY));
  serve(&scene, "a", 1, "1 3 all:2 ");
  g_assert_nonnull(join(&scene, "a", FALSE, NOBODY));
  scene_end(&scene);
}

/* The first asks by itself when its time has come, and after it the next. */
static void test_time(void) {
  Scene scene;
  const LineRequest soon = {.account = "a", .wait = 1};
  scene_begin(&scene);
  g_assert_nonnull(lines_join(scene.lines, &soon, GUINT_TO_POINTER(1)));
  g_assert_nonnull(lines_join(scene.lines, &soon, GUINT_TO_POINTER(2)));
  scene.places = 1;
  while (scene.asked->len == 0)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpstr(scene.asked->str, ==, "1 2 ");
  scene_end(&scene);
}

static void test_all_lines(void) {
  Scene scene;
  scene_begin(&scene);
  g_assert_nonnull(join(&scene, "a", FALSE, 1));
  g_assert_nonnull(join(&scene, "b", FALSE, 2));
  g_assert_nonnull(join(&scene, "c", TRUE, 3));
  scene.places = 3;
  lines_serve_all(scene.lines);
  g_assert_cmpuint(scene.places, ==, 0);
  scene_end(&scene);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/lines/first-come-first-served", test_first_come_first_served);
  g_test_add_func("/lines/leaving", test_leaving);
  g_test_add_func("/lines/moving-to-the-line-for-all", test_moving_to_the_line_for_all);
  g_test_add_func("/lines/moving-to-the-accounts-line", test_moving_to_the_accounts_line);
  g_test_add_func("/lines/moving-before-who-came-later", test_moving_before_who_came_later);
  g_test_add_func("/lines/bounds", test_bounds);
  g_test_add_func("/lines/time", test_time);
  g_test_add_func("/lines/all-lines", test_all_lines);
  return g_test_run();
}
