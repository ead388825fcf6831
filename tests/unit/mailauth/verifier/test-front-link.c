/* SPDX-License-Identifier: MIT */
/* What the verifier takes from a front that is not what it should be: nothing. */
#include "mailauth/verifier/front-link.h"

#include <string.h>
#include <sys/socket.h>

#include "mailauth/base/limits.h"

typedef struct {
  MessageKind kind;
  gsize user, address; /* their sizes */
  const char *method, *tls;
  Outcome outcome; /* of an incident; 0: CLEAR_TEXT */
  gsize identity;  /* its size */
} Lie;

typedef struct {
  GMainLoop *loop;
  char *why;
} End;

static void on_ended(const char *why, gpointer data) {
  End *end = data;
  end->why = g_strdup(why);
  g_main_loop_quit(end->loop);
}

static const FrontLinkEvents events = {.ended = on_ended};

/* The link has ended by the time this returns. Why; the caller's. */
static char *wait_for_end(int descriptor, void (*act)(Channel *front, gconstpointer data),
                          gconstpointer data, int front_end) {
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  End end = {loop, NULL};
  Channel *front = channel_new(front_end, ROLE_FRONT, ROLE_VERIFIER);
  FrontLink *link = front_link_new(descriptor, &(FrontLinkTools){0}, &events, &end);
  act(front, data);
  g_main_loop_run(loop);
  front_link_free(link);
  channel_free(front);
  return end.why;
}

static void tell_lie(Channel *front, gconstpointer data) {
  const Lie *lie = data;
  g_autofree char *user = g_strnfill(lie->user, 'u');
  g_autofree char *address = g_strnfill(lie->address, '1');
  g_autofree char *identity = g_strnfill(lie->identity, 'i');
  GVariant *body =
      lie->kind == MESSAGE_LOGIN
          ? g_variant_new("(tysss@ayssstq)", (guint64)1, (guchar)PROTOCOL_POP3, lie->method, user,
                          identity, message_secret_new("x", 1), address, "", lie->tls, (guint64)7,
                          (guint16)4711)
          : g_variant_new("(tuysssust)", (guint64)1,
                          (guint32)(lie->outcome != OUTCOME_OK ? lie->outcome : OUTCOME_CLEAR_TEXT),
                          (guchar)PROTOCOL_POP3, user, address, lie->tls, 1u, "", (guint64)7);
  g_assert_true(channel_send(front, lie->kind, body, NULL, 0, NULL));
}

typedef struct {
  const char *first;
  gboolean plus;
  const char *type; /* of a channel binding */
  gsize address;    /* its size */
} ExchangeLie;

static void tell_exchange(Channel *front, gconstpointer data) {
  const ExchangeLie *lie = data;
  g_autofree char *address = g_strnfill(lie->address, '1');
  GVariantBuilder bindings;
  g_variant_builder_init(&bindings, G_VARIANT_TYPE("a(say)"));
  g_variant_builder_add(&bindings, "(s@ay)", lie->type, message_secret_new("x", 1));
  GVariant *body = g_variant_new("(tys@aybstqa(say))", (guint64)1, (guchar)PROTOCOL_POP3, address,
                                 message_secret_new(lie->first, strlen(lie->first)), lie->plus, "",
                                 (guint64)7, (guint16)4711, &bindings);
  g_assert_true(channel_send(front, MESSAGE_SCRAM_FIRST, body, NULL, 0, NULL));
}

static void test_exchange_lie(gconstpointer data) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  g_autofree char *why = wait_for_end(ends[1], tell_exchange, data, ends[0]);
  g_assert_true(g_str_has_prefix(why, "The front has sent an exchange"));
}

/* The link has no logins: one that was taken would end the test. */
static void test_lie(gconstpointer data) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  g_autofree char *why = wait_for_end(ends[1], tell_lie, data, ends[0]);
  g_assert_true(g_str_has_prefix(why, "The front has sent"));
}

static void send_garbage(Channel *front, G_GNUC_UNUSED gconstpointer data) {
  g_assert_cmpint(send(channel_get_descriptor(front), "\377?", 2, 0), ==, 2);
}

static void test_garbage(void) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  g_autofree char *why = wait_for_end(ends[1], send_garbage, NULL, ends[0]);
  g_assert_cmpstr(why, !=, "");
}

static void shut_down(Channel *front, G_GNUC_UNUSED gconstpointer data) {
  g_assert_cmpint(shutdown(channel_get_descriptor(front), SHUT_RDWR), ==, 0);
}

static void test_front_ends_it(void) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  g_autofree char *why = wait_for_end(ends[1], shut_down, NULL, ends[0]);
  g_assert_cmpstr(why, ==, "");
}

int main(int argc, char **argv) {
  static const struct {
    const char *path;
    Lie lie;
  } rows[] = {
      {"/front-link/login/user", {MESSAGE_LOGIN, MAX_USER + 1, 9, "PASS", "", OUTCOME_OK, 0}},
      {"/front-link/login/identity", {MESSAGE_LOGIN, 4, 9, "PASS", "", OUTCOME_OK, MAX_USER + 1}},
      {"/front-link/login/address", {MESSAGE_LOGIN, 4, 46, "PASS", "", OUTCOME_OK, 0}},
      {"/front-link/login/method",
       {MESSAGE_LOGIN, 4, 9, "PASS address=192.0.2.1", "", OUTCOME_OK, 0}},
      {"/front-link/login/long-method",
       {MESSAGE_LOGIN, 4, 9, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-1234567", "", OUTCOME_OK, 0}},
      {"/front-link/login/tls", {MESSAGE_LOGIN, 4, 9, "PASS", "TLSv1.3: x", OUTCOME_OK, 0}},
      {"/front-link/incident/tls", {MESSAGE_INCIDENT, 4, 9, "", "\n", OUTCOME_OK, 0}},
      {"/front-link/incident/outcome", {MESSAGE_INCIDENT, 4, 9, "", "", OUTCOME_BAD_PASSWORD, 0}},
      {"/front-link/incident/waiting", {MESSAGE_INCIDENT, 4, 9, "", "", OUTCOME_TLS_FAILED, 0}},
      {"/front-link/incident/user", {MESSAGE_INCIDENT, MAX_USER + 1, 9, "", "", OUTCOME_OK, 0}},
      {"/front-link/incident/address", {MESSAGE_INCIDENT, 4, 8000, "", "", OUTCOME_OK, 0}},
  };
  static const struct {
    const char *path;
    ExchangeLie lie;
  } exchanges[] = {
      {"/front-link/exchange/empty", {"", FALSE, "tls-exporter", 9}},
      {"/front-link/exchange/no-message", {"n,,x=ann,r=abc", FALSE, "tls-exporter", 9}},
      {"/front-link/exchange/plus", {"n,,n=ann,r=abc", TRUE, "tls-exporter", 9}},
      {"/front-link/exchange/binding", {"n,,n=ann,r=abc", FALSE, "not one", 9}},
      {"/front-link/exchange/address", {"n,,n=ann,r=abc", FALSE, "tls-exporter", 46}},
  };
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(exchanges); i++)
    g_test_add_data_func(exchanges[i].path, &exchanges[i].lie, test_exchange_lie);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    g_test_add_data_func(rows[i].path, &rows[i].lie, test_lie);
  g_test_add_func("/front-link/garbage", test_garbage);
  g_test_add_func("/front-link/front-ends-it", test_front_ends_it);
  return g_test_run();
}
