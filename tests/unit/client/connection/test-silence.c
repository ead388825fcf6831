/* SPDX-License-Identifier: MIT */
/* When a daemon counts as silent, and when not. */
#include "client/connection/silence.h"

#define LIMIT_MS 200

typedef struct {
  Silence *silence;
  guint asked, begun, ended;
  gboolean answers;    /* to each Ping, from the loop */
  guint holds_up_ms;   /* the loop, when one of the first Pings has been sent */
  guint holds_up_last; /* the number of the last such Ping */
} Fixture;

static gboolean is_waited_for(gpointer data) {
  (void)data;
  return TRUE;
}

static gboolean on_answer(gpointer data) {
  Fixture *fixture = data;
  fixture->ended += silence_note_message(fixture->silence) ? 1 : 0;
  return G_SOURCE_REMOVE;
}

static void hold_up(guint milliseconds) {
  gint64 until = g_get_monotonic_time() + (gint64)milliseconds * 1000;
  while (g_get_monotonic_time() < until)
    continue;
}

static void ask(gpointer data) {
  Fixture *fixture = data;
  fixture->asked++;
  if (fixture->answers)
    g_timeout_add(0, on_answer, fixture);
  if (fixture->asked <= fixture->holds_up_last)
    hold_up(fixture->holds_up_ms);
}

static void on_begun(gpointer data) {
  Fixture *fixture = data;
  fixture->begun++;
}

static const SilenceEvents events = {.is_waited_for = is_waited_for, .ask = ask, .begun = on_begun};

static void begin(Fixture *fixture) {
  fixture->silence = silence_new(NULL, &events, fixture);
  silence_set_limit(fixture->silence, LIMIT_MS);
  silence_note_presence(fixture->silence);
}

/* Answers that are under way are taken first: they point to the fixture. */
static void end(Fixture *fixture) {
  fixture->answers = FALSE;
  while (g_main_context_iteration(NULL, FALSE))
    continue;
  silence_free(fixture->silence);
}

static void test_silent(void) {
  Fixture fixture = {0};
  begin(&fixture);
  while (fixture.begun == 0)
    g_main_context_iteration(NULL, TRUE);
  g_assert_true(silence_is_on(fixture.silence));
  g_assert_cmpuint(fixture.asked, <=, 2);
  (void)on_answer(&fixture);
  g_assert_false(silence_is_on(fixture.silence));
  g_assert_cmpuint(fixture.ended, ==, 1);
  while (fixture.begun == 1)
    g_main_context_iteration(NULL, TRUE);
  silence_note_absence(fixture.silence);
  g_assert_false(silence_is_on(fixture.silence));
  end(&fixture);
}

static void test_busy(void) {
  Fixture fixture = {.answers = TRUE};
  begin(&fixture);
  while (fixture.asked < 4)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpuint(fixture.begun, ==, 0);
  end(&fixture);
}

/* What came meanwhile is read after the timer, however long it was: also if the timer of the
 * whole wait would have come only a little late. */
static void test_loop_was_held_up(void) {
  static const guint lengths_ms[] = {LIMIT_MS, LIMIT_MS / 5 * 3, LIMIT_MS / 5 * 3 + 5,
                                     LIMIT_MS * 3};
  for (guint i = 0; i < G_N_ELEMENTS(lengths_ms); i++) {
    Fixture fixture = {.answers = TRUE, .holds_up_ms = lengths_ms[i], .holds_up_last = 2};
    begin(&fixture);
    while (fixture.asked < 4)
      g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(fixture.begun, ==, 0);
    end(&fixture);
  }
}

static gboolean hold_up_a_little(gpointer data) {
  (void)data;
  hold_up(LIMIT_MS / 2);
  return G_SOURCE_CONTINUE;
}

/* A hang is noticed all the same. */
static void test_loop_is_always_held_up(void) {
  Fixture fixture = {0};
  guint holding = g_timeout_add(1, hold_up_a_little, NULL);
  begin(&fixture);
  while (fixture.begun == 0)
    g_main_context_iteration(NULL, TRUE);
  g_source_remove(holding);
  end(&fixture);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/silence/silent", test_silent);
  g_test_add_func("/silence/busy", test_busy);
  g_test_add_func("/silence/loop-was-held-up", test_loop_was_held_up);
  g_test_add_func("/silence/loop-is-always-held-up", test_loop_is_always_held_up);
  return g_test_run();
}
