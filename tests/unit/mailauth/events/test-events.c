/* SPDX-License-Identifier: MIT */
/* events.c: the ring, and faults that are counted. */
#include "mailauth/events/events.h"

#include <string.h>

#include "mailauth/settings/settings.h"

#define SOURCE "MSExchangePOP3"
#define MINUTE (60 * G_TIME_SPAN_SECOND)

static const Event *add(Events *events, Outcome outcome, const char *user, gint64 now) {
  return events_record(events, outcome, SOURCE, user, "192.0.2.1", NULL, now);
}

static void test_audits_are_all_kept(void) {
  g_autoptr(Events) events = events_new();
  for (gint64 i = 0; i < 50; i++)
    g_assert_nonnull(add(events, OUTCOME_BAD_PASSWORD, "alice", i));
  g_autoptr(GPtrArray) list = events_list(events, 100);
  g_assert_cmpuint(list->len, ==, 50);
  g_assert_cmpint(((Event *)list->pdata[0])->time, ==, 49);
}

static void test_faults_are_counted(void) {
  g_autoptr(Events) events = events_new();
  guint written = 0;
  for (gint64 i = 0; i < 1000; i++)
    written += add(events, OUTCOME_ACCOUNTS_MISSING, i == 999 ? "last" : "alice", i) != NULL;
  g_assert_cmpuint(written, ==, 4);
  g_autoptr(GPtrArray) list = events_list(events, 100);
  g_assert_cmpuint(list->len, ==, 1);
  const Event *event = list->pdata[0];
  g_assert_cmpuint(event->count, ==, 1000);
  g_assert_cmpint(event->time, ==, 999);
  g_assert_cmpstr(event->user, ==, "last");
}

static void test_faults_are_news_again(void) {
  g_autoptr(Events) events = events_new();
  g_assert_nonnull(add(events, OUTCOME_NO_BROKER, "alice", 0));
  g_assert_null(add(events, OUTCOME_NO_BROKER, "alice", 1));
  events_forget_faults(events, "MSExchangeIMAP4");
  g_assert_null(add(events, OUTCOME_NO_BROKER, "alice", 2));
  events_forget_faults(events, SOURCE);
  g_assert_nonnull(add(events, OUTCOME_NO_BROKER, "alice", 3));
  g_assert_nonnull(add(events, OUTCOME_NO_BROKER, "alice", 4 + 2 * MINUTE));
  g_assert_nonnull(add(events, OUTCOME_UNKNOWN_BROKER, "alice", 5 + 2 * MINUTE));
}

static void test_text_is_one_line(void) {
  g_autoptr(Events) events = events_new();
  const Event *event = events_record(events, OUTCOME_BAD_PASSWORD, SOURCE, "a\n\xe2\x80\xa8z",
                                     "192.0.2.1\xe2\x80\xae", "b\xc2\x85 c\xff", 0);
  g_assert_cmpstr(event->user, ==, "a\\x0a\\u{2028}z");
  g_assert_cmpstr(event->address, ==, "192.0.2.1\\u{202e}");
  g_assert_nonnull(strstr(event->description, "b\\u{85} c\xef\xbf\xbd"));
}

static void test_ring_is_bounded(void) {
  g_autoptr(Events) events = events_new();
  add(events, OUTCOME_NO_BROKER, "alice", 0);
  for (guint i = 0; i < MAX_EVENTS; i++)
    add(events, OUTCOME_OK, "alice", 1 + i);
  g_autoptr(GPtrArray) list = events_list(events, G_MAXUINT);
  g_assert_cmpuint(list->len, ==, MAX_EVENTS);
  /* The fault has left the ring: it is news. */
  g_assert_nonnull(add(events, OUTCOME_NO_BROKER, "alice", 2));
}

static void test_printing(void) {
  g_autoptr(Events) events = events_new();
  const Event *event =
      events_record(events, OUTCOME_ACCOUNTS_MISSING, SOURCE, "a\nb\xff", "192.0.2.1", NULL, 0);
  g_autofree char *line = event_print(event);
  g_assert_cmpstr(line, ==,
                  "MSExchangePOP3 13003 Error [accounts-missing] A required privilege is not held "
                  "by the client user=a\\x0ab\xef\xbf\xbd address=192.0.2.1");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/events/text-is-one-line", test_text_is_one_line);
  g_test_add_func("/events/audits-are-all-kept", test_audits_are_all_kept);
  g_test_add_func("/events/faults-are-counted", test_faults_are_counted);
  g_test_add_func("/events/faults-are-news-again", test_faults_are_news_again);
  g_test_add_func("/events/ring-is-bounded", test_ring_is_bounded);
  g_test_add_func("/events/printing", test_printing);
  return g_test_run();
}
