/* SPDX-License-Identifier: MIT */
/* auth-session.h: bytes in, logins out, verdicts back. */
#include "mailauth/front/auth-session.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mailauth/base/container-of.h"
#include "mailauth/base/limits.h"
#include "mailauth/poll/stream.h"
#include "mailauth/protocol/dovecot-auth.h"
#include "mailauth/protocol/saslauthd.h"

#define MS 1000
/* One read is to have all of a saslauthd client's write. */
#define READ_SIZE MAX_SASLAUTHD_QUESTION

struct AuthSession {
  const AuthHost *host;
  AuthKind kind;
  Watch watch;
  Timer timer; /* of saslauthd's question */
  Stream client;
  DovecotAuth *machine;
  Secret question;    /* of saslauthd's kind */
  GHashTable *logins; /* request ID -> AuthLogin */
  GString *out;       /* from out_at on it is not sent yet */
  gsize out_at;
  gboolean closing; /* once all is sent */
  gboolean over;
};

struct AuthLogin {
  AuthSession *session;
  AuthRequest request;
  guint64 number;
  Timer timer; /* while there is a verdict that the other server is not told yet */
  gboolean has_verdict;
  AuthVerdict verdict;
  char *user;
};

static void run(AuthSession *session);

/* ---- logins ---- */

static AuthLogin *login_of_timer(Timer *timer) {
  return container_of(timer, AuthLogin, timer);
}

static void free_login(gpointer data) {
  AuthLogin *login = data;
  const AuthHost *host = login->session->host;
  if (!login->has_verdict)
    host->cancel(login, host->owner);
  poller_stop_timer(host->poller, &login->timer);
  auth_request_clear(&login->request);
  g_free(login->user);
  g_free(login);
}

static void drop_login(AuthSession *session, guint32 id) {
  g_hash_table_remove(session->logins, GUINT_TO_POINTER(id));
}

static void answer(AuthSession *session, const AuthLogin *login) {
  gboolean is_known = login->user != NULL && *login->user != '\0';
  const char *user = is_known ? login->user : login->request.credentials.user;
  if (session->kind == AUTH_DOVECOT) {
    session->closing |= dovecot_auth_answer(session->machine, login->request.id, login->verdict,
                                            user, session->out) == DOVECOT_AUTH_CLOSE;
    return;
  }
  if (login->verdict != AUTH_OUTAGE)
    saslauthd_answer(login->verdict, session->out);
  session->closing = TRUE;
}

static void tell_verdict(AuthLogin *login) {
  AuthSession *session = login->session;
  answer(session, login);
  drop_login(session, login->request.id);
  run(session);
}

static void delay_is_over(Timer *timer) {
  tell_verdict(login_of_timer(timer));
}

void auth_login_take_verdict(AuthLogin *login, Outcome outcome, const char *user, guint delay_ms) {
  login->verdict = auth_verdict_from_outcome(outcome);
  login->user = g_strdup(user);
  login->has_verdict = TRUE;
  if (delay_ms > 0)
    poller_set_timer(login->session->host->poller, &login->timer, (gint64)delay_ms * MS);
  else
    tell_verdict(login);
}

void auth_login_take_challenge(AuthLogin *login, const guint8 *bytes, gsize size) {
  AuthSession *session = login->session;
  dovecot_auth_challenge(session->machine, login->request.id, bytes, size, session->out);
  run(session);
}

void auth_login_take_proof(AuthLogin *login, const char *user, const guint8 *bytes, gsize size) {
  login->verdict = AUTH_RIGHT;
  login->user = g_strdup(user);
  login->has_verdict = TRUE;
  auth_login_take_challenge(login, bytes, size);
}

/* The client has answered a challenge. */
static void go_on(AuthLogin *login, AuthRequest *request) {
  AuthSession *session = login->session;
  login->request.credentials.kind = request->credentials.kind;
  secret_move(&login->request.credentials.password, &request->credentials.password);
  if (!login->has_verdict) {
    session->host->ask(login, session->host->owner);
    return;
  }
  answer(session, login);
  drop_login(session, request->id);
}

/* Takes what is in @request out of it. */
static void begin_login(AuthSession *session, AuthRequest *request) {
  AuthLogin *old = g_hash_table_lookup(session->logins, GUINT_TO_POINTER(request->id));
  if (old != NULL) {
    go_on(old, request);
    return;
  }
  AuthLogin *login = g_new0(AuthLogin, 1);
  login->session = session;
  login->timer.fire = delay_is_over;
  login->request = *request;
  *request = (AuthRequest){0};
  g_hash_table_insert(session->logins, GUINT_TO_POINTER(login->request.id), login);
  session->host->ask(login, session->host->owner);
}

const AuthRequest *auth_login_get_request(const AuthLogin *login) {
  return &login->request;
}

void auth_login_wipe_password(AuthLogin *login) {
  secret_clear(&login->request.credentials.password);
}

void auth_login_set_number(AuthLogin *login, guint64 number) {
  login->number = number;
}

guint64 auth_login_get_number(const AuthLogin *login) {
  return login->number;
}

/* ---- what the other server says ---- */

static void feed_dovecot(AuthSession *session, const guint8 *bytes, gsize size) {
  while (size > 0 && !session->closing) {
    DovecotAuthStep step = dovecot_auth_feed(session->machine, &bytes, &size, session->out);
    AuthRequest *request = dovecot_auth_get_request(session->machine);
    guint32 dropped = 0;
    while (dovecot_auth_take_dropped(session->machine, &dropped))
      drop_login(session, dropped);
    if (step == DOVECOT_AUTH_LOGIN)
      begin_login(session, request);
    else if (step == DOVECOT_AUTH_CANCEL)
      drop_login(session, request->id);
    session->closing |= step == DOVECOT_AUTH_CLOSE;
  }
}

static void feed_saslauthd(AuthSession *session, const guint8 *bytes, gsize size) {
  AuthRequest request = {0};
  secret_append(&session->question, bytes, size);
  SaslauthdStep step = saslauthd_parse(session->question.bytes, session->question.size, &request);
  if (step == SASLAUTHD_MORE)
    return;
  secret_clear(&session->question);
  poller_stop_timer(session->host->poller, &session->timer);
  if (step == SASLAUTHD_LOGIN) {
    begin_login(session, &request);
    return;
  }
  saslauthd_answer(AUTH_WRONG, session->out);
  session->closing = TRUE;
}

/* FALSE: the other server has gone. */
static gboolean read_client(AuthSession *session) {
  guint8 bytes[READ_SIZE];
  gsize done = 0;
  StreamResult result = stream_read(&session->client, bytes, sizeof bytes, &done);
  if (result == STREAM_DONE && session->kind == AUTH_DOVECOT)
    feed_dovecot(session, bytes, done);
  else if (result == STREAM_DONE)
    feed_saslauthd(session, bytes, done);
  explicit_bzero(bytes, done);
  return result == STREAM_DONE || result == STREAM_WAIT;
}

/* ---- the connection ---- */

/* TRUE once all is sent. FALSE: wait, or the session is over. */
static gboolean flush_output(AuthSession *session) {
  while (session->out_at < session->out->len) {
    gsize done = 0;
    StreamResult result =
        stream_write(&session->client, (const guint8 *)session->out->str + session->out_at,
                     session->out->len - session->out_at, &done);
    if (result != STREAM_DONE && result != STREAM_WAIT)
      auth_session_end(session);
    if (result != STREAM_DONE)
      return FALSE;
    session->out_at += done;
  }
  g_string_truncate(session->out, 0);
  session->out_at = 0;
  return TRUE;
}

/* A client that does not read its answers is not read from; a saslauthd client has said
 * all once it waits. Hang-ups are noticed in any case. */
static guint32 get_events(const AuthSession *session) {
  if (session->out->len > 0)
    return EPOLLOUT;
  gboolean is_told = session->kind == AUTH_SASLAUTHD && !auth_session_is_idle(session);
  return is_told ? (guint32)EPOLLHUP : (guint32)EPOLLIN;
}

static void run(AuthSession *session) {
  gboolean sent = !session->over && flush_output(session);
  if (session->over)
    return;
  if ((sent && session->closing) ||
      !poller_watch(session->host->poller, &session->watch, get_events(session)))
    auth_session_end(session);
}

static void client_ready(Watch *watch, guint32 events) {
  AuthSession *session = container_of(watch, AuthSession, watch);
  gboolean is_there =
      !session->over && ((events & (EPOLLHUP | EPOLLERR)) == 0 || (watch->events & EPOLLIN) != 0);
  if (is_there && (watch->events & EPOLLIN) != 0)
    is_there = read_client(session);
  if (is_there)
    run(session);
  else
    auth_session_end(session);
}

static void question_takes_too_long(Timer *timer) {
  auth_session_end(container_of(timer, AuthSession, timer));
}

static void free_session(gpointer data) {
  AuthSession *session = data;
  dovecot_auth_free(session->machine);
  secret_clear(&session->question);
  g_hash_table_unref(session->logins);
  g_string_free(session->out, TRUE);
  g_free(session);
}

void auth_session_end(AuthSession *session) {
  const AuthHost *host = session->host;
  if (session->over)
    return;
  session->over = TRUE;
  g_hash_table_remove_all(session->logins);
  poller_stop_timer(host->poller, &session->timer);
  poller_watch(host->poller, &session->watch, 0);
  stream_close(&session->client);
  host->ended(session, host->owner);
  poller_free_later(host->poller, session, free_session);
}

/* ---- the beginning ---- */

AuthSession *auth_session_new(const AuthHost *host, int descriptor, AuthKind kind, guint connection,
                              const char *cookie) {
  AuthSession *session = g_new0(AuthSession, 1);
  session->host = host;
  session->kind = kind;
  session->watch = (Watch){.descriptor = descriptor, .ready = client_ready};
  session->timer.fire = question_takes_too_long;
  session->logins = g_hash_table_new_full(NULL, NULL, NULL, free_login);
  session->out = g_string_new(NULL);
  stream_open(&session->client, descriptor);
  if (kind == AUTH_DOVECOT) {
    session->machine = dovecot_auth_new(host->has_scram, host->left_out);
    dovecot_auth_greet(session->machine, (guint)getpid(), connection, cookie, session->out);
  }
  return session;
}

void auth_session_start(AuthSession *session) {
  if (session->kind == AUTH_SASLAUTHD)
    poller_set_timer(session->host->poller, &session->timer, (gint64)AUTH_QUESTION_MS * MS);
  run(session);
}

AuthKind auth_session_get_kind(const AuthSession *session) {
  return session->kind;
}

gboolean auth_session_is_idle(const AuthSession *session) {
  return g_hash_table_size(session->logins) == 0;
}
