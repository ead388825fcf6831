/* SPDX-License-Identifier: MIT */
/* Logins from their request to the decision which package proves them: see login.h, and for
 * the steps after it login-private.h. Each step is a function that ends the login or leads
 * to the next; asynchronous steps call back. */
#include <string.h>

#include "mailauth/base/client-address.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/name.h"
#include "mailauth/base/saslprep.h"
#include "mailauth/logins/login-private.h"
#include "mailauth/logins/steps.h"
#include "mailauth/sql/sql-package.h"

Logins *logins_new(const LoginTools *tools) {
  Logins *logins = g_new0(Logins, 1);
  logins->tools = *tools;
  logins->waits_for_registry = TRUE;
  logins->packages = packages_new(views_get_accounts(tools->views), tools->lookups, tools->prover,
                                  tools->pam, tools->dialer);
  sql_package_add_all(logins->packages, tools->sql, views_get_accounts(tools->views),
                      tools->prover);
  logins->round_trips = round_trips_new(tools->views, tools->prover);
  logins->rates = rates_new();
  logins->timings = timings_new();
  logins->guesses = secret_mac_new();
  logins->lines = lines_new(logins_ask_in_line, logins);
  g_queue_init(&logins->all);
  g_queue_init(&logins->waiting);
  return logins;
}

guint logins_count(const Logins *logins) {
  return logins->all.length;
}

guint64 logins_get_total(const Logins *logins, Protocol protocol, PackageKind kind,
                         Outcome outcome) {
  return logins->totals[protocol][kind][outcome];
}

const Rates *logins_get_rates(const Logins *logins) {
  return logins->rates;
}

const Timings *logins_get_timings(const Logins *logins) {
  return logins->timings;
}

void login_free(Login *login) {
  login_stop_waiting(login);
  g_queue_unlink(&login->logins->all, &login->link);
  secret_clear(&login->password);
  secret_clear(&login->typed);
  g_free(login->asked_for);
  scram_free(login->scram);
  g_free(login->proof);
  settings_unref(login->settings);
  decision_clear(&login->decision);
  g_clear_pointer(&login->steps, g_ptr_array_unref);
  mailbox_opening_free(login->opening);
  event_client_free(login->client);
  g_free(login->service);
  g_free(login->means);
  g_free(login->group);
  g_free(login->account);
  g_free(login->identity.account);
  g_free(login->identity.entry);
  g_free(login->identity.mail_directory);
  g_free(login->shown);
  g_free(login);
}

void logins_free(Logins *logins) {
  if (logins == NULL)
    return;
  while (logins->all.head != NULL)
    login_free(logins->all.head->data);
  packages_free(logins->packages);
  round_trips_free(logins->round_trips);
  rates_free(logins->rates);
  timings_free(logins->timings);
  lines_free(logins->lines);
  secret_mac_free(logins->guesses);
  g_free(logins);
}

const char *login_get_name(const Login *login) {
  return login->account != NULL ? login->account : login->client->user;
}

EventClient login_get_client(const Login *login) {
  EventClient client = *login->client;
  client.user = login_get_name(login);
  return client;
}

/* Another server may not know its client's address (saslauthd's protocol has none). */
gboolean login_has_no_address(const Login *login) {
  return login->protocol == PROTOCOL_SASL && *login->client->address == '\0';
}

/* ---- the settings ---- */

/* A verifier that has just been started has not read its first settings yet:
 * logins that were waiting for it are not refused for that. */
static gboolean wait_for_registry(Login *login) {
  Logins *logins = login->logins;
  login->early = logins->waits_for_registry && !views_are_known(logins->tools.views);
  if (login->early)
    login_wait(login, 0);
  return login->early;
}

/* Failures without an address count only against the account, not against all clients
 * without one. */
static void set_group(Login *login) {
  if (!login_has_no_address(login))
    return;
  g_free(login->group);
  login->group = g_strconcat("account ", login->shown, NULL);
}

static void set_account(Login *login, const char *account) {
  g_free(login->account);
  g_free(login->shown);
  login->account = g_strdup(account);
  login->shown = name_dup_shown(login_get_name(login));
  set_group(login);
  decision_clear(&login->decision);
  decision_admit(login->settings, login->protocol, login->client->user, login->account,
                 &login->decision);
}

/* FALSE: the package may know the user by a name about which the answer is another. */
static gboolean is_refused(const Login *login) {
  return login->decision.outcome != OUTCOME_OK &&
         (login->account == NULL || login->identity.account != NULL ||
          !decision_may_change(login->settings, &login->decision));
}

gboolean login_is_for_user(const Login *login) {
  if (login->asked_for == NULL)
    return TRUE;
  g_autofree char *asked_for = settings_get_account(login->settings, login->asked_for);
  g_autofree char *user = settings_get_account(login->settings, login->client->user);
  return g_strcmp0(asked_for, login->account) == 0 || g_strcmp0(asked_for, user) == 0;
}

/* Before the password is proved, unless the package may know the user by that name. */
static gboolean asks_for_another(const Login *login) {
  gboolean is_final = login->identity.account != NULL ||
                      !decision_has_other_names(login->settings, &login->decision);
  return is_final && !login_is_for_user(login);
}

static void admit(Login *login) {
  if (login->answer == NULL) /* nothing is decided, and nobody could cancel it where it waits */
    login_free(login);
  else if (is_refused(login))
    login_end(login, login->decision.outcome, login->decision.why);
  else if (asks_for_another(login))
    login_end(login, OUTCOME_OTHER_MAILBOX, NULL);
  else if (login->scram != NULL && !decision_is_by_sam(&login->decision))
    login_end(login, OUTCOME_OVERTAKEN, login->decision.why);
  else if (login->purpose == LOGIN_TRIAL)
    login_prove(login);
  else if (!decision_may_be_clear(login->settings, login->protocol, *login->client->tls != '\0',
                                  login->scram != NULL, login->client->address))
    login_end(login, OUTCOME_CLEAR_TEXT, NULL);
  else
    login_ask_throttle(login);
}

/* The account is the one that the package names, for holds as for all that follows. */
void login_take_identity(Login *login) {
  g_autofree char *group = g_strdup(login->group);
  g_autofree char *line = g_strdup(login_get_line(login));
  Logins *logins = login->logins;
  login_end_try(login, OUTCOME_BROKER_FAILED); /* undecided */
  set_account(login, login->identity.account);
  steps_add(login->steps, "account: %s, by %s", login->account,
            g_str_equal(login->decision.source, "ldap") ? "'User Attribute'" : "the column 'user'");
  admit(login);
  logins_wake(logins, group);
  lines_serve(logins->lines, line);
}

static void on_synced(gboolean current, gpointer data) {
  Login *login = data;
  if (login->answer == NULL) {
    login_free(login);
    return;
  }
  if (wait_for_registry(login))
    return;
  login->settings = views_get_settings(login->logins->tools.views);
  g_autofree char *account = settings_get_account(login->settings, login->client->user);
  set_account(login, account);
  steps_add_decision(login->steps, current, &login->decision, login->account);
  admit(login);
}

void logins_stop_waiting(Logins *logins) {
  g_autoptr(GPtrArray) woken = g_ptr_array_new();
  if (!logins->waits_for_registry)
    return;
  logins->waits_for_registry = FALSE;
  for (GList *link = logins->waiting.head; link != NULL; link = link->next)
    if (((Login *)link->data)->early)
      g_ptr_array_add(woken, link->data);
  for (guint i = 0; i < woken->len; i++) {
    login_stop_waiting(woken->pdata[i]);
    views_sync(logins->tools.views, 0, on_synced, woken->pdata[i]);
  }
}

void logins_renew_settings(Logins *logins) {
  g_autoptr(Settings) current = views_get_settings(logins->tools.views);
  logins->renewed |= verified_take_settings(logins->tools.verified, current);
}

char *logins_dup_problem(const Logins *logins, const Settings *settings) {
  return packages_dup_problem(logins->packages, settings);
}

void logins_take_settings(Logins *logins) {
  g_autoptr(Settings) settings = views_get_settings(logins->tools.views);
  packages_take_settings(logins->packages, settings);
  logins_renew_settings(logins);
  if (logins->renewed)
    logins_wake(logins, NULL);
  logins->renewed = FALSE;
}

void logins_take_account(Logins *logins, const char *account) {
  packages_touch(logins->packages, account);
  sessions_take_account(logins->tools.sessions, account);
  verified_forget_native(logins->tools.verified, account);
}

static char *dup_asked_for(const LoginRequest *request) {
  const char *identity =
      request->scram != NULL ? scram_get_identity(request->scram) : request->identity;
  return identity != NULL && *identity != '\0' ? g_strdup(identity) : NULL;
}

/* SCRAM's answers are no passwords. */
static void take_password(Login *login, Secret *password) {
  g_auto(Secret) prepared = {0};
  gboolean is_other = login->scram == NULL && password->size > 0 &&
                      !g_str_is_ascii(secret_get_text(password)) &&
                      saslprep_try(secret_get_text(password), password->size, &prepared) &&
                      !secret_is_same(&prepared, password);
  secret_move(is_other ? &login->typed : &login->password, password);
  if (is_other)
    secret_move(&login->password, &prepared);
}

Login *logins_begin(Logins *logins, const LoginRequest *request, Secret *password,
                    LoginAnswer answered, gpointer data) {
  Login *login = g_new0(Login, 1);
  login->logins = logins;
  login->link.data = login;
  login->purpose = request->purpose;
  login->protocol = request->protocol;
  login->client = event_client_dup(&request->client);
  login->service = protocol_dup_service(request->protocol, request->service);
  login->group = client_address_dup_group(request->client.address);
  login->scram = request->scram;
  login->asked_for = dup_asked_for(request);
  login->answer = answered;
  login->data = data;
  take_password(login, password);
  if (request->purpose == LOGIN_TRIAL)
    login->steps = g_ptr_array_new_with_free_func(g_free);
  g_queue_push_tail_link(&logins->all, &login->link);
  round_trips_ask(logins->round_trips, logins->all.length, on_synced, login);
  return login;
}

void login_cancel(Login *login) {
  login->answer = NULL;
  /* A login that waits has asked nothing yet; the others are called back. */
  if (login->waiting != NULL || login->place != NULL)
    login_free(login);
}

void logins_count_end(Logins *logins, Protocol protocol, PackageKind kind, Outcome outcome) {
  logins->totals[protocol][kind][outcome]++;
  rates_note(logins->rates, outcome_get_first(outcome), g_get_real_time());
}

void logins_count_clear_text(Logins *logins, Protocol protocol) {
  g_autoptr(Settings) settings = views_get_settings(logins->tools.views);
  PackageKind kind = *settings->package == '\0' ? PACKAGE_NATIVE : PACKAGE_MEMBERSHIP;
  logins_count_end(logins, protocol, kind, OUTCOME_CLEAR_TEXT);
}
