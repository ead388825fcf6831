/* SPDX-License-Identifier: MIT */
/* session.h: a state for each thing that a connection can be waiting for, and
 * a handler for each state. */
#include "mailauth/front/session-private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "mailauth/base/container-of.h"
#include "mailauth/base/limits.h"
#include "mailauth/front/session-log.h"
#include "mailauth/origin/proxy-gate.h"

#define SECOND (1000 * MS)

const MachineOps *session_get_ops(const Session *session) {
  return machine_get_ops(session->protocol);
}

static Surroundings get_surroundings(const Session *session) {
  ClearText clear_text = session->host->settings[session->protocol].clear_text;
  gboolean own_tls = session->client.tls != NULL;
  gboolean in_tls = own_tls || *session->origin.tls != '\0';
  /* TLS that ends at a proxy has nothing that could be bound to. */
  guint left_out = session->host->left_out | (own_tls ? 0 : MECHANISM_BIT(MECHANISM_SCRAM_PLUS));
  return (Surroundings){
      .in_tls = in_tls,
      .offers_tls = !in_tls && session->host->keys != NULL,
      .takes_passwords = in_tls || clear_text == CLEAR_TEXT_ALWAYS ||
                         (clear_text == CLEAR_TEXT_LOOPBACK &&
                          client_address_is_loopback(&session->origin.address)),
      .transcript = session->transcript,
      .takes_proofs = in_tls || clear_text != CLEAR_TEXT_NEVER,
      .has_scram = session->host->has_scram,
      .left_out = left_out,
      .may_tell = networks_have(session->host->trusted, &session->origin.speaker),
  };
}

/* ---- the end ---- */

static void free_relay(Session *session) {
  session_relay_free(g_steal_pointer(&session->relay), session->transcript);
}

void session_free_machine(Session *session) {
  Machine *machine = g_steal_pointer(&session->machine);
  if (machine != NULL)
    session_get_ops(session)->free(machine);
}

void session_drop_output(Session *session) {
  if (session->out != NULL)
    g_string_free(session->out, TRUE);
  session->out = NULL;
  session->out_at = 0;
  transcript_output(session->transcript, NULL);
}

static void session_end(Session *session) {
  if (session->state == SESSION_OVER)
    return;
  if (session->state == SESSION_WAITING || session->state == SESSION_ASKING || session->challenged)
    session->host->cancel(session, session->host->owner);
  session->state = SESSION_OVER;
  session->host->ended(session, session->host->owner);
  poller_forget(&session->watch); /* no other process holds a client's socket */
  poller_stop_timer(session->host->poller, &session->timer);
  free_relay(session);
  g_clear_pointer(&session->verdict, held_verdict_free);
  session_free_machine(session);
  session_drop_output(session);
  transcript_note(session->transcript, TRANSCRIPT_LOGINS, "disconnected");
  g_clear_pointer(&session->transcript, transcript_free);
  secret_clear(&session->input);
  g_clear_pointer(&session->header, proxy_header_free);
  stream_close(&session->client);
  poller_free_later(session->host->poller, session, g_free);
}

/* ---- output ---- */

GString *session_get_output(Session *session) {
  if (session->out == NULL)
    session->out = g_string_sized_new(128);
  return session->out;
}

/* TRUE once all is sent. FALSE: wait for the client, or the session is over. */
static gboolean flush_output(Session *session) {
  while (session->out != NULL && session->out_at < session->out->len) {
    gsize done = 0;
    StreamResult result =
        stream_write(&session->client, (const guint8 *)session->out->str + session->out_at,
                     session->out->len - session->out_at, &done);
    if (result != STREAM_DONE && result != STREAM_WAIT)
      session_end(session);
    if (result != STREAM_DONE)
      return FALSE;
    session->out_at += done;
  }
  session_drop_output(session);
  return TRUE;
}

/* ---- the conversation ---- */

static void refuse_address(Session *session) {
  if (session->state != SESSION_HEADER || !session->begins_with_tls) /* no word is understood */
    session_get_ops(session)->say_goodbye("Too many connections from your address.",
                                          session_get_output(session));
  session_enter(session, SESSION_CLOSING);
}

/* FALSE: it is not let in from there. */
static gboolean locate(Session *session, const ClientAddress *address, guint16 port) {
  if (!session->host->located(session, address, session->host->owner))
    return FALSE;
  origin_tell(&session->origin, address, port);
  return TRUE;
}

static void take_told(Session *session) {
  const ToldClient *told = session_get_ops(session)->get_told(session->machine);
  g_autofree char *address = client_address_format(&told->address);
  session->is_stranger = !networks_have(session->host->trusted, &session->origin.speaker);
  if (!session->is_stranger && !locate(session, &told->address, told->port)) {
    refuse_address(session);
    return;
  }
  session_get_ops(session)->take_told(session->machine, !session->is_stranger,
                                      session_get_output(session));
  if (!session->is_stranger)
    transcript_note(session->transcript, TRANSCRIPT_LOGINS, "the client is at %s", address);
  transcript_output(session->transcript, session->out);
  session_enter(session, SESSION_TALK);
}

/* `Trusted Networks` may have been set just before; whoever is a stranger is asked about once. */
static void hear_told(Session *session) {
  gboolean is_known =
      session->is_stranger || networks_have(session->host->trusted, &session->origin.speaker);
  if (is_known) {
    take_told(session);
    return;
  }
  session->tells = TRUE;
  session_enter(session, SESSION_ASKING);
  session->host->ask(session, STEP_SETTINGS, session->host->owner);
}

static void take_step(Session *session, Step step) {
  if (step == STEP_LOGIN || step == STEP_CLEAR_TEXT || step == STEP_NO_CERTIFICATE)
    session_ask(session, step);
  if (step == STEP_START_TLS) {
    /* What was sent in plain text before TLS must not be taken for said in it. */
    secret_clear(&session->input);
    session_enter(session, SESSION_TO_TLS);
  }
  if (step == STEP_TOLD)
    hear_told(session);
  if (step == STEP_CLOSE)
    session_enter(session, SESSION_CLOSING);
}

/* Looks at a slice of @bytes; keeps the rest if that can't be looked at yet. */
static void feed(Session *session, const guint8 *bytes, gsize size) {
  while (size > 0 && session->state == SESSION_TALK) {
    if (session->machine == NULL)
      session->machine = session_get_ops(session)->create();
    Surroundings surroundings = get_surroundings(session);
    gsize slice = MIN(size, INPUT_SLICE);
    gsize left = slice;
    Step step = session_get_ops(session)->feed(session->machine, &surroundings, &bytes, &left,
                                               session_get_output(session));
    size -= slice - left;
    transcript_output(session->transcript, session->out);
    session_check_exchange(session, step);
    gboolean keep = step != STEP_READ || !flush_output(session);
    if (keep && size > 0 && step != STEP_START_TLS && session->state != SESSION_OVER)
      secret_append(&session->input, bytes, size);
    take_step(session, step);
    if (keep)
      return;
  }
}

static void feed_kept(Session *session) {
  g_auto(Secret) input = {0};
  secret_move(&input, &session->input);
  feed(session, input.bytes, input.size);
}

/* TRUE if more may be had at once. */
static gboolean read_client(Session *session) {
  guint8 bytes[4096];
  gsize done = 0;
  StreamResult result = stream_read(&session->client, bytes, sizeof bytes, &done);
  if (result == STREAM_DONE)
    feed(session, bytes, done);
  explicit_bzero(bytes, done);
  if (result == STREAM_END || result == STREAM_BROKEN) {
    session->client_ended = TRUE;
    session_enter(session, SESSION_CLOSING);
  }
  return result == STREAM_DONE && stream_may_have_more(&session->client, sizeof bytes, done);
}

/* ---- the states: each does what it can, TRUE where the state has changed ---- */

static void greet(Session *session) {
  Surroundings surroundings = get_surroundings(session);
  if (!session->greeted)
    session_get_ops(session)->greet(&surroundings, session_get_output(session));
  transcript_output(session->transcript, session->out);
  session->greeted = TRUE;
}

/* A client that has gone without a word has not begun one. */
static void note_failed_handshake(Session *session, const char *why) {
  if (tls_server_lacked_certificate(session->client.tls))
    session->host->no_certificate(session, session->host->owner);
  else if (stream_has_heard(&session->client))
    session->host->refused(session, OUTCOME_TLS_FAILED, why, session->host->owner);
}

static void begin_transcript(Session *session) {
  SessionHost *host = session->host;
  const SessionBeginning beginning = {
      session->protocol, host->settings[session->protocol].logging_level, session->number,
      &session->origin.address, session->begins_with_tls};
  session->transcript = session_log_new(&beginning, host->transcribe, host->owner);
}

static void close_for_header(Session *session, const char *why) {
  session->host->refused(session, OUTCOME_PROXY_HEADER, why, session->host->owner);
  session_enter(session, SESSION_CLOSING);
}

/* No client of a mail server begins with a header: whoever comes by that proxy would be taken
 * for the proxy itself. What is in the socket stays there. TRUE: nothing else may be read. */
static gboolean has_stray_header(Session *session) {
  if (!session->heard && proxy_gate_look(session->client.descriptor, &session->heard)) {
    session_enter(session, SESSION_ASKING);
    session->host->ask(session, STEP_SETTINGS, session->host->owner);
  }
  return session->state == SESSION_ASKING;
}

/* `Proxy Networks` may have been set just before the connection began. */
void session_settle(Session *session) {
  if (session->tells) {
    session->tells = FALSE;
    take_told(session);
    return;
  }
  if (networks_have(session->host->proxies, &session->origin.address)) {
    session->header = proxy_header_new();
    session_enter(session, SESSION_HEADER);
    return;
  }
  if (!session->begins_with_tls)
    session_get_ops(session)->say_goodbye("No proxy is expected from your address.",
                                          session_get_output(session));
  close_for_header(session, "a header came, and the address is not in 'Proxy Networks'");
}

/* The connection goes on as one that has no proxy before it. */
static void pass(Session *session, const ProxyFacts *facts) {
  g_clear_pointer(&session->header, proxy_header_free);
  session->heard = TRUE;
  origin_take_header(&session->origin, facts);
  if (session->transcript == NULL)
    begin_transcript(session);
  if (!session->host->located(session, &session->origin.address, session->host->owner)) {
    refuse_address(session);
    return;
  }
  session_enter(session, session->client.tls != NULL ? SESSION_HANDSHAKE
                         : session->begins_with_tls  ? SESSION_TO_TLS
                                                     : SESSION_TALK);
  if (!session->begins_with_tls)
    greet(session);
}

static gboolean do_header(Session *session) {
  ProxyFacts facts;
  GateResult result = proxy_gate_read(session->header, session->client.descriptor, &facts);
  if (result == GATE_PASSED)
    pass(session, &facts);
  if (result == GATE_GONE)
    session_end(session);
  if (result == GATE_WRONG)
    close_for_header(session, "what came first is no PROXY header");
  return result == GATE_PASSED || result == GATE_WRONG;
}

static gboolean do_handshake(Session *session) {
  if (session->begins_with_tls && has_stray_header(session))
    return FALSE;
  StreamResult result = stream_handshake(&session->client);
  if (result == STREAM_END || result == STREAM_BROKEN) {
    note_failed_handshake(session, session->client.problem);
    session_end(session);
  }
  if (result != STREAM_DONE)
    return FALSE;
  transcript_note(session->transcript, TRANSCRIPT_TLS, "in TLS: %s, %s",
                  SSL_get_version(session->client.tls), SSL_get_cipher_name(session->client.tls));
  session_enter(session, SESSION_TALK);
  greet(session);
  return TRUE;
}

static gboolean do_talk(Session *session) {
  if (!flush_output(session))
    return FALSE;
  if (session->input.size > 0)
    feed_kept(session);
  if (session->client.tls == NULL && has_stray_header(session))
    return FALSE;
  guint reads = 0;
  while (session->state == SESSION_TALK && session->out == NULL && read_client(session) &&
         (++reads < MAX_READS_AT_ONCE || stream_has_pending(&session->client)))
    continue;
  return session->state != SESSION_TALK && session->state != SESSION_OVER;
}

static gboolean do_to_tls(Session *session) {
  if (!flush_output(session))
    return FALSE;
  if (session->host->keys == NULL)
    session->host->no_certificate(session, session->host->owner);
  if (session->host->keys == NULL || !stream_begin_tls(&session->client, session->host->keys)) {
    session_end(session);
    return FALSE;
  }
  if (session->machine != NULL)
    session_get_ops(session)->tls_started(session->machine);
  /* What was told before TLS may be anybody's word. */
  if (!client_address_equal(&session->origin.address, &session->origin.speaker) &&
      !locate(session, &session->origin.speaker, 0)) {
    session_end(session);
    return FALSE;
  }
  session_enter(session, SESSION_HANDSHAKE);
  return TRUE;
}

/* What was said before the login is not held back with the verdict. */
static gboolean do_waiting(Session *session) {
  flush_output(session);
  return FALSE;
}

static gboolean do_nothing(G_GNUC_UNUSED Session *session) {
  return FALSE;
}

static gboolean do_relay(Session *session) {
  if (session_relay_move(session->relay) != RELAY_OVER)
    return FALSE;
  session->client_ended = session_relay_has_client_ended(session->relay);
  free_relay(session);
  session_enter(session, SESSION_CLOSING);
  return TRUE;
}

/* Nothing is read here: the client has yet to see the end. */
static gboolean do_closing(Session *session) {
  if (!flush_output(session))
    return FALSE;
  stream_end_writing(&session->client);
  if (session->client_ended)
    session_end(session);
  else
    session_enter(session, SESSION_LINGER);
  return FALSE;
}

static gboolean do_linger(Session *session) {
  guint8 bytes[4096];
  ssize_t count = recv(session->client.descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
  explicit_bzero(bytes, sizeof bytes);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
    session_end(session);
  return FALSE;
}

static gboolean (*const act[])(Session *session) = {
    [SESSION_HEADER] = do_header, [SESSION_ASKING] = do_waiting, [SESSION_HANDSHAKE] = do_handshake,
    [SESSION_TALK] = do_talk,     [SESSION_TO_TLS] = do_to_tls,  [SESSION_WAITING] = do_waiting,
    [SESSION_DELAY] = do_waiting, [SESSION_RELAY] = do_relay,    [SESSION_CLOSING] = do_closing,
    [SESSION_LINGER] = do_linger, [SESSION_OVER] = do_nothing,
};

/* ---- waiting ---- */

/* What a state before or after login waits for. A hang-up is always heard of. */
static guint32 get_events(const Session *session) {
  if (session->out != NULL)
    return session->client.write_waits;
  if (session->state == SESSION_WAITING || session->state == SESSION_DELAY ||
      session->state == SESSION_ASKING)
    return EPOLLHUP;
  return session->state == SESSION_LINGER ? (guint32)EPOLLIN : session->client.read_waits;
}

static void watch(Session *session) {
  gboolean watched =
      session->state == SESSION_RELAY
          ? session_relay_watch(session->relay, &session->watch)
          : poller_watch(session->host->poller, &session->watch, get_events(session));
  if (!watched)
    session_end(session);
}

void session_run(Session *session) {
  while (act[session->state](session))
    continue;
  if (session->state != SESSION_OVER)
    watch(session);
}

static void client_ready(Watch *client_watch, guint32 events) {
  Session *session = container_of(client_watch, Session, watch);
  if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0) {
    session_end(session);
    return;
  }
  if (session->relay != NULL)
    session_relay_hear_client(session->relay, events);
  session_run(session);
}

static void set_login_timer(Session *session) {
  gint64 left = session->deadline - g_get_monotonic_time();
  poller_set_timer(session->host->poller, &session->timer, MAX(left, 0));
}

static void set_idle_timer(Session *session) {
  gint64 rest = session_relay_get_rest(session->relay);
  poller_stop_timer(session->host->poller, &session->timer);
  if (rest != G_MAXINT64)
    poller_set_timer(session->host->poller, &session->timer, rest);
}

void session_enter(Session *session, SessionState state) {
  SessionState before = session->state;
  session->state = state;
  if (state == SESSION_TALK && before == SESSION_DELAY)
    set_login_timer(session);
  if (state == SESSION_CLOSING)
    poller_set_timer(session->host->poller, &session->timer, (gint64)LINGER_MS * MS);
  if (state == SESSION_RELAY)
    set_idle_timer(session);
}

/* ---- time ---- */

static void check_idle(Session *session) {
  if (session_relay_get_rest(session->relay) > 0) {
    set_idle_timer(session);
    return;
  }
  /* In POP3, and in the middle of an answer, no word would be understood. */
  if (session->protocol == PROTOCOL_IMAP && session_relay_is_quiet(session->relay))
    session_get_ops(session)->say_goodbye("Idle for too long.", session_get_output(session));
  transcript_output(session->transcript, session->out);
  free_relay(session);
  session_enter(session, SESSION_CLOSING);
  session_run(session);
}

/* A login that we have not decided in time is no fault of the client's. */
static void give_login_up(Session *session) {
  const Verdict verdict = {.outcome = OUTCOME_UNDECIDED, .capabilities = "", .server = -1};
  session->host->cancel(session, session->host->owner);
  session_answer(session, &verdict);
}

static void time_is_up(Timer *timer) {
  Session *session = container_of(timer, Session, timer);
  if (session->state == SESSION_RELAY) {
    check_idle(session);
    return;
  }
  if (session->state == SESSION_DELAY) {
    session_answer_held(session);
    session_run(session);
    return;
  }
  if (session->state == SESSION_WAITING)
    give_login_up(session);
  if (session->state == SESSION_HANDSHAKE)
    note_failed_handshake(session, "it took too long");
  if (session->state == SESSION_HEADER)
    session->host->refused(session, OUTCOME_PROXY_HEADER, "no whole header has come in time",
                           session->host->owner);
  session_dismiss(session, "Login takes too long.");
}

void session_dismiss(Session *session, const char *why) {
  gboolean may_speak = session->state == SESSION_TALK || session->state == SESSION_WAITING ||
                       session->state == SESSION_DELAY;
  if (may_speak) {
    session_get_ops(session)->say_goodbye(why, session_get_output(session));
    transcript_output(session->transcript, session->out);
    if (!flush_output(session) && session->state == SESSION_OVER)
      return;
    stream_end_writing(&session->client);
  }
  session_end(session);
}

/* ---- the beginning ---- */

Session *session_new(SessionHost *host, const SessionArrival *arrival) {
  Session *session = g_new0(Session, 1);
  session->host = host;
  session->protocol = (guint8)arrival->protocol;
  session->origin = arrival->origin;
  session->begins_with_tls = arrival->tls;
  session->number = ++host->last_session;
  session->watch = (Watch){.descriptor = arrival->descriptor, .ready = client_ready};
  session->timer.fire = time_is_up;
  stream_open(&session->client, arrival->descriptor);
  session->deadline =
      g_get_monotonic_time() + (gint64)host->settings[arrival->protocol].login_timeout * SECOND;
  set_login_timer(session);
  session->state = arrival->tls ? SESSION_TO_TLS : SESSION_TALK;
  if (arrival->by_proxy) {
    session->header = proxy_header_new();
    session->state = SESSION_HEADER;
  } else {
    begin_transcript(session);
  }
  return session;
}

/* A client speaks when it has been greeted: there is nothing to be read yet. */
void session_start(Session *session) {
  if (session->state != SESSION_TALK) {
    session_run(session);
    return;
  }
  greet(session);
  (void)flush_output(session);
  if (session->state != SESSION_OVER)
    watch(session);
}

/* ---- what the owner wants to know ---- */

Protocol session_get_protocol(const Session *session) {
  return session->protocol;
}

const ClientAddress *session_get_address(const Session *session) {
  return &session->origin.address;
}

guint16 session_get_port(const Session *session) {
  return session->origin.port;
}

const char *session_get_tls(const Session *session) {
  return session->client.tls == NULL ? session->origin.tls : SSL_get_version(session->client.tls);
}

guint64 session_get_number(const Session *session) {
  return session->number;
}

guint session_list_bindings(const Session *session, ChannelBinding *bindings) {
  SSL *tls = (session->host->left_out & MECHANISM_BIT(MECHANISM_SCRAM_PLUS)) == 0
                 ? session->client.tls
                 : NULL;
  return tls == NULL ? 0 : channel_binding_list(tls, bindings);
}

gboolean session_is_logged_in(const Session *session) {
  return session->logged_in;
}

const Credentials *session_get_credentials(const Session *session) {
  return session_get_ops(session)->get_credentials(session->machine);
}

void session_wipe_password(Session *session) {
  secret_clear(&session_get_ops(session)->get_credentials(session->machine)->password);
}

SessionMarks *session_get_marks(Session *session) {
  return &session->marks;
}
