/* SPDX-License-Identifier: MIT */
/* The end of a login: its mailbox, its event, its answer. See login-private.h. */
#include <unistd.h>

#include "mailauth/logins/login-private.h"
#include "mailauth/logins/steps.h"

static void record(const Login *login, Outcome outcome, const char *detail) {
  Logins *logins = login->logins;
  const char *source = protocol_get_source(login->protocol);
  if (login->purpose == LOGIN_TRIAL)
    return;
  logins_count_end(logins, login->protocol, login->decision.kind, outcome);
  /* A login that gets as far as an audit has met no fault of the server's. */
  if (outcome == OUTCOME_OK || outcome_is_client_failure(outcome))
    events_forget_faults(reporter_get_events(logins->tools.reporter), source);
  const EventClient client = login_get_client(login);
  reporter_report(logins->tools.reporter, outcome, source, &client, detail);
}

/* Records, answers, and frees. @result->outcome, and what comes with OK, are given. */
static void answer(Login *login, LoginResult *result, const char *detail) {
  record(login, result->outcome, detail != NULL ? detail : login->means);
  steps_add(login->steps, "result: %s", outcome_get_facts(result->outcome)->reason);
  if (login->steps != NULL)
    g_ptr_array_add(login->steps, NULL);
  result->user = login_get_name(login);
  result->delay = login->delay;
  result->session =
      (SessionFacts){login->protocol, *login->client, decision_is_by_sam(&login->decision), 0};
  result->session.client.user = result->user;
  result->proof = result->outcome == OUTCOME_OK ? login->proof : NULL;
  result->steps = login->steps != NULL ? (const char *const *)login->steps->pdata : NULL;
  if (login->answer != NULL)
    login->answer(result, login->data);
  else if (result->descriptor >= 0)
    close(result->descriptor);
  login_free(login);
}

void login_end(Login *login, Outcome outcome, const char *detail) {
  answer(login, &(LoginResult){.outcome = outcome, .descriptor = -1, .capabilities = ""}, detail);
}

/* ---- the mailbox ---- */

static void on_mailbox_opened(const MailboxResult *mailbox, gpointer data) {
  answer(data,
         &(LoginResult){.outcome = mailbox->outcome,
                        .descriptor = mailbox->descriptor,
                        .capabilities = mailbox->capabilities,
                        .pending = mailbox->pending,
                        .idle_timeout = mailbox->idle_timeout,
                        .word = mailbox->word},
         mailbox->detail);
}

/* Another server's users have theirs there. */
void login_open_mailbox(Login *login) {
  const Views *views = login->logins->tools.views;
  gboolean is_native = decision_is_by_sam(&login->decision);
  const MailboxRequest request = {.stores = login->logins->tools.stores,
                                  .backends = login->logins->tools.backends,
                                  .settings = login->settings,
                                  .protocol = login->protocol,
                                  .account = login->account,
                                  .accounts = is_native ? views_get_accounts(views) : NULL,
                                  .mail_directory = login->identity.mail_directory,
                                  .address = login->client->address,
                                  .port = login->client->port,
                                  .is_trial = login->purpose == LOGIN_TRIAL,
                                  .steps = login->steps};
  if (login->protocol == PROTOCOL_SASL) {
    login_end(login, OUTCOME_OK, NULL);
    return;
  }
  login->opening = mailbox_opening_new(&request, on_mailbox_opened, login);
  mailbox_opening_start(login->opening);
}
