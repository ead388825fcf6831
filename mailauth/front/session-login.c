/* SPDX-License-Identifier: MIT */
/* The logins of a session: what is asked about them, and what comes of it. */
#include "mailauth/front/session-private.h"

#include "mailauth/base/limits.h"
#include "mailauth/front/session-log.h"

static void wake(gpointer data) {
  session_run(data);
}

static void begin_relay(Session *session, const Verdict *verdict) {
  g_auto(Secret) down = {0};
  if (session->out != NULL)
    secret_append(&down, session->out->str + session->out_at, session->out->len - session->out_at);
  secret_append(&down, verdict->had, verdict->had_size);
  session_drop_output(session);
  const SessionRelayStart start = {.client = &session->client,
                                   .server = verdict->server,
                                   .up = &session->input,
                                   .down = &down,
                                   .idle_timeout = verdict->idle_timeout,
                                   .wake = wake,
                                   .data = session};
  session->relay = session_relay_new(session->host->poller, &start);
  session_free_machine(session);
  session->logged_in = TRUE;
  session->host->logged_in(session, session->host->owner);
  session_enter(session, SESSION_RELAY);
}

void session_answer(Session *session, const Verdict *verdict) {
  Outcome outcome = verdict->outcome;
  if (outcome == OUTCOME_OK && verdict->server < 0)
    outcome = OUTCOME_UNDECIDED;
  session_log_note_login(session->transcript, session_get_credentials(session), outcome);
  const MachineAnswer answer = {outcome, verdict->capabilities, verdict->word};
  Step step =
      session_get_ops(session)->answer(session->machine, &answer, session_get_output(session));
  transcript_output(session->transcript, session->out);
  if (step == STEP_RELAY) {
    begin_relay(session, verdict);
    return;
  }
  Stream unused = {.descriptor = verdict->server};
  stream_close(&unused);
  session_enter(session, step == STEP_CLOSE ? SESSION_CLOSING : SESSION_TALK);
}

void session_answer_held(Session *session) {
  const Verdict verdict = held_verdict_take(session->verdict);
  session_answer(session, &verdict);
  g_clear_pointer(&session->verdict, held_verdict_free);
}

static void hold_verdict(Session *session, const Verdict *verdict) {
  session->verdict = held_verdict_new(verdict);
  session_enter(session, SESSION_DELAY);
  /* Past the login's deadline, too: a client that comes late is not told sooner. */
  poller_set_timer(session->host->poller, &session->timer, (gint64)verdict->delay_ms * MS);
}

static void challenge(Session *session, const guint8 *bytes, gsize size) {
  session_get_ops(session)->challenge(session->machine, bytes, size, session_get_output(session));
  transcript_output(session->transcript, session->out);
  session_enter(session, SESSION_TALK);
}

void session_take_verdict(Session *session, const Verdict *verdict) {
  if (session->state == SESSION_ASKING) {
    session_settle(session);
    session_run(session);
    return;
  }
  g_return_if_fail(session->state == SESSION_WAITING);
  if (verdict->proof_size > 0 && session_get_ops(session)->is_in_exchange(session->machine)) {
    session->verdict = held_verdict_new(verdict);
    challenge(session, verdict->proof, verdict->proof_size);
  } else if (verdict->delay_ms > 0) {
    hold_verdict(session, verdict);
  } else {
    session_answer(session, verdict);
  }
  session_run(session);
}

void session_take_challenge(Session *session, const guint8 *bytes, gsize size) {
  g_return_if_fail(session->state == SESSION_WAITING);
  session->challenged = TRUE;
  challenge(session, bytes, size);
  session_run(session);
}

void session_ask(Session *session, Step step) {
  session->challenged = FALSE;
  if (session->verdict != NULL) {
    session_answer_held(session); /* the client has seen the server's proof */
    return;
  }
  session_enter(session, SESSION_WAITING);
  session->host->ask(session, step, session->host->owner);
}

void session_check_exchange(Session *session, Step step) {
  if (step == STEP_LOGIN || session_get_ops(session)->is_in_exchange(session->machine))
    return;
  if (session->challenged)
    session->host->cancel(session, session->host->owner);
  session->challenged = FALSE;
  if (session->verdict == NULL)
    return;
  g_clear_pointer(&session->verdict, held_verdict_free);
  session->host->declined(session, session->host->owner);
}
