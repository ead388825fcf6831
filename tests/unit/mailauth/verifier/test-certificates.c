/* SPDX-License-Identifier: MIT */
/* The book of certificates: what the parent is asked for, and what follows from its
 * answers and the front's. */
#include "mailauth/verifier/certificates.h"

#include <string.h>

#define DAY 86400

typedef struct {
  Channel *own, *parent; /* the verifier's end, and the parent's */
  Reporter *reporter;
  Certificates *certificates;
  Settings settings;
  guint settled;
  guint64 asked; /* the last request that the parent has seen */
  char *reloaded;
  guint reloads;
} Desk;

static void on_settled(gpointer data) {
  ((Desk *)data)->settled++;
}

static void on_reloaded(const char *problem, gpointer data) {
  Desk *desk = data;
  desk->reloads++;
  g_free(desk->reloaded);
  desk->reloaded = g_strdup(problem);
}

static void set_up(Desk *desk) {
  int ends[2];
  *desk = (Desk){0};
  g_assert_true(channel_pair(ends, NULL));
  desk->own = channel_new(ends[0], ROLE_VERIFIER, ROLE_PARENT);
  desk->parent = channel_new(ends[1], ROLE_PARENT, ROLE_VERIFIER);
  desk->reporter = reporter_new();
  desk->certificates = certificates_new(desk->own, desk->reporter, on_settled, desk);
  desk->settings.hosts = g_ptr_array_new_with_free_func(host_settings_free);
}

static void tear_down(Desk *desk) {
  certificates_free(desk->certificates);
  reporter_free(desk->reporter);
  channel_free(desk->own);
  channel_free(desk->parent);
  g_ptr_array_unref(desk->settings.hosts);
  g_free(desk->reloaded);
}

/* @certificate: "" for none. */
static void set_host(Desk *desk, const char *name, const char *certificate, const char *key) {
  HostSettings *host = g_new0(HostSettings, 1);
  host->name = g_strdup(name);
  for (guint i = 0; i < N_CERTIFICATE_SLOTS; i++)
    host->files[i] = (CertificateFiles){g_strdup(""), g_strdup("")};
  g_free(host->files[0].certificate);
  g_free(host->files[0].private_key);
  host->files[0] = (CertificateFiles){g_strdup(certificate), g_strdup(key)};
  g_ptr_array_add(desk->settings.hosts, host);
}

static void publish(Desk *desk) {
  certificates_set(desk->certificates, &desk->settings);
}

/* The next that the parent is asked for; FALSE for nothing. */
static gboolean hear(Desk *desk, char **host, char **certificate, char **key) {
  g_auto(Message) message = MESSAGE_INIT;
  if (channel_receive(desk->parent, &message, NULL) != CHANNEL_MESSAGE)
    return FALSE;
  g_assert_cmpint(message.kind, ==, MESSAGE_CERTIFICATE);
  g_variant_get(message.body, "(tsyss)", &desk->asked, host, NULL, certificate, key);
  return TRUE;
}

static void expect_question(Desk *desk, const char *host, const char *certificate,
                            const char *key) {
  g_autofree char *found_host = NULL;
  g_autofree char *found_certificate = NULL;
  g_autofree char *found_key = NULL;
  g_assert_true(hear(desk, &found_host, &found_certificate, &found_key));
  g_assert_cmpstr(found_host, ==, host);
  g_assert_cmpstr(found_certificate, ==, certificate);
  g_assert_cmpstr(found_key, ==, key);
}

static void expect_silence(Desk *desk) {
  char *unused[3] = {NULL};
  g_assert_false(hear(desk, &unused[0], &unused[1], &unused[2]));
}

typedef struct {
  const char *host, *problem, *algorithm;
  gboolean in_use, covers;
  gint64 from, until; /* s from now */
  guint slot;
} Answer;

static const Answer GOOD = {"", "", "EC 256", TRUE, TRUE, -DAY, DAY, 0};

static gboolean answer(Desk *desk, const Answer *answer) {
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  g_auto(Message) message = {.kind = MESSAGE_KEYS_RESULT, .descriptors = {-1, -1}};
  message.body = g_variant_ref_sink(
      g_variant_new("(tsysbsssxxb)", desk->asked, answer->host, (guchar)answer->slot,
                    answer->problem, answer->in_use, "CN=x", answer->algorithm, "00",
                    now + answer->from, now + answer->until, answer->covers));
  return certificates_take_result(desk->certificates, &message);
}

static void say_file_problem(Desk *desk, const char *file, const char *problem) {
  g_auto(Message) message = {.kind = MESSAGE_FILE_PROBLEM, .descriptors = {-1, -1}};
  message.body = g_variant_ref_sink(g_variant_new("(tss)", desk->asked, file, problem));
  certificates_take_file_problem(desk->certificates, &message);
}

static const Certificate *get_first(const Desk *desk) {
  g_autoptr(GPtrArray) all = certificates_list(desk->certificates);
  g_assert_cmpuint(all->len, >, 0);
  return all->pdata[0];
}

static guint count_events(const Desk *desk, Outcome outcome) {
  guint count = 0;
  g_autoptr(GPtrArray) events = events_list(reporter_get_events(desk->reporter), MAX_EVENTS);
  for (guint i = 0; i < events->len; i++)
    count += ((const Event *)events->pdata[i])->outcome == outcome ? 1 : 0;
  return count;
}

static void test_asked_once_there_is_a_front(void) {
  Desk desk;
  set_up(&desk);
  set_host(&desk, "", "/a.pem", "/a.key");
  set_host(&desk, "mail.example.org", "/b.pem", "");
  publish(&desk);
  expect_silence(&desk);
  certificates_set_front(desk.certificates, TRUE);
  expect_question(&desk, "", "/a.pem", "/a.key");
  g_assert_false(certificates_are_settled(desk.certificates));
  guint64 first = desk.asked;
  /* The key is in the same file. */
  expect_question(&desk, "mail.example.org", "/b.pem", "/b.pem");
  g_assert_true(answer(&desk, &(Answer){"mail.example.org", "", "EC", TRUE, TRUE, -1, DAY, 0}));
  g_assert_cmpuint(desk.settled, ==, 0);
  desk.asked = first;
  g_assert_true(answer(&desk, &GOOD));
  g_assert_cmpuint(desk.settled, ==, 1);
  g_assert_true(certificates_are_settled(desk.certificates));
  publish(&desk); /* nothing is new */
  expect_silence(&desk);
  g_assert_true(get_first(&desk)->in_use);
  g_assert_null(get_first(&desk)->problem);
  g_assert_cmpuint(count_events(&desk, OUTCOME_NO_CERTIFICATE), ==, 0);
  /* A new front has none of them. */
  certificates_set_front(desk.certificates, FALSE);
  g_assert_false(get_first(&desk)->in_use);
  expect_silence(&desk);
  certificates_set_front(desk.certificates, TRUE);
  expect_question(&desk, "", "/a.pem", "/a.key");
  tear_down(&desk);
}

static void test_a_file_that_cant_be_opened(void) {
  Desk desk;
  set_up(&desk);
  set_host(&desk, "", "/a.pem", "/a.key");
  certificates_set_front(desk.certificates, TRUE);
  publish(&desk);
  expect_question(&desk, "", "/a.pem", "/a.key");
  say_file_problem(&desk, "/a.key", "Permission denied");
  g_assert_nonnull(
      strstr(get_first(&desk)->problem, "Parameters, Private Key: /a.key: Permission"));
  g_assert_cmpuint(count_events(&desk, OUTCOME_NO_CERTIFICATE), ==, 1);
  g_assert_cmpuint(desk.settled, ==, 1);
  /* An answer to no question changes nothing. */
  say_file_problem(&desk, "/a.pem", "late");
  g_assert_null(strstr(get_first(&desk)->problem, "late"));
  g_assert_cmpuint(desk.settled, ==, 1);
  tear_down(&desk);
}

static void test_what_is_no_longer_set_is_taken_away(void) {
  Desk desk;
  set_up(&desk);
  set_host(&desk, "", "/a.pem", "");
  certificates_set_front(desk.certificates, TRUE);
  publish(&desk);
  expect_question(&desk, "", "/a.pem", "/a.pem");
  g_assert_true(answer(&desk, &GOOD));
  g_ptr_array_set_size(desk.settings.hosts, 0);
  publish(&desk);
  expect_question(&desk, "", "", "");
  g_assert_true(answer(&desk, &(Answer){"", "", "", FALSE, FALSE, 0, 0, 0}));
  g_autoptr(GPtrArray) all = certificates_list(desk.certificates);
  g_assert_cmpuint(all->len, ==, 0);
  tear_down(&desk);
}

static void test_doubts(void) {
  static const struct {
    Answer answer;
    const char *doubt;
  } rows[] = {
      {{"", "", "EC", TRUE, TRUE, -2 * DAY, -DAY, 0}, "the certificate expired on"},
      {{"", "", "EC", TRUE, TRUE, DAY, 2 * DAY, 0}, "the certificate is valid from"},
      {{"", "", "EC", TRUE, FALSE, -DAY, DAY, 0}, "the certificate is not for ''"},
      {{"", "", "EC", TRUE, TRUE, -DAY, DAY, 0}, NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    Desk desk;
    set_up(&desk);
    set_host(&desk, "", "/a.pem", "");
    certificates_set_front(desk.certificates, TRUE);
    publish(&desk);
    expect_question(&desk, "", "/a.pem", "/a.pem");
    for (guint round = 0; round < 2; round++)
      g_assert_true(answer(&desk, &rows[i].answer));
    const char *doubt = get_first(&desk)->doubt;
    if (rows[i].doubt == NULL)
      g_assert_null(doubt);
    else
      g_assert_nonnull(strstr(doubt, rows[i].doubt));
    /* The same doubt is told once. */
    g_assert_cmpuint(count_events(&desk, OUTCOME_CERTIFICATE_DOUBTFUL), ==,
                     rows[i].doubt == NULL ? 0 : 1);
    tear_down(&desk);
  }
}

static void test_lies(void) {
  g_autofree char *endless = g_strnfill(100000, 'x');
  const Answer lies[] = {
      {"", "", "EC", TRUE, TRUE, 0, DAY, N_CERTIFICATE_SLOTS},
      {"Not A Host", "", "EC", TRUE, TRUE, 0, DAY, 0},
      {"", "", endless, TRUE, TRUE, 0, DAY, 0},
  };
  Desk desk;
  set_up(&desk);
  certificates_set_front(desk.certificates, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS(lies); i++)
    g_assert_false(answer(&desk, &lies[i]));
  g_assert_true(answer(&desk, &GOOD));
  tear_down(&desk);
}

static void test_reload(void) {
  Desk desk;
  set_up(&desk);
  set_host(&desk, "", "/a.pem", "");
  certificates_set_front(desk.certificates, TRUE);
  publish(&desk);
  expect_question(&desk, "", "/a.pem", "/a.pem");
  g_assert_true(answer(&desk, &GOOD));
  certificates_reload(desk.certificates, on_reloaded, &desk);
  expect_question(&desk, "", "/a.pem", "/a.pem");
  g_assert_cmpuint(desk.reloads, ==, 0);
  g_assert_true(answer(&desk, &GOOD));
  g_assert_cmpuint(desk.reloads, ==, 1);
  g_assert_null(desk.reloaded);
  certificates_reload(desk.certificates, on_reloaded, &desk);
  expect_question(&desk, "", "/a.pem", "/a.pem");
  g_assert_true(answer(&desk, &(Answer){"", "no key in it", "EC", TRUE, TRUE, -DAY, DAY, 0}));
  g_assert_cmpuint(desk.reloads, ==, 2);
  g_assert_nonnull(strstr(desk.reloaded, "no key in it"));
  g_assert_cmpuint(count_events(&desk, OUTCOME_NO_CERTIFICATE), ==, 1);
  /* Nobody is left waiting. */
  certificates_reload(desk.certificates, on_reloaded, &desk);
  g_clear_pointer(&desk.certificates, certificates_free);
  g_assert_cmpuint(desk.reloads, ==, 3);
  tear_down(&desk);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/certificates/asked-once-there-is-a-front", test_asked_once_there_is_a_front);
  g_test_add_func("/certificates/a-file-that-cant-be-opened", test_a_file_that_cant_be_opened);
  g_test_add_func("/certificates/no-longer-set", test_what_is_no_longer_set_is_taken_away);
  g_test_add_func("/certificates/doubts", test_doubts);
  g_test_add_func("/certificates/lies", test_lies);
  g_test_add_func("/certificates/reload", test_reload);
  return g_test_run();
}
