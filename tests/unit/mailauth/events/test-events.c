/* SPDX-License-Identifier: MIT */
/* events.c: the ring, and faults that are counted. */
#include "mailauth/events/events.h"

#include <string.h>

#include "mailauth/settings/settings.h"

#define SOURCE "MSExchangePOP3"
#define MINUTE (60 * G_TIME_SPAN_SECOND)

static const Event *add(Events *events, Outcome outcome, const char *user, gint64 now) {
  return events_record(events, outcome, SOURCE,
                       &(EventClient){.user = user, .address = "192.0.2.1"}, NULL, now);
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

static const Event *refuse(Events *events, const char *address, guint32 times, gint64 now) {
  return events_record(events, OUTCOME_TLS_FAILED, SOURCE,
                       &(EventClient){.address = address, .times = times}, "no shared cipher", now);
}

/* One line for each address, as long as they are few, and at powers of ten. */
static void test_refusals_are_counted(void) {
  g_autoptr(Events) events = events_new();
  g_assert_nonnull(refuse(events, "192.0.2.1", 0, 0));
  g_assert_nonnull(refuse(events, "192.0.2.2", 0, 0));
  g_assert_null(refuse(events, "192.0.2.1", 0, 1));
  events_forget_faults(events, SOURCE);
  const Event *event = refuse(events, "192.0.2.1", 300, 2);
  g_assert_cmpuint(event->count, ==, 302);
  g_assert_null(refuse(events, "192.0.2.1", 500, 3));
  g_assert_nonnull(refuse(events, "192.0.2.1", 198, 4));
  guint written = 0;
  for (guint i = 0; i < 10000; i++) {
    g_autofree char *address = g_strdup_printf("198.51.%u.%u", i / 250, i % 250);
    written += refuse(events, address, 0, 5) != NULL;
  }
  g_assert_cmpuint(written, <, 40);
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
  const EventClient client = {.user = "a\n\xe2\x80\xa8z", .address = "192.0.2.1\xe2\x80\xae"};
  g_autoptr(Events) events = events_new();
  const Event *event =
      events_record(events, OUTCOME_BAD_PASSWORD, SOURCE, &client, "b\xc2\x85 c\xff", 0);
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

typedef struct {
  EventClient client;
  Outcome outcome;
  const char *line;
} Line;

/* What a client chose can't be taken for what this server says. */
static void test_printing(gconstpointer data) {
  const Line *row = data;
  g_autoptr(Events) events = events_new();
  const Event *event = events_record(events, row->outcome, SOURCE, &row->client, NULL, 0);
  g_autofree char *line = event_print(event);
  g_assert_cmpstr(line, ==, row->line);
}

static void test_printing_nobody(void) {
  g_autoptr(Events) events = events_new();
  events_record(events, OUTCOME_NO_BROKER, "MailAuth", NULL, "x", 0);
  for (guint i = 0; i < 9; i++)
    events_record(events, OUTCOME_NO_BROKER, "MailAuth", NULL, "x", 1);
  g_autoptr(GPtrArray) list = events_list(events, 1);
  g_autofree char *line = event_print(list->pdata[0]);
  g_assert_cmpstr(line, ==,
                  "MailAuth 13005 Error reason=no-broker address=- user=\"\" method=- tls=- "
                  "session=-: The membership decides, but no broker is named (x) (10 times)");
}

static void test_time(void) {
  g_autofree char *text = event_print_time(G_GINT64_CONSTANT(1764485138000042));
  g_assert_cmpstr(text, ==, "2025-11-30T06:45:38.000042Z");
}

#define WRONG_LINE(address, user)                                                                  \
  "MSExchangePOP3 11202 Failure Audit reason=bad-password address=" address " user=\"" user        \
  "\" method=PASS tls=TLSv1.3 session=4: The password is wrong"

int main(int argc, char **argv) {
  static const Line lines[] = {
      {{"anna", "192.0.2.1", "PASS", "TLSv1.3", 4, .times = 1},
       OUTCOME_BAD_PASSWORD,
       WRONG_LINE("192.0.2.1", "anna")},
      {{"x address=198.51.100.9", "2001:db8::1", "PASS", "TLSv1.3", 4, .times = 1},
       OUTCOME_BAD_PASSWORD,
       WRONG_LINE("2001:db8::1", "x address=198.51.100.9")},
      {{"\" address=198.51.100.9 user=\"", "fe80::1%eth0", "PASS", "TLSv1.3", 4, .times = 1},
       OUTCOME_BAD_PASSWORD,
       WRONG_LINE("fe80::1%eth0", "\\\" address=198.51.100.9 user=\\\"")},
      {{"a\nb\\\xff", "192.0.2.1 user=\"", "PASS", "TLSv1.3", 4, .times = 1},
       OUTCOME_BAD_PASSWORD,
       WRONG_LINE("192.0.2.1?user??", "a\\\\x0ab\\\\\xef\xbf\xbd")},
  };
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/events/text-is-one-line", test_text_is_one_line);
  g_test_add_func("/events/audits-are-all-kept", test_audits_are_all_kept);
  g_test_add_func("/events/faults-are-counted", test_faults_are_counted);
  g_test_add_func("/events/refusals-are-counted", test_refusals_are_counted);
  g_test_add_func("/events/faults-are-news-again", test_faults_are_news_again);
  g_test_add_func("/events/ring-is-bounded", test_ring_is_bounded);
  for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
    g_autofree char *path = g_strdup_printf("/events/printing/%u", i);
    g_test_add_data_func(path, &lines[i], test_printing);
  }
  g_test_add_func("/events/printing-nobody", test_printing_nobody);
  g_test_add_func("/events/time", test_time);
  return g_test_run();
}
