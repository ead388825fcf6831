/* SPDX-License-Identifier: MIT */
/* front.h: the loop, and what each message does. */
#include "mailauth/front/front.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/registry.h"
#include "mailauth/base/host-name.h"
#include "mailauth/base/kinds.h"
#include "mailauth/base/limits.h"
#include "mailauth/front/admission.h"
#include "mailauth/front/auth-front.h"
#include "mailauth/front/login-request.h"
#include "mailauth/front/session.h"
#include "mailauth/ipc/channel.h"
#include "mailauth/protocol/machines.h"
#include "mailauth/tls/tls-server.h"
#include "mailauth/tls/tls-tickets.h"

#define MS 1000

typedef struct Front Front;

typedef struct {
  Watch watch;
  Timer rest;
  Front *front;
  Protocol protocol;
  gboolean tls;
} Listener;

typedef struct {
  Watch watch;
  Channel *channel; /* NULL: none at present */
  Front *front;
} Link;

struct Front {
  SessionHost host;
  Admission admission;
  AuthFront *others;
  Link parent;
  Link verifier;
  Timer patience;        /* with logins that wait for a new verifier */
  GHashTable *listeners; /* id -> Listener */
  GHashTable *logins;    /* number -> Login */
  guint with_clients;    /* of the logins */
  guint64 last_login;
  TlsServer *tls;
  Timer new_tickets;        /* when their keys change */
  gboolean has_settings;    /* nobody is accepted before */
  gint64 transcript_second; /* monotonic, of the lines below */
  guint transcript_lines;
  guint64 transcript_left_out;
  guint lacks; /* of its sandbox */
  gboolean running;
  int exit_code;
};

/* ---- channels ---- */

/* @why: NULL where all is as it should be. */
static void stop(Front *front, const char *why) {
  if (why != NULL)
    g_printerr("mailauthd: front: %s\n", why);
  front->running = FALSE;
  front->exit_code = why == NULL ? 0 : 1;
}

static void watch_channel(Link *link) {
  guint32 events = link->channel == NULL                ? 0
                   : channel_wants_write(link->channel) ? (guint32)(EPOLLIN | EPOLLOUT)
                                                        : (guint32)EPOLLIN;
  if (!poller_watch(link->front->host.poller, &link->watch, events))
    stop(link->front, "The channel to another role can't be watched");
}

/* What the verifier is not told it does not answer. Where its channel has ended,
 * reading it says so, and there will be another. */
static void tell_verifier(Front *front, MessageKind kind, GVariant *body) {
  g_autoptr(GError) error = NULL;
  if (front->verifier.channel == NULL) {
    g_variant_unref(g_variant_ref_sink(body));
    return;
  }
  if (!channel_send(front->verifier.channel, kind, body, NULL, 0, &error)) {
    if (!g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE))
      g_printerr("mailauthd: front: %s\n", error->message);
    poller_set_timer(front->host.poller, &front->patience, 0);
  }
  watch_channel(&front->verifier);
}

/* ---- logins ---- */

static void send_question(Front *front, const Login *login) {
  MessageKind kind;
  GVariant *body = question_new(login, &kind);
  tell_verifier(front, kind, body);
}

static void set_with_client(Front *front, Login *login, gboolean is_with_client) {
  front->with_clients += is_with_client ? 1U : 0U;
  front->with_clients -= login->is_with_client ? 1U : 0U;
  login->is_with_client = is_with_client;
}

static void forget_login(Front *front, guint64 number) {
  Login *login = g_hash_table_lookup(front->logins, &number);
  if (login != NULL)
    set_with_client(front, login, FALSE);
  if (login != NULL && login->session != NULL)
    session_set_login(login->session, 0);
  g_hash_table_remove(front->logins, &number);
}

/* The login is over with this. */
static void pass_verdict(Front *front, const Login *waiting, const Verdict *verdict,
                         const char *user) {
  Login login = *waiting;
  forget_login(front, login.number);
  if (login.session != NULL) {
    session_take_verdict(login.session, verdict);
    return;
  }
  if (verdict->server >= 0)
    close(verdict->server);
  if (verdict->proof_size > 0)
    auth_login_take_proof(login.other, user, verdict->proof, verdict->proof_size);
  else
    auth_login_take_verdict(login.other, verdict->outcome, user, verdict->delay_ms);
}

/* What a client is told where no verifier answers. */
static Outcome get_default_outcome(Step step) {
  return step == STEP_CLEAR_TEXT       ? OUTCOME_CLEAR_TEXT
         : step == STEP_NO_CERTIFICATE ? OUTCOME_NO_CERTIFICATE
                                       : OUTCOME_UNDECIDED;
}

/* All that wait are told that there is no verdict. Those that are with their
 * clients are told when they come back. */
static void give_up_logins(Front *front) {
  g_autoptr(GList) logins = g_hash_table_get_values(front->logins);
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (const GList *item = logins; item != NULL; item = item->next)
    if (!((const Login *)item->data)->is_with_client)
      g_array_append_val(numbers, ((const Login *)item->data)->number);
  for (guint i = 0; i < numbers->len; i++) {
    const Login *login = g_hash_table_lookup(front->logins, &g_array_index(numbers, guint64, i));
    if (login == NULL)
      continue;
    Verdict verdict = {
        .outcome = get_default_outcome(login->step), .capabilities = "", .server = -1};
    pass_verdict(front, login, &verdict, "");
  }
}

static void lose_patience(Timer *timer) {
  give_up_logins((Front *)(gpointer)((guint8 *)timer - G_STRUCT_OFFSET(Front, patience)));
}

/* Without a verifier it waits for one; with too many waiting it is given up at once. */
static void ask_verifier(Front *front, const Login *login) {
  guint waiting = g_hash_table_size(front->logins) - front->with_clients;
  if (front->verifier.channel != NULL && waiting <= MAX_WAITING_LOGINS)
    send_question(front, login);
  else if (front->patience.place == 0)
    poller_set_timer(front->host.poller, &front->patience,
                     front->verifier.channel == NULL ? (gint64)VERIFIER_WAIT_MS * MS : 0);
}

/* The login of that number, which has been with its client; else a new one. */
static Login *get_login(Front *front, guint64 number) {
  Login *login = g_hash_table_lookup(front->logins, &number);
  if (login != NULL) {
    set_with_client(front, login, FALSE);
    return login;
  }
  login = g_new0(Login, 1);
  login->number = ++front->last_login;
  g_hash_table_insert(front->logins, &login->number, login);
  return login;
}

static void handle_ask(Session *session, Step step, gpointer owner) {
  Front *front = owner;
  Login *login = get_login(front, session_get_login(session));
  login->session = session;
  login->step = step;
  session_set_login(session, login->number);
  ask_verifier(front, login);
}

static void handle_other_ask(AuthLogin *other, gpointer data) {
  Front *front = data;
  Login *login = get_login(front, auth_login_get_number(other));
  login->other = other;
  login->step = STEP_LOGIN;
  auth_login_set_number(other, login->number);
  ask_verifier(front, login);
}

static void cancel_login(Front *front, guint64 number) {
  forget_login(front, number);
  tell_verifier(front, MESSAGE_CANCEL, g_variant_new_uint64(number));
}

static void handle_cancel(Session *session, gpointer owner) {
  cancel_login(owner, session_get_login(session));
}

static void handle_other_cancel(AuthLogin *other, gpointer data) {
  cancel_login(data, auth_login_get_number(other));
}

static void handle_no_certificate(Session *session, gpointer owner) {
  tell_verifier(owner, MESSAGE_INCIDENT,
                question_new_incident(0, OUTCOME_NO_CERTIFICATE, session, NULL));
}

/* Logging must not stop the logins: what comes too fast, or while the verifier
 * is slow to read, is left out. */
static gboolean may_transcribe(Front *front) {
  gint64 second = g_get_monotonic_time() / (MS * MS);
  if (second != front->transcript_second)
    front->transcript_lines = 0;
  front->transcript_second = second;
  return front->verifier.channel != NULL && !channel_wants_write(front->verifier.channel) &&
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
    tell_verifier(front, MESSAGE_TRANSCRIPT, g_variant_new("(ys)", (guchar)protocol, gap));
  }
  tell_verifier(front, MESSAGE_TRANSCRIPT, g_variant_new("(ys)", (guchar)protocol, line));
}

static void handle_logged_in(Session *session, gpointer owner) {
  admission_note_login(&((Front *)owner)->admission, session);
}

static void handle_ended(Session *session, gpointer owner) {
  admission_remove(&((Front *)owner)->admission, session);
}

/* ---- connections ---- */

static void refuse_connection(int client, const Listener *listener, const char *why) {
  g_autoptr(GString) out = g_string_new(NULL);
  machine_get_ops(listener->protocol)->say_goodbye(why, out);
  /* Best effort: nobody waits for a client that is not let in. */
  if (!listener->tls && send(client, out->str, out->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    errno = 0;
  close(client);
}

static void admit(Listener *listener, int client, const Peer *peer) {
  Front *front = listener->front;
  Session *session = session_new(&front->host, client, listener->protocol, listener->tls, peer);
  admission_add(&front->admission, session);
  session_start(session);
}

static void judge_connection(Listener *listener, int client, const Peer *peer) {
  Front *front = listener->front;
  Admission *admission = &front->admission;
  AdmissionResult result = admission_judge(admission, listener->protocol, peer,
                                           &front->host.settings[listener->protocol]);
  if (result == REFUSE_SUBSCRIBER) {
    refuse_connection(client, listener, "Too many connections from your address.");
    return;
  }
  if (result == REFUSE_FULL) {
    refuse_connection(client, listener, "Too many connections.");
    return;
  }
  if (result == ADMIT_INSTEAD)
    session_dismiss(admission_get_oldest(admission, listener->protocol), "Too many connections.");
  admit(listener, client, peer);
}

/* The system has no descriptor left: the oldest that has not logged in makes
 * room, else the listener rests. */
static gboolean make_room(Listener *listener) {
  Front *front = listener->front;
  Session *oldest = admission_get_oldest(&front->admission, listener->protocol);
  if (oldest != NULL) {
    session_dismiss(oldest, "Too many connections.");
    return TRUE;
  }
  poller_watch(front->host.poller, &listener->watch, 0);
  poller_set_timer(front->host.poller, &listener->rest, (gint64)ACCEPT_REST_MS * MS);
  return FALSE;
}

static gboolean accept_one(Listener *listener) {
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
  int client = accept4(listener->watch.descriptor, (struct sockaddr *)&address, &size,
                       SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client >= 0) {
    Peer peer = peer_from_socket(&address);
    judge_connection(listener, client, &peer);
    return TRUE;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
    return make_room(listener);
  return errno == ECONNABORTED || errno == EINTR;
}

static void listener_ready(Watch *watch, guint32 events G_GNUC_UNUSED) {
  Listener *listener = (Listener *)(gpointer)((guint8 *)watch - G_STRUCT_OFFSET(Listener, watch));
  for (guint i = 0; i < MAX_ACCEPTS_AT_ONCE && accept_one(listener); i++)
    continue;
}

static void listener_watch(Listener *listener) {
  Front *front = listener->front;
  guint32 events = front->has_settings ? EPOLLIN : 0;
  if (!poller_watch(front->host.poller, &listener->watch, events))
    poller_set_timer(front->host.poller, &listener->rest, (gint64)ACCEPT_REST_MS * MS);
}

static void listener_rested(Timer *timer) {
  listener_watch((Listener *)(gpointer)((guint8 *)timer - G_STRUCT_OFFSET(Listener, rest)));
}

static void listener_free(gpointer data) {
  Listener *listener = data;
  Poller *poller = listener->front->host.poller;
  poller_watch(poller, &listener->watch, 0);
  poller_stop_timer(poller, &listener->rest);
  close(listener->watch.descriptor);
  poller_free_later(poller, listener, g_free);
}

/* ---- messages ---- */

static void handle_listener(Front *front, Message *message) {
  guint64 id;
  const char *address;
  guchar protocol;
  gboolean tls;
  g_variant_get(message->body, "(t&syb)", &id, &address, &protocol, &tls);
  if (protocol >= N_PROTOCOLS)
    return;
  Listener *listener = g_new0(Listener, 1);
  listener->watch.descriptor = message_take_descriptor(message, 0);
  listener->watch.ready = listener_ready;
  listener->rest.fire = listener_rested;
  listener->front = front;
  listener->protocol = protocol;
  listener->tls = tls;
  g_hash_table_replace(front->listeners, g_memdup2(&id, sizeof id), listener);
  listener_watch(listener);
}

static void handle_unlisten(Front *front, Message *message) {
  guint64 id = g_variant_get_uint64(message->body);
  g_hash_table_remove(front->listeners, &id);
}

static void handle_socket(Front *front, Message *message) {
  guint8 kind = g_variant_get_byte(message->body);
  if (kind < N_AUTH_KINDS)
    auth_front_set_socket(front->others, kind, message_take_descriptor(message, 0));
}

/* ---- certificates ---- */

/* What is in use for a host now, and what was wrong with what it was to be. */
static GVariant *describe_keys(const Front *front, guint64 request, const char *host,
                               CertificateSlot slot, const char *problem) {
  g_auto(TlsFacts) facts = {0};
  const TlsPair *pair = tls_server_get_pair(front->tls, host, slot);
  if (pair == NULL)
    return g_variant_new("(tsysbsssxxb)", request, host, (guchar)slot, problem, FALSE, "", "", "",
                         (gint64)0, (gint64)0, FALSE);
  tls_pair_get_facts(pair, host, &facts);
  return g_variant_new("(tsysbsssxxb)", request, host, (guchar)slot, problem, TRUE, facts.subject,
                       facts.algorithm, facts.fingerprint, facts.not_before, facts.not_after,
                       facts.covers);
}

static void report_pair(const char *host, CertificateSlot slot, const TlsPair *pair G_GNUC_UNUSED,
                        gpointer data) {
  tell_verifier(data, MESSAGE_KEYS_RESULT, describe_keys(data, 0, host, slot, ""));
}

/* Without descriptors: the host has no pair any more. */
static gboolean take_pair(const Front *front, const Message *message, const char *host,
                          CertificateSlot slot, GError **error) {
  g_autoptr(TlsPair) pair = NULL;
  if (message->n_descriptors >= 2)
    pair = tls_pair_new(message->descriptors[0], message->descriptors[1], error);
  if (message->n_descriptors >= 2 && pair == NULL)
    return FALSE;
  return tls_server_set_pair(front->tls, host, slot, pair, error);
}

/* Connections that are open keep the pair they began with. */
static void handle_keys(Front *front, Message *message) {
  g_autoptr(GError) error = NULL;
  guint64 request;
  const char *host;
  guchar slot;
  const char *certificate;
  const char *key;
  g_variant_get(message->body, "(t&sy&s&s)", &request, &host, &slot, &certificate, &key);
  if (slot >= N_CERTIFICATE_SLOTS || (*host != '\0' && !host_name_is_canonical(host)))
    return;
  g_autofree char *problem =
      take_pair(front, message, host, slot, &error)
          ? g_strdup("")
          : g_strdup_printf("certificate %s, private key %s: %s", certificate, key, error->message);
  front->host.keys = tls_server_get_context(front->tls);
  tell_verifier(front, MESSAGE_KEYS_RESULT, describe_keys(front, request, host, slot, problem));
}

static void change_tickets(Timer *timer) {
  Front *front = (Front *)(gpointer)((guint8 *)timer - G_STRUCT_OFFSET(Front, new_tickets));
  tls_server_rotate_tickets(front->tls);
  poller_set_timer(front->host.poller, timer, (gint64)TICKET_SECONDS * MS * MS);
}

/* ---- the verifier ---- */

static void lose_verifier(Front *front) {
  poller_watch(front->host.poller, &front->verifier.watch, 0);
  g_clear_pointer(&front->verifier.channel, channel_free);
  give_up_logins(front);
}

static void handle_verifier_started(Front *front, Message *message) {
  if (front->verifier.channel != NULL)
    lose_verifier(front);
  int descriptor = message_take_descriptor(message, 0);
  front->verifier.channel = channel_new(descriptor, ROLE_FRONT, ROLE_VERIFIER);
  front->verifier.watch.descriptor = channel_get_descriptor(front->verifier.channel);
  poller_stop_timer(front->host.poller, &front->patience);
  watch_channel(&front->verifier);
  tls_server_visit(front->tls, report_pair, front);
  GHashTableIter iterator;
  gpointer login;
  g_hash_table_iter_init(&iterator, front->logins);
  while (g_hash_table_iter_next(&iterator, NULL, &login))
    if (!((const Login *)login)->is_with_client)
      send_question(front, login);
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

/* A verifier that has not reached regd yet changes nothing that its predecessor said. */
static void handle_settings(Front *front, Message *message) {
  g_autoptr(GVariant) rows = NULL;
  guint16 minimum_tls;
  gboolean is_set;
  gboolean has_scram;
  g_variant_get(message->body, "(bqb@a(yyuuuy))", &is_set, &minimum_tls, &has_scram, &rows);
  if (!is_set && front->has_settings)
    return;
  front->host.has_scram = has_scram;
  auth_front_offer_scram(front->others, front->host.has_scram);
  for (gsize i = 0; i < g_variant_n_children(rows); i++) {
    g_autoptr(GVariant) row = g_variant_get_child_value(rows, i);
    take_row(front, row);
  }
  tls_server_set_minimum(front->tls, minimum_tls);
  if (front->has_settings)
    return;
  front->has_settings = TRUE;
  auth_front_open(front->others);
  GHashTableIter iterator;
  gpointer listener;
  g_hash_table_iter_init(&iterator, front->listeners);
  while (g_hash_table_iter_next(&iterator, NULL, &listener))
    listener_watch(listener);
}

/* A line break from a mail server must not become another answer. */
static const char *check_capabilities(const char *capabilities) {
  return strpbrk(capabilities, "\r\n]") == NULL ? capabilities : "";
}

static void handle_verdict(Front *front, Message *message) {
  guint64 number;
  guint32 outcome;
  const char *user;
  Verdict verdict = {.server = -1};
  g_autoptr(GVariant) had = NULL;
  g_autoptr(GVariant) proof = NULL;
  g_variant_get(message->body, "(tu&suu&s@ay@ay)", &number, &outcome, &user, &verdict.delay_ms,
                &verdict.idle_timeout, &verdict.capabilities, &had, &proof);
  const Login *login = g_hash_table_lookup(front->logins, &number);
  if (login == NULL || login->is_with_client)
    return;
  verdict.outcome = outcome < N_OUTCOMES ? (Outcome)outcome : OUTCOME_UNDECIDED;
  if (login->step != STEP_LOGIN && verdict.outcome == OUTCOME_OK)
    verdict.outcome = get_default_outcome(login->step);
  verdict.delay_ms = MIN(verdict.delay_ms, MAX_VERDICT_DELAY_MS);
  verdict.capabilities = check_capabilities(verdict.capabilities);
  verdict.had = g_variant_get_fixed_array(had, &verdict.had_size, 1);
  if (verdict.outcome == OUTCOME_OK) {
    verdict.server = message_take_descriptor(message, 0);
    if (login_get_credentials(login)->kind == CREDENTIALS_SCRAM_FINAL)
      verdict.proof = g_variant_get_fixed_array(proof, &verdict.proof_size, 1);
  }
  pass_verdict(front, login, &verdict, user);
}

static void handle_scram_challenge(Front *front, Message *message) {
  guint64 number;
  gsize size = 0;
  g_autoptr(GVariant) bytes = NULL;
  g_variant_get(message->body, "(t@ay)", &number, &bytes);
  Login *login = g_hash_table_lookup(front->logins, &number);
  if (login == NULL || login->is_with_client ||
      login_get_credentials(login)->kind != CREDENTIALS_SCRAM_FIRST)
    return;
  const guint8 *challenge = g_variant_get_fixed_array(bytes, &size, 1);
  set_with_client(front, login, TRUE);
  if (login->session != NULL)
    session_take_challenge(login->session, challenge, size);
  else
    auth_login_take_challenge(login->other, challenge, size);
}

static void handle_ask_counts(Front *front, Message *message) {
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
  tell_verifier(
      front, MESSAGE_COUNTS,
      g_variant_new("(tua{su})", g_variant_get_uint64(message->body), front->lacks, &counts));
}

/* The channel lets nothing pass that is not for the front, or from another role. */
static void handle_message(Front *front, Message *message) {
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
  };
  if (handlers[message->kind] != NULL)
    handlers[message->kind](front, message);
}

/* Until it is CHANNEL_EMPTY or CHANNEL_CLOSED, or clients are to have their turn. */
static ChannelResult receive_some(Link *link, GError **error) {
  ChannelResult result = CHANNEL_EMPTY;
  Channel *channel = link->channel;
  guint left = MAX_MESSAGES_AT_ONCE;
  do {
    g_auto(Message) message = MESSAGE_INIT;
    result = channel_receive(channel, &message, error);
    if (result == CHANNEL_MESSAGE)
      handle_message(link->front, &message);
  } while (result == CHANNEL_MESSAGE && --left > 0 && link->channel == channel &&
           link->front->running);
  return result;
}

static ChannelResult serve_channel(Link *link, guint32 events, GError **error) {
  if ((events & EPOLLOUT) != 0 && !channel_flush(link->channel, NULL))
    return CHANNEL_CLOSED;
  return receive_some(link, error);
}

static Link *link_of_watch(Watch *watch) {
  return (Link *)(gpointer)((guint8 *)watch - G_STRUCT_OFFSET(Link, watch));
}

static void parent_ready(Watch *watch, guint32 events) {
  g_autoptr(GError) error = NULL;
  Link *link = link_of_watch(watch);
  if (serve_channel(link, events, &error) == CHANNEL_CLOSED)
    stop(link->front, error == NULL ? NULL : error->message);
  else
    watch_channel(link);
}

/* Sessions that are logged in do not need the verifier: they outlive its channel. */
static void verifier_ready(Watch *watch, guint32 events) {
  g_autoptr(GError) error = NULL;
  Link *link = link_of_watch(watch);
  if (serve_channel(link, events, &error) != CHANNEL_CLOSED) {
    watch_channel(link);
    return;
  }
  if (error != NULL)
    g_printerr("mailauthd: front: %s\n", error->message);
  lose_verifier(link->front);
}

/* ---- the role ---- */

static void set_up_host(Front *front) {
  SessionHost *host = &front->host;
  host->owner = front;
  host->ask = handle_ask;
  host->cancel = handle_cancel;
  host->no_certificate = handle_no_certificate;
  host->transcribe = handle_transcript;
  host->logged_in = handle_logged_in;
  host->ended = handle_ended;
}

static void set_up(Front *front, const RoleStart *start) {
  const AuthFrontHooks hooks = {handle_other_ask, handle_other_cancel, front};
  set_up_host(front);
  front->lacks = start->lacks;
  front->others = auth_front_new(front->host.poller, &hooks);
  admission_init(&front->admission);
  front->listeners = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, listener_free);
  front->logins = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
  front->patience.fire = lose_patience;
  front->new_tickets.fire = change_tickets;
  poller_set_timer(front->host.poller, &front->new_tickets, (gint64)TICKET_SECONDS * MS * MS);
  front->verifier = (Link){.front = front, .watch.ready = verifier_ready};
  front->parent = (Link){.front = front, .watch.ready = parent_ready};
  front->parent.channel = channel_new(start->descriptor, ROLE_FRONT, ROLE_PARENT);
  front->parent.watch.descriptor = channel_get_descriptor(front->parent.channel);
  front->running = TRUE;
  watch_channel(&front->parent);
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
  g_hash_table_unref(front->listeners);
  g_hash_table_unref(front->logins);
  channel_free(front->verifier.channel);
  channel_free(front->parent.channel);
  tls_server_free(front->tls);
  poller_stop_timer(front->host.poller, &front->patience);
  poller_stop_timer(front->host.poller, &front->new_tickets);
  poller_free(front->host.poller);
  admission_clear(&front->admission);
}

int front_run(const RoleStart *start) {
  g_autoptr(GError) error = NULL;
  Front front = {0};
  front.host.poller = poller_new(&error);
  front.tls = front.host.poller != NULL ? tls_server_new(&error) : NULL;
  if (front.tls == NULL) {
    g_printerr("mailauthd: front: %s\n", error->message);
    poller_free(front.host.poller);
    return 1;
  }
  set_up(&front, start);
  while (front.running)
    poller_run_once(front.host.poller);
  clear_all(&front);
  return front.exit_code;
}
