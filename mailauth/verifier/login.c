/* SPDX-License-Identifier: MIT */
/* One login: see login.h. Each step is a function that ends the login or leads to the
 * next; asynchronous steps call back here. */
#include "mailauth/verifier/login.h"

#include <string.h>
#include <unistd.h>

#include "mailauth/base/client-address.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/name.h"
#include "mailauth/guesses/lines.h"
#include "mailauth/package/packages.h"
#include "mailauth/verifier/mailbox-opening.h"
#include "mailauth/verifier/round-trips.h"
#include "mailauth/verifier/scram-exchange.h"
#include "mailauth/verifier/steps.h"

/* Logins under way, those of clients that have gone included. */
#define MAX_LOGINS 20000U
/* The first of a line asks no sooner, unless a try ends. */
#define MIN_LINE_MS 50U

struct Logins {
  LoginTools tools;
  Packages *packages;
  RoundTrips *round_trips;
  GQueue all;                  /* of Login */
  GQueue waiting;              /* of Login: held back for a moment, or before regd was heard of */
  Lines *lines;                /* of Login: held back by a bound on wrong passwords */
  gboolean waits_for_registry; /* logins wait until regd has been heard of */
  guint64 totals[N_LOGIN_PROTOCOLS][2][N_OUTCOMES];
  Timings *timings;
  gboolean renewed; /* they have changed since waiting logins were last woken for that */
};

struct Login {
  Logins *logins;
  GList link; /* in all */
  LoginPurpose purpose;
  Protocol protocol;
  EventClient *client; /* the user as it was given */
  char *group;         /* the address as it is counted */
  char *service;       /* "pop3", "imap", or what the asking server says */
  Secret password;
  Scram *scram; /* NULL: by password; else that is the client's proof */
  char *proof;  /* the server's, if the client's is right */
  char *means;  /* which of several passwords was right; NULL: the account's own */
  Settings *settings;
  Decision decision;
  char *account;            /* NULL: a name that no account can have */
  PackageIdentity identity; /* if the package knows the user by another name */
  char *shown;              /* by which failures are counted: name_dup_shown() of either */
  LoginAnswer answer;       /* NULL: cancelled */
  gpointer data;
  gboolean early;   /* regd has not been heard of yet */
  gboolean begun;   /* at the throttle */
  GList *waiting;   /* its link in logins->waiting */
  LinePlace *place; /* in logins->lines */
  guint timer;
  guint32 delay;
  gint64 proof_began;      /* monotonic, in µs */
  GPtrArray *steps;        /* of a trial */
  MailboxOpening *opening; /* once the password was right */
};

static guint32 ask_in_line(gpointer waiter, gboolean for_all, gpointer data);

Logins *logins_new(const LoginTools *tools) {
  Logins *logins = g_new0(Logins, 1);
  logins->tools = *tools;
  logins->waits_for_registry = TRUE;
  logins->packages = packages_new(views_get_accounts(tools->views), tools->lookups, tools->prover,
                                  tools->pam, tools->dialer);
  logins->round_trips = round_trips_new(tools->views, tools->prover);
  logins->timings = timings_new();
  logins->lines = lines_new(ask_in_line, logins);
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

const Timings *logins_get_timings(const Logins *logins) {
  return logins->timings;
}

static void stop_waiting(Login *login) {
  g_clear_handle_id(&login->timer, g_source_remove);
  if (login->waiting != NULL)
    g_queue_delete_link(&login->logins->waiting, login->waiting);
  login->waiting = NULL;
  lines_leave(g_steal_pointer(&login->place));
}

static void login_free(Login *login) {
  stop_waiting(login);
  g_queue_unlink(&login->logins->all, &login->link);
  secret_clear(&login->password);
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
  timings_free(logins->timings);
  lines_free(logins->lines);
  g_free(logins);
}

/* ---- the end of a login ---- */

static const char *get_name(const Login *login) {
  return login->account != NULL ? login->account : login->client->user;
}

static EventClient get_client(const Login *login) {
  EventClient client = *login->client;
  client.user = get_name(login);
  return client;
}

static void record(const Login *login, Outcome outcome, const char *detail) {
  Logins *logins = login->logins;
  const char *source = protocol_get_source(login->protocol);
  if (login->purpose == LOGIN_TRIAL)
    return;
  logins->totals[login->protocol][login->decision.kind][outcome]++;
  /* A login that gets as far as an audit has met no fault of the server's. */
  if (outcome == OUTCOME_OK || outcome_is_client_failure(outcome))
    events_forget_faults(reporter_get_events(logins->tools.reporter), source);
  const EventClient client = get_client(login);
  reporter_report(logins->tools.reporter, outcome, source, &client, detail);
}

/* Records, answers, and frees. @result->outcome, and what comes with OK, are given. */
static void answer(Login *login, LoginResult *result, const char *detail) {
  record(login, result->outcome, detail != NULL ? detail : login->means);
  steps_add(login->steps, "result: %s", outcome_get_facts(result->outcome)->reason);
  if (login->steps != NULL)
    g_ptr_array_add(login->steps, NULL);
  result->user = get_name(login);
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

static void end(Login *login, Outcome outcome, const char *detail) {
  answer(login, &(LoginResult){.outcome = outcome, .descriptor = -1, .capabilities = ""}, detail);
}

/* ---- the mailbox ---- */

static void on_mailbox_opened(const MailboxResult *mailbox, gpointer data) {
  answer(data,
         &(LoginResult){.outcome = mailbox->outcome,
                        .descriptor = mailbox->descriptor,
                        .capabilities = mailbox->capabilities,
                        .pending = mailbox->pending,
                        .idle_timeout = mailbox->idle_timeout},
         mailbox->detail);
}

/* Another server's users have theirs there. */
static void open_mailbox(Login *login) {
  const Views *views = login->logins->tools.views;
  gboolean is_native = decision_is_by_sam(&login->decision);
  const MailboxRequest request = {.stores = login->logins->tools.stores,
                                  .backends = login->logins->tools.backends,
                                  .settings = login->settings,
                                  .protocol = login->protocol,
                                  .account = login->account,
                                  .accounts = is_native ? views_get_accounts(views) : NULL,
                                  .address = login->client->address,
                                  .is_trial = login->purpose == LOGIN_TRIAL,
                                  .steps = login->steps};
  if (login->protocol == PROTOCOL_SASL) {
    end(login, OUTCOME_OK, NULL);
    return;
  }
  login->opening = mailbox_opening_new(&request, on_mailbox_opened, login);
  mailbox_opening_start(login->opening);
}

/* ---- the password ---- */

/* Another server may not know its client's address (saslauthd's protocol has none). */
static gboolean has_no_address(const Login *login) {
  return login->protocol == PROTOCOL_SASL && *login->client->address == '\0';
}

/* Without an address only the account tells who waits for whom. */
static const char *get_line(const Login *login) {
  return has_no_address(login) ? login->group : login->shown;
}

static void ask_throttle(Login *login);

/* Those of the same address (NULL: of any) that wait may go on now. */
static void wake_waiting(Logins *logins, const char *group) {
  g_autoptr(GPtrArray) woken = g_ptr_array_new();
  for (GList *link = logins->waiting.head; link != NULL; link = link->next) {
    const Login *login = link->data;
    if (!login->early && (group == NULL || g_str_equal(login->group, group)))
      g_ptr_array_add(woken, link->data);
  }
  for (guint i = 0; i < woken->len; i++) {
    stop_waiting(woken->pdata[i]);
    ask_throttle(woken->pdata[i]);
  }
  if (group == NULL)
    lines_serve_all(logins->lines);
}

/* By the current settings: they may have changed while the login waited. */
static ThrottleRules make_rules(const Login *login) {
  g_autoptr(Settings) current = views_get_settings(login->logins->tools.views);
  return throttle_make_rules(current, has_no_address(login));
}

static void end_try(Login *login, Outcome outcome) {
  if (!login->begun)
    return;
  const ThrottleRules rules = make_rules(login);
  ThrottleResult result = outcome == OUTCOME_OK         ? THROTTLE_SUCCESS
                          : outcome_is_counted(outcome) ? THROTTLE_FAILURE
                                                        : THROTTLE_UNDECIDED;
  login->begun = FALSE;
  throttle_end(login->logins->tools.throttle, &rules, login->shown, login->group,
               g_get_monotonic_time(), result, &login->delay);
  /* What is not counted looks like a first failure to the client. */
  if (outcome_is_client_failure(outcome) && !outcome_is_counted(outcome))
    login->delay = rules.failure_delay;
}

static void prove_renamed(Login *login);

static void on_proved(Outcome outcome, const char *detail, gpointer data) {
  Login *login = data;
  Logins *logins = login->logins;
  if (login->identity.account != NULL && !g_str_equal(login->identity.account, login->account)) {
    prove_renamed(login);
    return;
  }
  if (login->decision.outcome != OUTCOME_OK) { /* the name that was typed is the account's own */
    outcome = login->decision.outcome;
    detail = login->decision.why;
  }
  g_autofree char *group = g_strdup(login->group);
  g_autofree char *line = g_strdup(get_line(login));
  secret_clear(&login->password);
  if (outcome == OUTCOME_OK && login->decision.kind == PACKAGE_NATIVE)
    login->means = g_strdup(detail);
  if (login->purpose != LOGIN_TRIAL && login->scram == NULL)
    timings_note(logins->timings, &login->decision, g_get_monotonic_time() - login->proof_began);
  end_try(login, outcome);
  steps_add(login->steps, "password: %s%s%s",
            outcome == OUTCOME_OK ? "right" : outcome_get_facts(outcome)->description,
            detail != NULL ? ": " : "", detail != NULL ? detail : "");
  if (outcome != OUTCOME_OK)
    end(login, outcome, detail);
  else if (login->answer == NULL)
    end(login, OUTCOME_OK, "the client had gone before it was answered");
  else
    open_mailbox(login);
  wake_waiting(logins, group);
  lines_serve(logins->lines, line);
  round_trips_note_proof(logins->round_trips);
}

static void renew_settings(Logins *logins) {
  g_autoptr(Settings) current = views_get_settings(logins->tools.views);
  logins->renewed |= verified_take_settings(logins->tools.verified, current);
}

void logins_take_settings(Logins *logins) {
  renew_settings(logins);
  if (logins->renewed)
    wake_waiting(logins, NULL);
  logins->renewed = FALSE;
}

void logins_take_account(Logins *logins, const char *account) {
  packages_touch(logins->packages, account);
  sessions_take_account(logins->tools.sessions, account);
  verified_forget_native(logins->tools.verified, account);
}

/* NULL for a login that is decided by older settings, and for a test. */
static Verified *find_verified(const Login *login) {
  Verified *verified = login->logins->tools.verified;
  renew_settings(login->logins);
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

static void prove(Login *login) {
  if (login->scram != NULL) {
    /* Takes next to nothing, but answers later, as a package does. */
    login->timer = g_idle_add(prove_scram, login);
    return;
  }
  /* There is one: without, the decision would have been a refusal. */
  Package *package = packages_find(login->logins->packages, login->decision.source);
  const PackageRequest request = {
      .account = login->account,
      .password = &login->password,
      .settings = login->settings,
      .service = login->service,
      .address = login->client->address,
      .verified = find_verified(login),
      .identity = &login->identity,
  };
  steps_add_memory(login->steps, login->settings->verified_seconds, package);
  if (decision_is_by_sam(&login->decision))
    steps_add_scram(login->steps, login->logins->tools.scram, login->account, login->client->user);
  else
    steps_add(login->steps,
              "SCRAM-SHA-256: not offered, as native accounts of source SAM do not decide");
  login->proof_began = g_get_monotonic_time();
  package->prove(package, &request, on_proved, login);
}

/* ---- held back ---- */

static gboolean on_waited(gpointer data) {
  stop_waiting(data);
  ask_throttle(data);
  return G_SOURCE_REMOVE;
}

/* A bound over all addresses was reached: it may be a front that tells false ones. */
static void report_guesses(const Login *login) {
  g_autofree char *alarm = throttle_take_alarm(login->logins->tools.throttle);
  const EventClient client = get_client(login);
  if (alarm != NULL)
    reporter_report(login->logins->tools.reporter, OUTCOME_GUESSES, EVENT_SOURCE_SERVER, &client,
                    alarm);
}

static void wait_for_address(Login *login, guint32 wait) {
  g_queue_push_tail(&login->logins->waiting, login);
  login->waiting = login->logins->waiting.tail;
  if (wait > 0)
    login->timer = g_timeout_add(wait, on_waited, login);
}

static void wait_in_line(Login *login, const LineRequest *request) {
  login->place = lines_join(login->logins->lines, request, login);
  if (login->place == NULL)
    end(login, OUTCOME_CROWDED, NULL);
}

/* Where a login stands when it asks: in no line, or as the first of one. */
typedef enum { ASKS_ANEW, ASKS_FOR_ACCOUNT, ASKS_FOR_ALL } Asking;

static ThrottleAnswer begin_try(const Login *login, Asking asking, guint32 *wait) {
  const Lines *lines = login->logins->lines;
  const char *line = get_line(login);
  ThrottleRules rules = make_rules(login);
  rules.behind_account = asking != ASKS_FOR_ACCOUNT && lines_is_waiting(lines, line, FALSE);
  rules.behind_all = asking != ASKS_FOR_ALL && lines_is_waiting(lines, line, TRUE);
  ThrottleAnswer verdict = throttle_begin(login->logins->tools.throttle, &rules, login->shown,
                                          login->group, g_get_monotonic_time(), wait);
  report_guesses(login);
  return verdict;
}

/* How long the first of a line is to stay there; 0: it has left the line. */
static guint32 ask(Login *login, Asking asking) {
  guint32 wait = 0;
  ThrottleAnswer verdict = begin_try(login, asking, &wait);
  gboolean for_all = verdict == THROTTLE_WAIT_FOR_ALL;
  if (verdict == THROTTLE_GO) {
    login->begun = TRUE;
    prove(login);
  } else if (verdict == THROTTLE_HELD) {
    login->delay = wait;
    end(login, OUTCOME_HELD_BACK, NULL);
  } else if (verdict == THROTTLE_WAIT) {
    wait_for_address(login, wait);
  } else if (asking == (for_all ? ASKS_FOR_ALL : ASKS_FOR_ACCOUNT)) {
    return MAX(wait, MIN_LINE_MS);
  } else {
    wait_in_line(login, &(LineRequest){get_line(login), for_all, MAX(wait, MIN_LINE_MS)});
  }
  return 0;
}

static guint32 ask_in_line(gpointer waiter, gboolean for_all, gpointer data) {
  Login *login = waiter;
  LinePlace *place = g_steal_pointer(&login->place);
  guint32 wait = ask(login, for_all ? ASKS_FOR_ALL : ASKS_FOR_ACCOUNT);
  (void)data;
  if (wait > 0)
    login->place = place;
  return wait;
}

static void ask_throttle(Login *login) {
  if (login->logins->all.length > MAX_LOGINS)
    end(login, OUTCOME_CROWDED, NULL);
  else
    ask(login, ASKS_ANEW);
}

void logins_visit_held(const Logins *logins, ThrottleVisit visit, gpointer data) {
  g_autoptr(Settings) settings = views_get_settings(logins->tools.views);
  const ThrottleRules rules = throttle_make_rules(settings, FALSE);
  throttle_visit_held(logins->tools.throttle, &rules, g_get_monotonic_time(), visit, data);
}

guint logins_release(Logins *logins, const char *who) {
  g_autoptr(Settings) settings = views_get_settings(logins->tools.views);
  guint released = throttle_release_named(logins->tools.throttle, who, settings->domain);
  if (released > 0)
    reporter_report(logins->tools.reporter, OUTCOME_RELEASED, EVENT_SOURCE_SERVER,
                    &(EventClient){.user = who}, who == NULL ? "everybody" : who);
  wake_waiting(logins, NULL);
  return released;
}

/* ---- the settings ---- */

/* A verifier that has just been started has not read its first settings yet:
 * logins that were waiting for it are not refused for that. */
static gboolean wait_for_registry(Login *login) {
  Logins *logins = login->logins;
  login->early = logins->waits_for_registry && !views_are_known(logins->tools.views);
  if (login->early)
    wait_for_address(login, 0);
  return login->early;
}

/* Failures without an address count only against the account, not against all clients
 * without one. */
static void set_group(Login *login) {
  if (!has_no_address(login))
    return;
  g_free(login->group);
  login->group = g_strconcat("account ", login->shown, NULL);
}

static void set_account(Login *login, const char *account) {
  g_free(login->account);
  g_free(login->shown);
  login->account = g_strdup(account);
  login->shown = name_dup_shown(get_name(login));
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

static void admit(Login *login) {
  if (login->answer == NULL) /* nothing is decided, and nobody could cancel it where it waits */
    login_free(login);
  else if (is_refused(login))
    end(login, login->decision.outcome, login->decision.why);
  else if (login->scram != NULL && !decision_is_by_sam(&login->decision))
    end(login, OUTCOME_OVERTAKEN, login->decision.why);
  else if (login->purpose == LOGIN_TRIAL)
    prove(login);
  else if (!decision_may_be_clear(login->settings, login->protocol, *login->client->tls != '\0',
                                  login->scram != NULL, login->client->address))
    end(login, OUTCOME_CLEAR_TEXT, NULL);
  else
    ask_throttle(login);
}

/* The account is the one that the package names, for holds as for all that follows. */
static void prove_renamed(Login *login) {
  g_autofree char *group = g_strdup(login->group);
  g_autofree char *line = g_strdup(get_line(login));
  Logins *logins = login->logins;
  end_try(login, OUTCOME_BROKER_FAILED); /* undecided */
  set_account(login, login->identity.account);
  steps_add(login->steps, "account: %s, by 'User Attribute'", login->account);
  admit(login);
  wake_waiting(logins, group);
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
  g_autofree char *account = name_get_account(login->client->user, login->settings->domain);
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
    stop_waiting(woken->pdata[i]);
    views_sync(logins->tools.views, 0, on_synced, woken->pdata[i]);
  }
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
  login->answer = answered;
  login->data = data;
  secret_move(&login->password, password);
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

void logins_count_clear_text(Logins *logins, Protocol protocol) {
  g_autoptr(Settings) settings = views_get_settings(logins->tools.views);
  PackageKind kind = *settings->package == '\0' ? PACKAGE_NATIVE : PACKAGE_MEMBERSHIP;
  logins->totals[protocol][kind][OUTCOME_CLEAR_TEXT]++;
}
