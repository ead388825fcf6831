/* SPDX-License-Identifier: MIT */
/* Connections of other servers, on a loop, with a verifier that the test plays:
 * what is asked, what is cancelled, and when what is answered. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/front/auth-session.h"

#define HELLO "VERSION\t1\t2\nCPID\t1\n"
#define ASK(id) "AUTH\t" id "\tPLAIN\trip=192.0.2.7\tresp=AGFubgBwYXNz\n"
#define QUESTION "\0\3ann\0\2pw\0\0\0\0"
#define COOKIE "956d56a2f910543e998ceba6446e5198"

typedef struct {
  Poller *poller;
  AuthHost host;
  AuthSession *session;
  int client;
  GPtrArray *waiting; /* of AuthLogin */
  guint cancelled;
  gboolean ended;
} Stage;

static void take_ask(AuthLogin *login, gpointer owner) {
  g_ptr_array_add(((Stage *)owner)->waiting, login);
}

static void take_cancel(AuthLogin *login, gpointer owner) {
  Stage *stage = owner;
  g_assert_true(g_ptr_array_remove(stage->waiting, login));
  stage->cancelled++;
}

static void take_end(AuthSession *session, gpointer owner) {
  Stage *stage = owner;
  g_assert_true(session == stage->session);
  stage->ended = TRUE;
}

static void begin(Stage *stage, AuthKind kind) {
  int ends[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==, 0);
  *stage = (Stage){.poller = poller_new(NULL), .client = ends[0], .waiting = g_ptr_array_new()};
  stage->host = (AuthHost){stage->poller, stage, take_ask, take_cancel, take_end, TRUE, 0};
  stage->session = auth_session_new(&stage->host, ends[1], kind, 7, COOKIE);
  auth_session_start(stage->session);
}

static void finish(Stage *stage) {
  if (!stage->ended)
    auth_session_end(stage->session);
  g_assert_cmpuint(stage->waiting->len, ==, 0);
  poller_free(stage->poller);
  g_ptr_array_unref(stage->waiting);
  if (stage->client >= 0)
    close(stage->client);
}

static void do_nothing(G_GNUC_UNUSED Timer *timer) {
}

/* Once round the loop, with what there is to do now. */
static void turn(Stage *stage) {
  Timer timer = {.fire = do_nothing};
  poller_set_timer(stage->poller, &timer, 0);
  poller_run_once(stage->poller);
  poller_stop_timer(stage->poller, &timer);
}

static void say(Stage *stage, const char *text, gsize size) {
  g_assert_cmpint(send(stage->client, text, size, MSG_NOSIGNAL), ==, (gssize)size);
  turn(stage);
}

/* All that can be read now. */
static void expect(const Stage *stage, const char *text, gsize size) {
  char bytes[4096];
  ssize_t count = recv(stage->client, bytes, sizeof bytes, 0);
  g_assert_cmpmem(bytes, MAX(count, 0), text, size);
}

#define SAY(stage, text) say((stage), text, sizeof(text) - 1)
#define EXPECT(stage, text) expect((stage), text, sizeof(text) - 1)

static void decide(Stage *stage, guint index, Outcome outcome, guint delay) {
  AuthLogin *login = g_ptr_array_steal_index(stage->waiting, index);
  auth_login_take_verdict(login, outcome, "account", delay);
}

static void greet(Stage *stage) {
  char bytes[4096];
  begin(stage, AUTH_DOVECOT);
  ssize_t count = recv(stage->client, bytes, sizeof bytes, 0);
  g_assert_cmpint(count, >, 5);
  g_assert_cmpmem(bytes + count - 5, 5, "DONE\n", 5);
  SAY(stage, HELLO);
}

static void test_any_order(void) {
  Stage stage;
  greet(&stage);
  SAY(&stage, ASK("1") ASK("2") ASK("3"));
  g_assert_cmpuint(stage.waiting->len, ==, 3);
  const AuthRequest *request = auth_login_get_request(stage.waiting->pdata[0]);
  g_assert_cmpstr(request->address, ==, "192.0.2.7");
  g_assert_cmpstr(request->credentials.user, ==, "ann");
  auth_login_wipe_password(stage.waiting->pdata[0]);
  g_assert_cmpuint(request->credentials.password.size, ==, 0);
  g_assert_false(auth_session_is_idle(stage.session));
  decide(&stage, 2, OUTCOME_OK, 0);
  decide(&stage, 0, OUTCOME_BAD_PASSWORD, 0);
  EXPECT(&stage, "OK\t3\tuser=account\nFAIL\t1\tuser=account\n");
  SAY(&stage, "CANCEL\t2\n");
  g_assert_cmpuint(stage.cancelled, ==, 1);
  g_assert_true(auth_session_is_idle(stage.session));
  finish(&stage);
}

static void test_delay(void) {
  Stage stage;
  gint64 start = g_get_monotonic_time();
  greet(&stage);
  SAY(&stage, ASK("1") ASK("2"));
  decide(&stage, 0, OUTCOME_HELD_BACK, 200);
  decide(&stage, 0, OUTCOME_OK, 0);
  EXPECT(&stage, "OK\t2\tuser=account\n");
  poller_run_once(stage.poller);
  EXPECT(&stage, "FAIL\t1\tuser=account\n");
  g_assert_cmpint(g_get_monotonic_time() - start, >=, 200 * 1000);
  g_assert_cmpuint(stage.cancelled, ==, 0);
  finish(&stage);
}

/* What waits with the one that is an outage has no answer either. */
static void test_outage(void) {
  Stage stage;
  char byte;
  greet(&stage);
  SAY(&stage, ASK("1") ASK("2"));
  decide(&stage, 0, OUTCOME_BROKER_UNREACHABLE, 0);
  g_assert_true(stage.ended);
  g_assert_cmpuint(stage.cancelled, ==, 1);
  g_assert_cmpint(recv(stage.client, &byte, 1, 0), ==, 0);
  finish(&stage);
}

static void test_client_goes(void) {
  const AuthKind kinds[] = {AUTH_DOVECOT, AUTH_SASLAUTHD};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    Stage stage;
    if (kinds[i] == AUTH_DOVECOT)
      greet(&stage);
    else
      begin(&stage, AUTH_SASLAUTHD);
    say(&stage, kinds[i] == AUTH_DOVECOT ? ASK("1") : QUESTION,
        kinds[i] == AUTH_DOVECOT ? sizeof ASK("1") - 1 : sizeof QUESTION - 1);
    g_assert_cmpuint(stage.waiting->len, ==, 1);
    close(stage.client);
    stage.client = -1;
    turn(&stage);
    g_assert_true(stage.ended);
    g_assert_cmpuint(stage.cancelled, ==, 1);
    finish(&stage);
  }
}

static void test_saslauthd(void) {
  const struct {
    Outcome outcome;
    const char *answer;
    gsize size;
  } rows[] = {
      {OUTCOME_OK, "\0\2OK", 4},
      {OUTCOME_NO_SUCH_USER, "\0\2NO", 4},
      {OUTCOME_MAINTENANCE, "", 0},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Stage stage;
    begin(&stage, AUTH_SASLAUTHD);
    say(&stage, QUESTION, 5);
    g_assert_cmpuint(stage.waiting->len, ==, 0);
    say(&stage, &QUESTION[5], sizeof QUESTION - 6);
    g_assert_cmpuint(stage.waiting->len, ==, 1);
    decide(&stage, 0, rows[i].outcome, 0);
    g_assert_true(stage.ended);
    expect(&stage, rows[i].answer, rows[i].size);
    finish(&stage);
  }
}

/* Whoever does not read its answers is not listened to: in the end nothing more
 * can be sent. */
static void test_answers_not_read(void) {
  Stage stage;
  const char line[] = "CONT\t4294967295\t\n";
  gsize sent = 0;
  greet(&stage);
  while (send(stage.client, line, sizeof line - 1, MSG_NOSIGNAL) > 0) {
    sent += sizeof line - 1;
    g_assert_cmpuint(sent, <, 4 * 1024 * 1024);
    turn(&stage);
  }
  finish(&stage);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/auth-session/any-order", test_any_order);
  g_test_add_func("/auth-session/delay", test_delay);
  g_test_add_func("/auth-session/outage", test_outage);
  g_test_add_func("/auth-session/client-goes", test_client_goes);
  g_test_add_func("/auth-session/saslauthd", test_saslauthd);
  g_test_add_func("/auth-session/answers-not-read", test_answers_not_read);
  return g_test_run();
}
