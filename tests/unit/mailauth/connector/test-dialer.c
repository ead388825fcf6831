/* SPDX-License-Identifier: MIT */
/* dialer.c: connectors that can't be had, that end, and that say what they may not;
 * and threads that wait for one. */
#include "mailauth/connector/dialer.h"

#include <string.h>
#include <unistd.h>

#include "client/registry.h"
#include "mailauth/ipc/channel.h"

#define SERVER "ldap://directory.example"
#define LONG_US (60 * G_USEC_PER_SEC)

/* What the connector does with a question. */
typedef enum {
  CONNECTS,
  REFUSES,
  CONNECTS_NOTHING, /* no problem, and no socket */
  REFUSES_WITH_SOCKET,
  ENDS,
  KEEPS_SILENT
} Manner;

typedef struct {
  const char *title;
  Manner manner;
  const char *says; /* the problem; NULL: none */
  gboolean lives;   /* the connector is asked again */
} Row;

static const Row rows[] = {
    {"connected", CONNECTS, NULL, TRUE},
    {"refused", REFUSES, "not that one", TRUE},
    {"nothing", CONNECTS_NOTHING, "has not answered what it was asked", FALSE},
    {"both", REFUSES_WITH_SOCKET, "has not answered what it was asked", FALSE},
    {"its end", ENDS, "has ended", FALSE},
};

typedef struct {
  const Row *row;
  Dialer *dialer;
  Channel *connector;
  guint starts, questions, answers;
  guint64 started, ended; /* requests */
  int descriptor;
  char *problem;
  gboolean thread_ended;
  gint64 patience; /* the thread's, us */
} Stage;

static void on_connected(int descriptor, const char *problem, gpointer data) {
  Stage *stage = data;
  stage->answers++;
  stage->descriptor = descriptor;
  g_free(stage->problem);
  stage->problem = g_strdup(problem);
}

static void answer(Channel *channel, guint64 number, const char *problem, gboolean with_socket) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  g_assert_true(channel_send(channel, MESSAGE_CONNECTED, g_variant_new("(ts)", number, problem),
                             ends, with_socket ? 1 : 0, NULL));
  close(ends[0]);
  close(ends[1]);
}

static void on_question(Channel *channel, Message *message, G_GNUC_UNUSED const GError *error,
                        gpointer data) {
  Stage *stage = data;
  guint64 number = 0;
  const char *server = NULL;
  if (message == NULL)
    return;
  g_assert_cmpint(message->kind, ==, MESSAGE_CONNECT);
  g_variant_get(message->body, "(t&s&su)", &number, NULL, &server, NULL);
  g_assert_cmpstr(server, ==, SERVER);
  stage->questions++;
  if (stage->row->manner == ENDS)
    g_clear_pointer(&stage->connector, channel_free);
  else if (stage->row->manner == CONNECTS || stage->row->manner == CONNECTS_NOTHING)
    answer(channel, number, "", stage->row->manner == CONNECTS);
  else if (stage->row->manner != KEEPS_SILENT)
    answer(channel, number, "not that one", stage->row->manner == REFUSES_WITH_SOCKET);
}

static gboolean start(guint64 request, gpointer data) {
  Stage *stage = data;
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  channel_free(stage->connector);
  stage->starts++;
  stage->started = request;
  stage->connector = channel_new(ends[1], ROLE_CONNECTOR, ROLE_VERIFIER);
  channel_attach(stage->connector, NULL, on_question, stage);
  dialer_take_connector(stage->dialer, request, ends[0]);
  return TRUE;
}

static void end(guint64 request, gpointer data) {
  Stage *stage = data;
  g_assert_cmpuint(stage->ended, ==, 0);
  stage->ended = request;
}

static void set_up(Stage *stage, const Row *row, DialerWant want) {
  *stage = (Stage){.row = row, .descriptor = -1};
  stage->dialer = dialer_new(want, end, stage);
}

static void clear(Stage *stage) {
  if (stage->descriptor >= 0)
    close(stage->descriptor);
  stage->descriptor = -1;
  dialer_free(stage->dialer);
  channel_free(stage->connector);
  g_free(stage->problem);
}

static void dial(Stage *stage) {
  guint before = stage->answers;
  dialer_dial(stage->dialer, &(DialerTarget){"", SERVER, 1000}, on_connected, stage);
  g_assert_cmpuint(stage->answers, ==, before);
  while (stage->answers == before)
    g_main_context_iteration(NULL, TRUE);
}

static void check_answer(const Stage *stage, const char *says) {
  g_assert_cmpint(stage->descriptor >= 0, ==, says == NULL);
  if (says == NULL)
    g_assert_null(stage->problem);
  else
    g_assert_nonnull(strstr(stage->problem, says));
}

static void test_row(gconstpointer data) {
  Stage stage;
  set_up(&stage, data, start);
  for (guint i = 0; i < 2; i++) {
    dial(&stage);
    check_answer(&stage, stage.row->says);
    if (stage.descriptor >= 0)
      close(stage.descriptor);
    stage.descriptor = -1;
  }
  g_assert_cmpuint(stage.questions, ==, 2);
  g_assert_cmpuint(stage.starts, ==, stage.row->lives ? 1 : 2);
  clear(&stage);
}

static gboolean start_none(G_GNUC_UNUSED guint64 request, G_GNUC_UNUSED gpointer data) {
  return FALSE;
}

static gboolean start_refused(guint64 request, gpointer data) {
  const Stage *stage = data;
  dialer_take_refusal(stage->dialer, request, "there is no room");
  return TRUE;
}

static void test_no_connector(void) {
  const struct {
    DialerWant want;
    const char *says;
  } cases[] = {{start_none, "none can be started"}, {start_refused, "there is no room"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Stage stage;
    set_up(&stage, NULL, cases[i].want);
    dial(&stage);
    check_answer(&stage, cases[i].says);
    clear(&stage);
  }
}

/* The one that hangs is ended, and another is asked next. */
static void test_hanging(void) {
  const Row silent = {"", KEEPS_SILENT, NULL, TRUE};
  Stage stage;
  set_up(&stage, &silent, start);
  dial(&stage);
  check_answer(&stage, "does not answer, and is replaced");
  g_assert_cmpuint(stage.ended, ==, stage.started);
  g_assert_cmpuint(stage.starts, ==, 1);
  stage.row = &rows[0];
  dial(&stage);
  check_answer(&stage, NULL);
  g_assert_cmpuint(stage.starts, ==, 2);
  g_assert_cmpuint(stage.ended, !=, stage.started);
  clear(&stage);
}

/* One that nobody has asked for is not used. */
static void test_unasked_connector(void) {
  int ends[2];
  char byte;
  Stage stage;
  set_up(&stage, NULL, start_none);
  g_assert_true(channel_pair(ends, NULL));
  dialer_take_connector(stage.dialer, 7, ends[0]);
  g_assert_cmpint(read(ends[1], &byte, 1), ==, 0);
  close(ends[1]);
  clear(&stage);
}

/* What no message holds is answered all the same. */
static void test_long_server(void) {
  Stage stage;
  g_autofree char *server = g_strnfill(MAX_MESSAGE, 'x');
  set_up(&stage, &rows[0], start);
  dialer_dial(stage.dialer, &(DialerTarget){"", server, 1000}, on_connected, &stage);
  while (stage.answers == 0)
    g_main_context_iteration(NULL, TRUE);
  check_answer(&stage, "malformed");
  dial(&stage);
  check_answer(&stage, NULL);
  g_assert_cmpuint(stage.starts, ==, 1);
  clear(&stage);
}

/* The socket that comes after all is closed. */
static void test_cancelled(void) {
  Stage stage;
  set_up(&stage, &rows[0], start);
  guint64 number =
      dialer_dial(stage.dialer, &(DialerTarget){"anna", SERVER, 1000}, on_connected, &stage);
  while (stage.questions == 0)
    g_main_context_iteration(NULL, TRUE);
  dialer_cancel(stage.dialer, number);
  dial(&stage);
  g_assert_cmpuint(stage.answers, ==, 1);
  g_assert_cmpuint(stage.questions, ==, 2);
  clear(&stage);
}

/* ---- other threads ---- */

static gboolean on_thread_ended(gpointer data) {
  ((Stage *)data)->thread_ended = TRUE;
  return G_SOURCE_REMOVE;
}

static gpointer dial_and_wait(gpointer data) {
  Stage *stage = data;
  g_autoptr(GError) error = NULL;
  stage->descriptor = dialer_dial_and_wait(stage->dialer, SERVER, stage->patience, &error);
  stage->problem = error != NULL ? g_strdup(error->message) : NULL;
  g_assert_true(error == NULL ||
                g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE));
  g_idle_add(on_thread_ended, stage);
  return NULL;
}

/* @closes: while the thread waits. */
static void run_thread(Stage *stage, gint64 patience, gboolean closes) {
  stage->patience = patience;
  GThread *thread = g_thread_new("waits", dial_and_wait, stage);
  while (!stage->thread_ended) {
    g_main_context_iteration(NULL, TRUE);
    if (closes && stage->questions > 0)
      dialer_close(stage->dialer);
  }
  g_thread_join(thread);
}

static void test_thread(gconstpointer data) {
  Stage stage;
  set_up(&stage, data, start);
  run_thread(&stage, LONG_US, FALSE);
  check_answer(&stage, stage.row->says);
  clear(&stage);
}

static void test_thread_is_not_kept(void) {
  const Row silent = {"", KEEPS_SILENT, NULL, TRUE};
  const struct {
    gint64 patience;
    gboolean closes;
    const char *says;
  } cases[] = {{50000, FALSE, "there is no connection in time"},
               {LONG_US, TRUE, "the server is being stopped"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Stage stage;
    set_up(&stage, &silent, start);
    run_thread(&stage, cases[i].patience, cases[i].closes);
    check_answer(&stage, cases[i].says);
    dialer_close(stage.dialer);
    clear(&stage);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/dialer/", rows[i].title, NULL);
    g_autofree char *thread = g_strconcat("/dialer/thread/", rows[i].title, NULL);
    g_test_add_data_func(path, &rows[i], test_row);
    g_test_add_data_func(thread, &rows[i], test_thread);
  }
  g_test_add_func("/dialer/no-connector", test_no_connector);
  g_test_add_func("/dialer/hanging", test_hanging);
  g_test_add_func("/dialer/unasked-connector", test_unasked_connector);
  g_test_add_func("/dialer/long-server", test_long_server);
  g_test_add_func("/dialer/cancelled", test_cancelled);
  g_test_add_func("/dialer/thread/not-kept", test_thread_is_not_kept);
  return g_test_run();
}
