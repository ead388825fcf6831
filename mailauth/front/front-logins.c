/* SPDX-License-Identifier: MIT */
/* See front-logins.h. */
#include "mailauth/front/front-logins.h"

#include <string.h>
#include <unistd.h>

#include "mailauth/base/container-of.h"
#include "mailauth/base/limits.h"
#include "mailauth/front/login-request.h"

#define MS 1000

struct FrontLogins {
  Poller *poller;
  FrontChannel *verifier;
  GHashTable *all; /* number -> FrontLogin */
  guint with_clients;
  guint64 last_number;
  Timer deadline; /* set while logins wait for a new verifier */
};

static void set_with_client(FrontLogins *logins, FrontLogin *login, gboolean is_with_client) {
  logins->with_clients += is_with_client ? 1U : 0U;
  logins->with_clients -= login->is_with_client ? 1U : 0U;
  login->is_with_client = is_with_client;
}

static void forget(FrontLogins *logins, guint64 number) {
  FrontLogin *login = g_hash_table_lookup(logins->all, &number);
  if (login == NULL)
    return;
  set_with_client(logins, login, FALSE);
  if (login->session != NULL)
    session_get_marks(login->session)->login = 0;
  g_hash_table_remove(logins->all, &number);
}

/* ---- the end of a login ---- */

/* The login is over with this. */
static void pass_verdict(FrontLogins *logins, const FrontLogin *waiting, const Verdict *verdict,
                         const char *user) {
  FrontLogin login = *waiting;
  forget(logins, login.number);
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

/* What a client is told if no verifier answers. */
static Outcome get_default_outcome(Step step) {
  return step == STEP_CLEAR_TEXT       ? OUTCOME_CLEAR_TEXT
         : step == STEP_NO_CERTIFICATE ? OUTCOME_NO_CERTIFICATE
         : step == STEP_SETTINGS       ? OUTCOME_PROXY_HEADER
                                       : OUTCOME_UNDECIDED;
}

/* By number: an answer may end other sessions, and their logins. A verifier that is there may
 * have been asked already, and does nothing more for them. */
void front_logins_give_up(FrontLogins *logins) {
  g_autoptr(GList) list = g_hash_table_get_values(logins->all);
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (const GList *item = list; item != NULL; item = item->next)
    if (!((const FrontLogin *)item->data)->is_with_client)
      g_array_append_val(numbers, ((const FrontLogin *)item->data)->number);
  for (guint i = 0; i < numbers->len; i++) {
    const FrontLogin *login = g_hash_table_lookup(logins->all, &g_array_index(numbers, guint64, i));
    if (login == NULL)
      continue;
    Verdict verdict = {
        .outcome = get_default_outcome(login->step), .capabilities = "", .server = -1};
    front_channel_send(logins->verifier, MESSAGE_CANCEL, g_variant_new_uint64(login->number));
    pass_verdict(logins, login, &verdict, "");
  }
}

void front_logins_give_up_soon(FrontLogins *logins) {
  poller_set_timer(logins->poller, &logins->deadline, 0);
}

static void on_deadline(Timer *timer) {
  front_logins_give_up(container_of(timer, FrontLogins, deadline));
}

void front_logins_cancel(FrontLogins *logins, guint64 number) {
  forget(logins, number);
  front_channel_send(logins->verifier, MESSAGE_CANCEL, g_variant_new_uint64(number));
}

void front_logins_tell_end(FrontLogins *logins, guint64 number) {
  front_channel_send(logins->verifier, MESSAGE_SESSION_ENDED, g_variant_new_uint64(number));
}

/* ---- questions ---- */

static void send_question(FrontLogins *logins, const FrontLogin *login) {
  MessageKind kind;
  GVariant *body = login_request_new(login, &kind);
  front_channel_send(logins->verifier, kind, body);
}

/* Without a verifier it waits for one; if too many wait, they are given up at once. */
static void ask(FrontLogins *logins, const FrontLogin *login) {
  gboolean has_verifier = logins->verifier->channel != NULL;
  guint waiting = g_hash_table_size(logins->all) - logins->with_clients;
  if (has_verifier && waiting <= MAX_WAITING_LOGINS)
    send_question(logins, login);
  else if (logins->deadline.place == 0)
    poller_set_timer(logins->poller, &logins->deadline,
                     has_verifier ? 0 : (gint64)VERIFIER_WAIT_MS * MS);
}

/* The login of that number, which has been with its client; else a new one. */
static FrontLogin *get_login(FrontLogins *logins, guint64 number) {
  FrontLogin *login = g_hash_table_lookup(logins->all, &number);
  if (login != NULL) {
    set_with_client(logins, login, FALSE);
    return login;
  }
  login = g_new0(FrontLogin, 1);
  login->number = ++logins->last_number;
  g_hash_table_insert(logins->all, &login->number, login);
  return login;
}

void front_logins_ask(FrontLogins *logins, Session *session, Step step) {
  FrontLogin *login = get_login(logins, session_get_marks(session)->login);
  login->session = session;
  login->step = step;
  session_get_marks(session)->login = login->number;
  ask(logins, login);
}

void front_logins_ask_other(FrontLogins *logins, AuthLogin *other) {
  FrontLogin *login = get_login(logins, auth_login_get_number(other));
  login->other = other;
  login->step = STEP_LOGIN;
  auth_login_set_number(other, login->number);
  ask(logins, login);
}

void front_logins_ask_again(FrontLogins *logins) {
  GHashTableIter iterator;
  gpointer login;
  poller_stop_timer(logins->poller, &logins->deadline);
  g_hash_table_iter_init(&iterator, logins->all);
  while (g_hash_table_iter_next(&iterator, NULL, &login))
    if (!((const FrontLogin *)login)->is_with_client)
      send_question(logins, login);
}

/* ---- answers ---- */

/* A line break from a mail server must not become another answer. */
static const char *check_capabilities(const char *capabilities) {
  return strpbrk(capabilities, "\r\n]") == NULL ? capabilities : "";
}

/* What a later verifier is told of it: no more than it takes. */
static void note_admission(const FrontLogin *login, const char *user, gboolean is_native) {
  if (login->session == NULL)
    return;
  SessionMarks *marks = session_get_marks(login->session);
  marks->admitted = login->number;
  if (strlen(user) <= MAX_USER)
    marks->facts = g_variant_ref_sink(login_request_new_session(login, user, is_native));
}

void front_logins_take_verdict(FrontLogins *logins, Message *message) {
  guint64 number;
  guint32 outcome;
  guint32 code;
  const char *user;
  gboolean is_native;
  Verdict verdict = {.server = -1};
  g_autoptr(GVariant) had = NULL;
  g_autoptr(GVariant) proof = NULL;
  g_variant_get(message->body, "(tu&suu&s@ay@aybu&s)", &number, &outcome, &user, &verdict.delay_ms,
                &verdict.idle_timeout, &verdict.capabilities, &had, &proof, &is_native, &code,
                &verdict.word.alert);
  const FrontLogin *login = g_hash_table_lookup(logins->all, &number);
  if (login == NULL && message->n_descriptors > 0)
    front_logins_tell_end(logins, number);
  if (login == NULL || login->is_with_client)
    return;
  verdict.outcome = outcome < N_OUTCOMES ? (Outcome)outcome : OUTCOME_UNDECIDED;
  if (login->step != STEP_LOGIN && verdict.outcome == OUTCOME_OK)
    verdict.outcome = get_default_outcome(login->step);
  verdict.delay_ms = MIN(verdict.delay_ms, MAX_VERDICT_DELAY_MS);
  verdict.capabilities = check_capabilities(verdict.capabilities);
  verdict.word.code = (ServerCode)MIN(code, N_SERVER_CODES);
  if (!server_alert_is_clean(verdict.word.alert))
    verdict.word.alert = "";
  verdict.had = g_variant_get_fixed_array(had, &verdict.had_size, 1);
  if (verdict.outcome == OUTCOME_OK) {
    verdict.server = message_take_descriptor(message, 0);
    if (front_login_get_credentials(login)->kind == CREDENTIALS_SCRAM_FINAL)
      verdict.proof = g_variant_get_fixed_array(proof, &verdict.proof_size, 1);
  }
  if (verdict.server >= 0)
    note_admission(login, user, is_native);
  pass_verdict(logins, login, &verdict, user);
}

void front_logins_take_challenge(FrontLogins *logins, const Message *message) {
  guint64 number;
  gsize size = 0;
  g_autoptr(GVariant) bytes = NULL;
  g_variant_get(message->body, "(t@ay)", &number, &bytes);
  FrontLogin *login = g_hash_table_lookup(logins->all, &number);
  if (login == NULL || login->is_with_client ||
      front_login_get_credentials(login)->kind != CREDENTIALS_SCRAM_FIRST)
    return;
  const guint8 *challenge = g_variant_get_fixed_array(bytes, &size, 1);
  set_with_client(logins, login, TRUE);
  if (login->session != NULL)
    session_take_challenge(login->session, challenge, size);
  else
    auth_login_take_challenge(login->other, challenge, size);
}

/* ---- the whole ---- */

FrontLogins *front_logins_new(Poller *poller, FrontChannel *verifier) {
  FrontLogins *logins = g_new0(FrontLogins, 1);
  logins->poller = poller;
  logins->verifier = verifier;
  logins->all = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
  logins->deadline.fire = on_deadline;
  return logins;
}

void front_logins_free(FrontLogins *logins) {
  if (logins == NULL)
    return;
  poller_stop_timer(logins->poller, &logins->deadline);
  g_hash_table_unref(logins->all);
  g_free(logins);
}
