/* SPDX-License-Identifier: MIT */
/* The proof of a login's password, by a package or by SCRAM. See login-private.h. */
#include "mailauth/logins/login-private.h"
#include "mailauth/logins/scram-exchange.h"
#include "mailauth/logins/steps.h"

static void ask_package(Login *login);

/* A hash may have been made of what SASLprep makes another password of, elsewhere or by a client
 * that knows no SASLprep. Tried for every name, so that the time it takes tells nothing. */
static gboolean prove_as_typed(Login *login, Outcome outcome) {
  if (login->typed.size == 0 || !outcome_is_client_failure(outcome))
    return FALSE;
  secret_move(&login->password, &login->typed);
  ask_package(login);
  return TRUE;
}

static void on_proved(Outcome outcome, const char *detail, gpointer data) {
  Login *login = data;
  Logins *logins = login->logins;
  if (login->identity.account != NULL && !g_str_equal(login->identity.account, login->account)) {
    login->identity.spent = g_get_monotonic_time() - login->proof_began;
    login_take_identity(login);
    return;
  }
  if (prove_as_typed(login, outcome))
    return;
  if (login->decision.outcome != OUTCOME_OK) { /* the name that was typed is the account's own */
    outcome = login->decision.outcome;
    detail = login->decision.why;
  }
  g_autofree char *group = g_strdup(login->group);
  g_autofree char *line = g_strdup(login_get_line(login));
  secret_clear(&login->password);
  secret_clear(&login->typed);
  if (outcome == OUTCOME_OK && login->decision.kind == PACKAGE_NATIVE)
    login->means = g_strdup(detail);
  if (login->purpose != LOGIN_TRIAL && login->scram == NULL)
    timings_note(logins->timings, &login->decision, g_get_monotonic_time() - login->proof_began);
  login_end_try(login, outcome);
  steps_add(login->steps, "password: %s%s%s",
            outcome == OUTCOME_OK ? "right" : outcome_get_facts(outcome)->description,
            detail != NULL ? ": " : "", detail != NULL ? detail : "");
  if (outcome == OUTCOME_OK && !login_is_for_user(login))
    outcome = OUTCOME_OTHER_MAILBOX;
  if (outcome != OUTCOME_OK)
    login_end(login, outcome, outcome == OUTCOME_OTHER_MAILBOX ? NULL : detail);
  else if (login->answer == NULL)
    login_end(login, OUTCOME_OK, "the client had gone before it was answered");
  else
    login_open_mailbox(login);
  logins_wake(logins, group);
  lines_serve(logins->lines, line);
  round_trips_note_proof(logins->round_trips);
}

/* NULL for a login that is decided by older settings, and for a test. */
static Verified *find_verified(const Login *login) {
  Verified *verified = login->logins->tools.verified;
  logins_renew_settings(login->logins);
  return login->purpose == LOGIN_SESSION && verified_serves(verified, login->settings) ? verified
                                                                                       : NULL;
}

/* ---- SCRAM ---- */

static gboolean prove_scram(gpointer data) {
  Login *login = data;
  const ExchangeProof proof = {login->logins->tools.scram, login->scram, login->account,
                               login->client->user, &login->password};
  g_autofree char *detail = NULL;
  login->timer = 0;
  Outcome outcome = exchange_prove(&proof, &login->proof, &detail);
  on_proved(outcome, detail, login);
  return G_SOURCE_REMOVE;
}

/* ---- by password ---- */

/* There is one: without, the decision would have been a refusal. */
static Package *find_package(const Login *login) {
  return packages_find(login->logins->packages, login->decision.source);
}

static void ask_package(Login *login) {
  Package *package = find_package(login);
  const PackageRequest request = {
      .account = login->account,
      .password = &login->password,
      .settings = login->settings,
      .service = login->service,
      .address = login->client->address,
      .verified = find_verified(login),
      .identity = &login->identity,
  };
  package->prove(package, &request, on_proved, login);
}

void login_prove(Login *login) {
  if (login->scram != NULL) {
    /* Takes next to nothing, but answers later, as a package does. */
    login->timer = g_idle_add(prove_scram, login);
    return;
  }
  steps_add_memory(login->steps, login->settings->verified_seconds, find_package(login));
  if (decision_is_by_sam(&login->decision))
    steps_add_scram(login->steps, login->logins->tools.scram, login->account, login->client->user);
  else
    steps_add(login->steps,
              "SCRAM-SHA-256: not offered, as native accounts of source SAM do not decide");
  login->proof_began = g_get_monotonic_time();
  ask_package(login);
}
