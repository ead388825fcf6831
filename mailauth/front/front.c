/* SPDX-License-Identifier: MIT */
/* front.h: the role's parts put together, and what each message does. Logins,
 * listeners and certificates are front-logins.h, front-listeners.h and front-keys.h;
 * what is left here are the settings, the lines that are logged, and the counts. */
#include "mailauth/front/front.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <time.h>

#include "mailauth/base/kinds.h"
#include "mailauth/base/limits.h"
#include "mailauth/front/auth-front.h"
#include "mailauth/front/front-channel.h"
#include "mailauth/front/front-keys.h"
#include "mailauth/front/front-listeners.h"
#include "mailauth/front/front-logins.h"
#include "mailauth/front/login-request.h"
#include "mailauth/front/refusals.h"

#define SECOND 1000000

typedef struct {
  SessionHost host;
  Admission admission;
  AuthFront *others;
  FrontChannel parent;
  FrontChannel verifier;
  FrontLogins *logins;
  Refusals *refusals;
  FrontListeners *listeners;
  FrontKeys *keys;
  gboolean has_settings;    /* no connection is accepted before */
  gint64 transcript_second; /* monotonic, of the lines below */
  guint transcript_lines;
  guint64 transcript_left_out;
  guint lacks; /* of its sandbox */
  gboolean running;
  int exit_code;
} Front;

/* @why: NULL if all is as it should be. */
static void stop(Front *front, const char *why) {
  if (why != NULL)
    g_printerr("mailauthd: front: %s\n", why);
  front->running = FALSE;
  front->exit_code = why == NULL ? 0 : 1;
}

/* ---- what sessions and other servers ask for ---- */

static void handle_ask(Session *session, Step step, gpointer owner) {
  front_logins_ask(((Front *)owner)->logins, session, step);
}

static void handle_other_ask(AuthLogin *other, gpointer data) {
  front_logins_ask_other(((Front *)data)->logins, other);
}

static void handle_cancel(Session *session, gpointer owner) {
  front_logins_cancel(((Front *)owner)->logins, session_get_marks(session)->login);
}

static void handle_other_cancel(AuthLogin *other, gpointer data) {
  front_logins_cancel(((Front *)data)->logins, auth_login_get_number(other));
}

static void handle_no_certificate(Session *session, gpointer owner) {
  front_channel_send(&((Front *)owner)->verifier, MESSAGE_INCIDENT,
                     login_request_new_incident(0, OUTCOME_NO_CERTIFICATE, session, NULL));
}

static void handle_refused(Session *session, Outcome outcome, const char *why, gpointer owner) {
  refusals_tell(((Front *)owner)->refusals,
                &(Refusal){outcome, session_get_protocol(session), session_get_address(session),
                           session_get_number(session), why == NULL ? "" : why});
}

static gboolean handle_located(Session *session, const ClientAddress *address, gpointer owner) {
  Front *front = owner;
  Protocol protocol = session_get_protocol(session);
  if (admission_locate(&front->admission, session, address, &front->host.settings[protocol]))
    return TRUE;
  refusals_tell(front->refusals,
                &(Refusal){OUTCOME_TOO_MANY_CONNECTIONS, protocol, address,
                           session_get_number(session), "Max Connections Per Address"});
  return FALSE;
}

static void handle_other_refused(gpointer data) {
  refusals_tell(((Front *)data)->refusals,
                &(Refusal){OUTCOME_TOO_MANY_CONNECTIONS, PROTOCOL_SASL, NULL, 0,
                           "too many at one socket for other servers"});
}

/* Logging must not stop the logins: what comes too fast, or while the verifier
 * is slow to read, is left out. */
static gboolean may_transcribe(Front *front) {
  gint64 second = g_get_monotonic_time() / SECOND;
  if (second != front->transcript_second)
    front->transcript_lines = 0;
  front->transcript_second = second;
  return front_channel_is_free(&front->verifier) &&
         front->transcript_lines++ < MAX_TRANSCRIPT_LINES;
}

static void handle_transcript(Protocol protocol, const char *line, gpointer owner) {
  Front *front = owner;
  if (!may_transcribe(front)) {
    front->transcript_left_out++;
    return;
  }
  if (front->transcript_left_out > 0) {
    g_autofree char *gap =
        g_strdup_printf("(%" G_GUINT64_FORMAT " lines left out)", front->transcript_left_out);
    front->transcript_left_out = 0;
    front_channel_send(&front->verifier, MESSAGE_TRANSCRIPT,
                       g_variant_new("(ys)", (guchar)protocol, gap));
  }
  front_channel_send(&front->verifier, MESSAGE_TRANSCRIPT,
                     g_variant_new("(ys)", (guchar)protocol, line));
}

static void handle_logged_in(Session *session, gpointer owner) {
  admission_note_login(&((Front *)owner)->admission, session);
}

/* The verifier takes a login that was let in for a session until it is told otherwise. */
static void handle_declined(Session *session, gpointer owner) {
  SessionMarks *marks = session_get_marks(session);
  if (marks->admitted != 0)
    front_logins_tell_end(((Front *)owner)->logins, marks->admitted);
  marks->admitted = 0;
  g_clear_pointer(&marks->facts, g_variant_unref);
}

static void handle_ended(Session *session, gpointer owner) {
  handle_declined(session, owner);
  admission_remove(&((Front *)owner)->admission, session);
}

/* ---- messages ---- */

static void handle_listener(Front *front, Message *message) {
  front_listeners_add(front->listeners, message);
}

static void handle_unlisten(Front *front, Message *message) {
  front_listeners_remove(front->listeners, message);
}

static void handle_socket(Front *front, Message *message) {
  guint8 kind = g_variant_get_byte(message->body);
  if (kind < N_AUTH_KINDS)
    auth_front_set_socket(front->others, kind, message_take_descriptor(message, 0));
}

static void handle_keys(Front *front, Message *message) {
  front_keys_take(front->keys, message);
  front->host.keys = front_keys_get_context(front->keys);
}

static void lose_verifier(Front *front) {
  front_channel_close(&front->verifier);
  front_logins_give_up(front->logins);
}

static void send_sessions(Front *front, GVariantBuilder *rows) {
  front_channel_send(&front->verifier, MESSAGE_SESSIONS, g_variant_builder_end(rows));
}

static void tell_sessions(Front *front, const GQueue *sessions) {
  const GVariantType *type = G_VARIANT_TYPE("a(tyssssttb)");
  GVariantBuilder rows;
  guint count = 0;
  g_variant_builder_init(&rows, type);
  for (const GList *link = sessions->head; link != NULL; link = link->next) {
    GVariant *facts = session_get_marks(link->data)->facts;
    if (facts == NULL)
      continue;
    g_variant_builder_add_value(&rows, facts);
    if (++count % MAX_SESSIONS_AT_ONCE > 0)
      continue;
    send_sessions(front, &rows);
    g_variant_builder_init(&rows, type);
  }
  if (count % MAX_SESSIONS_AT_ONCE > 0)
    send_sessions(front, &rows);
  else
    g_variant_builder_clear(&rows);
}

/* A verifier knows of no session that began before it, or before its channel. */
static void tell_all_sessions(Front *front) {
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    tell_sessions(front, &front->admission.logged_in[i]);
    tell_sessions(front, &front->admission.not_logged_in[i]);
  }
}

static void handle_verifier_started(Front *front, Message *message) {
  if (front->verifier.channel != NULL)
    lose_verifier(front);
  front_channel_open(&front->verifier, message_take_descriptor(message, 0));
  front_keys_report(front->keys);
  tell_all_sessions(front);
  front_logins_ask_again(front->logins);
}

static void take_row(Front *front, GVariant *row) {
  guchar protocol;
  guchar clear_text;
  guchar logging_level;
  SessionSettings settings = {0};
  g_variant_get(row, "(yyuuuy)", &protocol, &clear_text, &settings.login_timeout,
                &settings.max_connections, &settings.max_per_address, &logging_level);
  if (protocol >= N_PROTOCOLS || clear_text >= N_CLEAR_TEXT)
    return;
  settings.clear_text = clear_text;
  settings.logging_level = logging_level;
  front->host.settings[protocol] = settings;
}

/* The verifier has taken each of them by the same function. */
static void set_networks(Networks **place, GVariant *texts) {
  GVariantIter iterator;
  const char *text = NULL;
  networks_free(*place);
  *place = networks_new();
  g_variant_iter_init(&iterator, texts);
  while (g_variant_iter_next(&iterator, "&s", &text))
    (void)networks_add(*place, text);
}

/* A verifier that has not reached regd yet changes nothing that its predecessor said. */
static void handle_settings(Front *front, Message *message) {
  g_autoptr(GVariant) rows = NULL;
  g_autoptr(GVariant) trusted = NULL;
  g_autoptr(GVariant) proxies = NULL;
  guint16 minimum_tls;
  gboolean is_set;
  gboolean has_scram;
  guchar left_out;
  const char *ciphers;
  g_variant_get(message->body, "(bqbym&s@as@as@a(yyuuuy))", &is_set, &minimum_tls, &has_scram,
                &left_out, &ciphers, &trusted, &proxies, &rows);
  if (!is_set && front->has_settings)
    return;
  front->host.has_scram = has_scram;
  front->host.left_out = left_out;
  auth_front_offer(front->others, has_scram, left_out);
  set_networks(&front->host.trusted, trusted);
  set_networks(&front->host.proxies, proxies);
  for (gsize i = 0; i < g_variant_n_children(rows); i++) {
    g_autoptr(GVariant) row = g_variant_get_child_value(rows, i);
    take_row(front, row);
  }
  front_keys_set_minimum(front->keys, minimum_tls);
  if (ciphers != NULL)
    front_keys_set_ciphers(front->keys, ciphers);
  if (front->has_settings)
    return;
  front->has_settings = TRUE;
  auth_front_open(front->others);
  front_listeners_open(front->listeners);
}

static void handle_verdict(Front *front, Message *message) {
  front_logins_take_verdict(front->logins, message);
}

static void handle_scram_challenge(Front *front, Message *message) {
  front_logins_take_challenge(front->logins, message);
}

static void handle_ask_counts(Front *front, Message *message) {
  refusals_flush(front->refusals);
  static const char *const names[N_PROTOCOLS] = {
      [PROTOCOL_POP3] = "pop3", [PROTOCOL_IMAP] = "imap"};
  static const char *const other_names[N_AUTH_KINDS] = {
      [AUTH_DOVECOT] = "auth-socket", [AUTH_SASLAUTHD] = "saslauthd-socket"};
  GVariantBuilder counts;
  g_variant_builder_init(&counts, G_VARIANT_TYPE("a{su}"));
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    g_autofree char *logged_in = g_strconcat(names[i], "-logged-in", NULL);
    g_autofree char *before_login = g_strconcat(names[i], "-before-login", NULL);
    g_variant_builder_add(&counts, "{su}", logged_in, front->admission.logged_in[i].length);
    g_variant_builder_add(&counts, "{su}", before_login, front->admission.not_logged_in[i].length);
  }
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    g_variant_builder_add(&counts, "{su}", other_names[i],
                          auth_front_count(front->others, (AuthKind)i));
  front_channel_send(
      &front->verifier, MESSAGE_COUNTS,
      g_variant_new("(tua{su})", g_variant_get_uint64(message->body), front->lacks, &counts));
}

static void handle_end_session(Front *front, Message *message) {
  guint64 number = g_variant_get_uint64(message->body);
  Session *session = number == 0 ? NULL : admission_find(&front->admission, number);
  if (session != NULL)
    session_dismiss(session, "The session was ended by the server.");
}

static void handle_ping(Front *front, G_GNUC_UNUSED Message *message) {
  front_channel_send(&front->parent, MESSAGE_PONG_FRONT, g_variant_new("()"));
}

/* The channel lets nothing pass that is not for the front, or from another role. */
static gboolean handle_message(Message *message, gpointer data) {
  static void (*const handlers[N_MESSAGES])(Front * front, Message * message) = {
      [MESSAGE_LISTENER] = handle_listener,
      [MESSAGE_UNLISTEN] = handle_unlisten,
      [MESSAGE_SOCKET] = handle_socket,
      [MESSAGE_KEYS] = handle_keys,
      [MESSAGE_VERIFIER_STARTED] = handle_verifier_started,
      [MESSAGE_SETTINGS] = handle_settings,
      [MESSAGE_VERDICT] = handle_verdict,
      [MESSAGE_SCRAM_CHALLENGE] = handle_scram_challenge,
      [MESSAGE_ASK_COUNTS] = handle_ask_counts,
      [MESSAGE_END_SESSION] = handle_end_session,
      [MESSAGE_PING_FRONT] = handle_ping,
  };
  Front *front = data;
  if (handlers[message->kind] != NULL)
    handlers[message->kind](front, message);
  return front->running;
}

/* ---- channels ---- */

static void on_unwatched(gpointer data) {
  stop(data, "The channel to another role can't be watched");
}

static void on_parent_ended(const char *why, gpointer data) {
  stop(data, why);
}

/* Sessions that are logged in do not need the verifier: they outlive its channel. */
static void on_verifier_ended(const char *why, gpointer data) {
  if (why != NULL)
    g_printerr("mailauthd: front: %s\n", why);
  lose_verifier(data);
}

/* What the verifier is not told it does not answer. */
static void on_unsent(gpointer data) {
  front_logins_give_up_soon(((Front *)data)->logins);
}

static const FrontChannelEvents parent_events = {
    .take = handle_message, .ended = on_parent_ended, .unwatched = on_unwatched};
static const FrontChannelEvents verifier_events = {.take = handle_message,
                                                   .ended = on_verifier_ended,
                                                   .unsent = on_unsent,
                                                   .unwatched = on_unwatched};

/* ---- the role ---- */

static void set_up_host(Front *front) {
  SessionHost *host = &front->host;
  host->trusted = networks_new();
  host->proxies = networks_new();
  host->owner = front;
  host->ask = handle_ask;
  host->cancel = handle_cancel;
  host->no_certificate = handle_no_certificate;
  host->refused = handle_refused;
  host->located = handle_located;
  host->declined = handle_declined;
  host->transcribe = handle_transcript;
  host->logged_in = handle_logged_in;
  host->ended = handle_ended;
}

static void set_up(Front *front, const RoleStart *start) {
  const AuthFrontHooks hooks = {handle_other_ask, handle_other_cancel, handle_other_refused, front};
  Poller *poller = front->host.poller;
  set_up_host(front);
  front->lacks = start->lacks;
  front->others = auth_front_new(poller, &hooks);
  admission_init(&front->admission);
  front->refusals = refusals_new(&front->verifier);
  front->listeners = front_listeners_new(&front->host, &front->admission, front->refusals);
  front->logins = front_logins_new(poller, &front->verifier);
  front_channel_init(&front->parent, ROLE_PARENT, poller, &parent_events, front);
  front->running = TRUE;
  front_channel_open(&front->parent, start->descriptor);
}

static void dismiss_all(Front *front) {
  Session *session;
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    while ((session = admission_get_oldest(&front->admission, i)) != NULL)
      session_dismiss(session, "The server is stopping.");
    while ((session = admission_get_logged_in(&front->admission, i)) != NULL)
      session_dismiss(session, NULL);
  }
}

static void clear_all(Front *front) {
  dismiss_all(front);
  auth_front_end_all(front->others);
  auth_front_free(front->others);
  front_listeners_free(front->listeners);
  refusals_free(front->refusals);
  front_logins_free(front->logins);
  front_channel_close(&front->verifier);
  front_channel_close(&front->parent);
  front_keys_free(front->keys);
  poller_free(front->host.poller);
  admission_clear(&front->admission);
  networks_free(front->host.trusted);
  networks_free(front->host.proxies);
}

/* What may fail, before there is anything to clear. */
static gboolean begin(Front *front, GError **error) {
  front->host.poller = poller_new(error);
  if (front->host.poller == NULL)
    return FALSE;
  front_channel_init(&front->verifier, ROLE_VERIFIER, front->host.poller, &verifier_events, front);
  front->keys = front_keys_new(front->host.poller, &front->verifier, error);
  if (front->keys != NULL)
    return TRUE;
  poller_free(front->host.poller);
  return FALSE;
}

void front_prepare(void) {
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS, NULL);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_free(context);
  (void)g_strerror(ENOENT);
  tzset();
}

int front_run(const RoleStart *start) {
  g_autoptr(GError) error = NULL;
  Front front = {0};
  if (!begin(&front, &error)) {
    g_printerr("mailauthd: front: %s\n", error->message);
    return 1;
  }
  set_up(&front, start);
  while (front.running)
    poller_run_once(front.host.poller);
  clear_all(&front);
  return front.exit_code;
}
