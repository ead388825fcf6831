/* SPDX-License-Identifier: MIT */
/* Delays between attempts to connect again. */
#include "client/bus/retry.h"

typedef struct {
  GMainContext *context;
  Retry *retry;
  guint attempts, failures; /* the first attempts fail */
  gint64 started, times[4]; /* of the attempts, in ms since the start */
} Fixture;

static void attempt(gpointer data) {
  Fixture *fixture = data;
  fixture->times[fixture->attempts++] = (g_get_monotonic_time() - fixture->started) / 1000;
  if (fixture->attempts <= fixture->failures)
    retry_later(fixture->retry);
}

static void set_up(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  fixture->context = g_main_context_new();
  fixture->retry = retry_new(fixture->context, attempt, fixture);
}

static void tear_down(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  retry_free(fixture->retry);
  g_main_context_unref(fixture->context);
}

static void run(Fixture *fixture, guint failures) {
  fixture->failures = failures;
  fixture->attempts = 0;
  fixture->started = g_get_monotonic_time();
  retry_later(fixture->retry);
  while (fixture->attempts <= failures)
    g_main_context_iteration(fixture->context, TRUE);
}

/* 0, then 50 and 100 ms later at the earliest. */
static void delays_grow(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  run(fixture, 2);
  g_assert_cmpint(fixture->times[1], >=, 49);
  g_assert_cmpint(fixture->times[2], >=, fixture->times[1] + 99);
}

/* Without it the next delay would be 200 ms. */
static void a_reset_begins_anew(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  run(fixture, 2);
  retry_reset(fixture->retry);
  retry_later(fixture->retry);
  g_assert_true(g_main_context_iteration(fixture->context, FALSE));
  g_assert_cmpuint(fixture->attempts, ==, 4);
}

static void one_at_a_time(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  retry_later(fixture->retry);
  retry_later(fixture->retry);
  while (fixture->attempts == 0)
    g_main_context_iteration(fixture->context, TRUE);
  g_assert_false(g_main_context_iteration(fixture->context, FALSE));
  g_assert_cmpuint(fixture->attempts, ==, 1);
}

#define TEST(name, function) g_test_add("/retry/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  TEST("delays grow", delays_grow);
  TEST("a reset begins anew", a_reset_begins_anew);
  TEST("one at a time", one_at_a_time);
  return g_test_run();
}
