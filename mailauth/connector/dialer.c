/* SPDX-License-Identifier: MIT */
/* See dialer.h. All but the waiting of other threads is on the loop's. */
#include "mailauth/connector/dialer.h"

#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/ipc/channel.h"

#define ENDED "the process that makes connections has ended"
#define CLOSED "the server is being stopped"
#define SILENT "the process that makes connections does not answer, and is replaced"
/* How much longer than a connection may take the connector may be silent, in ms. */
#define GRACE_MS 5000

typedef struct {
  Dialer *dialer;
  guint64 number;
  char *account;
  char *server;
  guint timeout; /* ms */
  DialerConnected connected;
  gpointer data;
} Call;

struct Dialer {
  DialerWant want;
  DialerEnd end; /* may be NULL */
  gpointer data;
  Channel *channel;    /* NULL while there is no connector */
  guint64 request;     /* that brought it */
  guint64 wanted;      /* the request that is under way; 0 for none */
  guint64 last_number; /* of calls, and of requests */
  GHashTable *calls;   /* number -> Call */
  GQueue unsent;       /* of Call */
  guint source;        /* that looks after them */
  guint outstanding;   /* questions that the connector has not answered, cancelled ones too */
  guint longest;       /* ms: what the longest of them may take */
  guint silence;       /* timer: the connector hangs; 0 while nothing is outstanding */
  GMutex lock;         /* over what follows, and every Waiting */
  GCond answered;
  gboolean closed;
};

static void call_free(gpointer data) {
  Call *call = data;
  g_queue_remove(&call->dialer->unsent, call);
  g_free(call->account);
  g_free(call->server);
  g_free(call);
}

Dialer *dialer_new(DialerWant want, DialerEnd end, gpointer data) {
  Dialer *dialer = g_new0(Dialer, 1);
  dialer->want = want;
  dialer->end = end;
  dialer->data = data;
  dialer->calls = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, call_free);
  g_queue_init(&dialer->unsent);
  g_mutex_init(&dialer->lock);
  g_cond_init(&dialer->answered);
  return dialer;
}

void dialer_free(Dialer *dialer) {
  if (dialer == NULL)
    return;
  g_clear_handle_id(&dialer->source, g_source_remove);
  g_clear_handle_id(&dialer->silence, g_source_remove);
  channel_free(dialer->channel);
  g_hash_table_unref(dialer->calls);
  g_mutex_clear(&dialer->lock);
  g_cond_clear(&dialer->answered);
  g_free(dialer);
}

/* ---- answers ---- */

/* The call is freed before the caller is told. */
static void finish(Call *call, int descriptor, const char *problem) {
  DialerConnected connected = call->connected;
  gpointer data = call->data;
  g_hash_table_remove(call->dialer->calls, &call->number);
  connected(descriptor, problem, data);
}

/* Those who ask again meanwhile are not meant. */
static void refuse_all(Dialer *dialer, const char *problem) {
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
  GHashTableIter iterator;
  gpointer key;
  g_hash_table_iter_init(&iterator, dialer->calls);
  while (g_hash_table_iter_next(&iterator, &key, NULL))
    g_array_append_vals(numbers, key, 1);
  for (guint i = 0; i < numbers->len; i++) {
    Call *call = g_hash_table_lookup(dialer->calls, &g_array_index(numbers, guint64, i));
    if (call != NULL)
      finish(call, -1, problem);
  }
}

static void on_ended(Dialer *dialer, const char *why) {
  g_clear_pointer(&dialer->channel, channel_free);
  g_clear_handle_id(&dialer->silence, g_source_remove);
  dialer->outstanding = 0;
  refuse_all(dialer, why);
}

/* A process that is stopped does not see the end of its channel. */
static gboolean on_silent(gpointer data) {
  Dialer *dialer = data;
  dialer->silence = 0;
  g_printerr("mailauthd: " SILENT "\n");
  if (dialer->end != NULL)
    dialer->end(dialer->request, dialer->data);
  on_ended(dialer, SILENT);
  return G_SOURCE_REMOVE;
}

/* Whatever it says, it does not hang. */
static void listen_on(Dialer *dialer) {
  g_clear_handle_id(&dialer->silence, g_source_remove);
  if (dialer->outstanding > 0)
    dialer->silence = g_timeout_add(dialer->longest + GRACE_MS, on_silent, dialer);
}

/* The answer to a call that was cancelled is dropped. */
static void take_answer(Dialer *dialer, Message *message) {
  guint64 number = 0;
  const char *problem = NULL;
  g_variant_get(message->body, "(t&s)", &number, &problem);
  Call *call = g_hash_table_lookup(dialer->calls, &number);
  gboolean has_socket = message->n_descriptors > 0;
  dialer->outstanding -= MIN(dialer->outstanding, 1);
  listen_on(dialer);
  if (has_socket != (*problem == '\0'))
    on_ended(dialer, "the process that makes connections has not answered what it was asked");
  else if (call != NULL)
    finish(call, message_take_descriptor(message, 0), has_socket ? NULL : problem);
}

static void on_message(G_GNUC_UNUSED Channel *channel, Message *message, const GError *error,
                       gpointer data) {
  if (message != NULL)
    take_answer(data, message);
  else
    on_ended(data, error != NULL ? error->message : ENDED);
}

/* ---- a connector ---- */

static void note_question(Dialer *dialer, guint timeout) {
  dialer->longest = MAX(dialer->outstanding > 0 ? dialer->longest : 0, timeout);
  dialer->outstanding++;
  if (dialer->silence == 0)
    listen_on(dialer);
}

static void send_unsent(Dialer *dialer) {
  Call *call;
  while (dialer->channel != NULL && (call = g_queue_pop_head(&dialer->unsent)) != NULL) {
    g_autoptr(GError) error = NULL;
    g_autofree char *account = g_utf8_make_valid(call->account, -1);
    g_autofree char *server = g_utf8_make_valid(call->server, -1);
    guint timeout = call->timeout;
    if (!channel_send(dialer->channel, MESSAGE_CONNECT,
                      g_variant_new("(tssu)", call->number, account, server, call->timeout), NULL,
                      0, &error))
      finish(call, -1, error->message);
    else
      note_question(dialer, timeout);
  }
}

void dialer_prepare(Dialer *dialer) {
  if (dialer->channel != NULL || dialer->wanted != 0 || dialer->closed)
    return;
  dialer->wanted = ++dialer->last_number;
  if (!dialer->want(dialer->wanted, dialer->data))
    dialer_take_refusal(dialer, dialer->wanted, "none can be started");
}

void dialer_take_connector(Dialer *dialer, guint64 request, int descriptor) {
  if (request != dialer->wanted || dialer->closed) {
    close(descriptor); /* it was not asked for */
    return;
  }
  dialer->wanted = 0;
  dialer->request = request;
  dialer->channel = channel_new(descriptor, ROLE_VERIFIER, ROLE_CONNECTOR);
  channel_attach(dialer->channel, NULL, on_message, dialer);
  send_unsent(dialer);
}

void dialer_take_refusal(Dialer *dialer, guint64 request, const char *problem) {
  if (request != dialer->wanted)
    return;
  g_autofree char *why =
      g_strdup_printf("No process that makes connections can be had: %s", problem);
  dialer->wanted = 0;
  refuse_all(dialer, why);
}

/* ---- questions ---- */

static gboolean on_unsent(gpointer data) {
  Dialer *dialer = data;
  dialer->source = 0;
  if (dialer->closed)
    refuse_all(dialer, CLOSED);
  else if (dialer->channel != NULL)
    send_unsent(dialer);
  else
    dialer_prepare(dialer);
  return G_SOURCE_REMOVE;
}

guint64 dialer_dial(Dialer *dialer, const DialerTarget *target, DialerConnected connected,
                    gpointer data) {
  Call *call = g_new0(Call, 1);
  *call = (Call){dialer,
                 ++dialer->last_number,
                 g_strdup(target->account),
                 g_strdup(target->server),
                 target->timeout,
                 connected,
                 data};
  g_hash_table_insert(dialer->calls, &call->number, call);
  g_queue_push_tail(&dialer->unsent, call);
  if (dialer->source == 0)
    dialer->source = g_idle_add_full(G_PRIORITY_DEFAULT, on_unsent, dialer, NULL);
  return call->number;
}

void dialer_cancel(Dialer *dialer, guint64 number) {
  g_hash_table_remove(dialer->calls, &number);
}

/* ---- other threads ---- */

/* The thread's and the loop's, each of which may be done with it first. */
typedef struct {
  gatomicrefcount references;
  Dialer *dialer;
  char *server;
  guint timeout;    /* ms */
  gboolean is_over; /* the answer is there */
  int descriptor;   /* -1: none, or it is taken */
  char *problem;
} Waiting;

static void waiting_unref(gpointer data) {
  Waiting *waiting = data;
  if (!g_atomic_ref_count_dec(&waiting->references))
    return;
  if (waiting->descriptor >= 0)
    close(waiting->descriptor);
  g_free(waiting->server);
  g_free(waiting->problem);
  g_free(waiting);
}

static void on_connected(int descriptor, const char *problem, gpointer data) {
  Waiting *waiting = data;
  Dialer *dialer = waiting->dialer;
  g_mutex_lock(&dialer->lock);
  waiting->is_over = TRUE;
  waiting->descriptor = descriptor;
  waiting->problem = g_strdup(problem);
  g_cond_broadcast(&dialer->answered);
  g_mutex_unlock(&dialer->lock);
  waiting_unref(waiting);
}

static gboolean begin(gpointer data) {
  Waiting *waiting = data;
  const DialerTarget target = {"", waiting->server, waiting->timeout};
  dialer_dial(waiting->dialer, &target, on_connected, waiting);
  return G_SOURCE_REMOVE;
}

/* What comes after the deadline is closed with the last reference. */
static int wait_for_answer(Waiting *waiting, gint64 deadline, GError **error) {
  Dialer *dialer = waiting->dialer;
  g_mutex_lock(&dialer->lock);
  while (!waiting->is_over && !dialer->closed &&
         g_cond_wait_until(&dialer->answered, &dialer->lock, deadline))
    continue;
  const char *problem = dialer->closed ? CLOSED : "there is no connection in time";
  int descriptor = waiting->descriptor;
  waiting->descriptor = -1;
  if (descriptor < 0)
    error_set(error, REGISTRY_ERROR_UNREACHABLE, "%s",
              waiting->problem != NULL ? waiting->problem : problem);
  g_mutex_unlock(&dialer->lock);
  return descriptor;
}

/* By a source: g_main_context_invoke() would run it here if the loop does not happen to
 * run. */
int dialer_dial_and_wait(Dialer *dialer, const char *server, gint64 timeout, GError **error) {
  Waiting *waiting = g_new0(Waiting, 1);
  gint64 deadline = g_get_monotonic_time() + timeout;
  g_atomic_ref_count_init(&waiting->references);
  g_atomic_ref_count_inc(&waiting->references);
  waiting->dialer = dialer;
  waiting->server = g_strdup(server);
  /* Never before the deadline. */
  waiting->timeout = (guint)(timeout / 1000) + 1;
  waiting->descriptor = -1;
  g_idle_add_full(G_PRIORITY_DEFAULT, begin, waiting, NULL);
  int descriptor = wait_for_answer(waiting, deadline, error);
  waiting_unref(waiting);
  return descriptor;
}

/* ---- the end ---- */

void dialer_close(Dialer *dialer) {
  g_mutex_lock(&dialer->lock);
  dialer->closed = TRUE;
  g_cond_broadcast(&dialer->answered);
  g_mutex_unlock(&dialer->lock);
  g_clear_pointer(&dialer->channel, channel_free);
  refuse_all(dialer, CLOSED);
}
