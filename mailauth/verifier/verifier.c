/* SPDX-License-Identifier: MIT */
/* The verifier: see verifier.h. It puts the parts together and dispatches messages;
 * mailauth/logins decides, and in which order. */
#include "mailauth/verifier/verifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/logins/mailbox-opening.h"
#include "mailauth/package/sam.h"
#include "mailauth/verifier/front-link.h"
#include "mailauth/verifier/mailauth1.h"
#include "mailauth/verifier/members-check.h"
#include "mailauth/verifier/problems.h"
#include "mailauth/verifier/publisher.h"
#include "mailauth/verifier/status-calls.h"
#include "mailauth/verifier/status.h"
#include "mailauth/verifier/user-check.h"

/* Pairs of address and account that are remembered. */
#define THROTTLE_CAPACITY 65536U
/* For names and files: look-ups that may block. */
#define LOOKUP_THREADS 8U
/* How long regd is waited for before the defaults are served, in ms: logins are
 * refused then, as a temporary failure. */
#define FIRST_WAIT_MS 3000

/* The user, PAM's files and the groups that its modules run in are looked at again after so many
 * pings of the parent's, which is about every 30 s. */
#define PINGS_PER_LOOK 15

typedef struct {
  const RoleStart *start;
  GMainLoop *loop;
  int exit_code;
  Channel *parent;
  RegistryConnection *connection;
  Views *views;
  Reporter *reporter;
  Throttle *throttle;
  Verified *verified;
  PamPool *pam;
  Dialer *dialer;
  SqlServants *sql;
  Workers *prover;
  Workers *lookups;
  Stores *stores;
  Backends *backends;
  Sessions *sessions;
  Logins *logins;
  Incidents *incidents;
  SamScram *scram;
  Exchanges *exchanges;
  Publisher *publisher;
  FrontLink *front; /* NULL while there is none */
  guint64 front_number;
  Bus *bus;
  guint first_wait;
  Settings *settings; /* as last looked at */
  UserCheck *user;
  MembersCheck *members;
  StatusCalls *status_calls; /* they wait for counts and look-ups */
  GVariant *connections;
  guint front_lacks;        /* of the front's sandbox */
  guint pings;              /* since the user was looked at */
  gboolean is_silence_told; /* regd's, and its end is not */
} Verifier;

typedef struct {
  Verifier *verifier;
  void (*done)(gpointer call);
  gpointer call;
} StatusCall;

typedef struct {
  Verifier *verifier;
  void (*done)(const char *problem, gpointer call);
  gpointer call;
} ReloadCall;

static void leave(Verifier *verifier, int code) {
  verifier->exit_code = code;
  g_main_loop_quit(verifier->loop);
}

static void settle_status(const Verifier *verifier) {
  status_calls_settle(verifier->status_calls, user_check_is_looking(verifier->user) ||
                                                  members_check_is_looking(verifier->members));
}

static void on_members_checked(gpointer data) {
  settle_status(data);
}

/* ---- settings ---- */

static void on_user_checked(gboolean is_other, gpointer data) {
  Verifier *verifier = data;
  if (is_other)
    leave(verifier, ROLE_EXIT_OTHER_USER);
  settle_status(verifier);
}

static void look_at_user(const Verifier *verifier) {
  if (verifier->settings != NULL)
    user_check_look(verifier->user, verifier->settings);
}

/* Only by native accounts, if any has keys for it. */
static gboolean is_scram_offered(const Verifier *verifier, const Settings *settings) {
  return *settings->package == '\0' && g_str_equal(settings->native_source, "SAM") &&
         sam_scram_is_there(verifier->scram);
}

static void publish(Verifier *verifier) {
  logins_stop_waiting(verifier->logins);
  g_autoptr(Settings) settings = views_get_settings(verifier->views);
  exchanges_stop_waiting(verifier->exchanges);
  logins_take_settings(verifier->logins);
  publisher_offer_scram(verifier->publisher, is_scram_offered(verifier, settings));
  publisher_publish(verifier->publisher, settings);
  settings_unref(verifier->settings);
  verifier->settings = g_steal_pointer(&settings);
  look_at_user(verifier);
  if (settings_have_servers(verifier->settings))
    dialer_prepare(verifier->dialer);
  bus_refresh(verifier->bus);
}

static void on_views_changed(gpointer data) {
  Verifier *verifier = data;
  sessions_take_views(verifier->sessions);
  /* Until regd has been heard of there is nothing to go by but defaults. */
  if (views_are_known(verifier->views) || verifier->first_wait == 0)
    publish(verifier);
}

static void on_account_touched(const char *account, gpointer data) {
  const Verifier *verifier = data;
  logins_take_account(verifier->logins, account);
  sam_scram_touch(verifier->scram, account);
}

static gboolean on_first_wait(gpointer data) {
  Verifier *verifier = data;
  verifier->first_wait = 0;
  publish(verifier);
  return G_SOURCE_REMOVE;
}

/* ---- the bus ---- */

static gboolean is_membership(gpointer data) {
  const Verifier *verifier = data;
  return verifier->settings != NULL && *verifier->settings->package != '\0';
}

static const char *get_broker(gpointer data) {
  const Verifier *verifier = data;
  return is_membership(data) ? verifier->settings->broker : "";
}

static gboolean is_ready(gpointer data) {
  const Verifier *verifier = data;
  return verifier->settings != NULL && verifier->settings->known && verifier->front != NULL &&
         publisher_is_settled(verifier->publisher);
}

static gboolean is_entitled(guint32 uid, gpointer data) {
  const Verifier *verifier = data;
  return user_check_is(verifier->user, uid);
}

static const Events *get_events(gpointer data) {
  const Verifier *verifier = data;
  return reporter_get_events(verifier->reporter);
}

/* The views are as current now as a login would find them. */
static void on_status_synced(G_GNUC_UNUSED gboolean current, gpointer data) {
  g_autofree StatusCall *waiting = data;
  Verifier *verifier = waiting->verifier;
  on_views_changed(verifier);
  if (verifier->settings != NULL)
    members_check_look(verifier->members, verifier->settings);
  status_calls_add(verifier->status_calls, waiting->done, waiting->call);
  status_calls_await_counts(verifier->status_calls,
                            verifier->front != NULL && front_link_ask_counts(verifier->front));
  settle_status(verifier);
}

static void prepare_status(void (*done)(gpointer call), gpointer call, gpointer data) {
  Verifier *verifier = data;
  StatusCall *waiting = g_new0(StatusCall, 1);
  *waiting = (StatusCall){verifier, done, call};
  views_sync(verifier->views, 0, on_status_synced, waiting);
}

static StatusSource make_status_source(const Verifier *verifier) {
  return (StatusSource){
      verifier->views,
      verifier->publisher,
      verifier->logins,
      verifier->incidents,
      verifier->stores,
      verifier->backends,
      verifier->throttle,
      verifier->reporter,
      verifier->prover,
      verifier->verified,
      verifier->pam,
      verifier->sql,
      verifier->connections,
      verifier->start->lacks | verifier->front_lacks,
      user_check_get_pam_problem(verifier->user),
      user_check_is_pam_stopped(verifier->user),
      members_check_get_problem(verifier->members),
  };
}

static gboolean append_status(DBusMessageIter *dict, gpointer data) {
  const StatusSource source = make_status_source(data);
  return status_append(dict, &source);
}

static const Rates *get_rates(gpointer data) {
  const Verifier *verifier = data;
  return logins_get_rates(verifier->logins);
}

static void visit_held(ThrottleVisit visit, gpointer visit_data, gpointer data) {
  const Verifier *verifier = data;
  logins_visit_held(verifier->logins, visit, visit_data);
}

static guint release(const char *who, gpointer data) {
  const Verifier *verifier = data;
  return logins_release(verifier->logins, who);
}

static void test(Protocol protocol, const char *user, Secret *password, LoginAnswer answer,
                 gpointer call, gpointer data) {
  const Verifier *verifier = data;
  const LoginRequest request = {.purpose = LOGIN_TRIAL,
                                .protocol = protocol,
                                .client = {.user = user, .address = "", .method = "", .tls = ""}};
  logins_begin(verifier->logins, &request, password, answer, call);
}

static void on_reload_synced(G_GNUC_UNUSED gboolean current, gpointer data) {
  g_autofree ReloadCall *waiting = data;
  on_views_changed(waiting->verifier);
  publisher_reload_certificates(waiting->verifier->publisher, waiting->done, waiting->call);
}

/* What was set before is read, too. */
static void reload_certificate(void (*done)(const char *problem, gpointer call), gpointer call,
                               gpointer data) {
  Verifier *verifier = data;
  ReloadCall *waiting = g_new0(ReloadCall, 1);
  *waiting = (ReloadCall){verifier, done, call};
  views_sync(verifier->views, 0, on_reload_synced, waiting);
}

static void on_event(const Event *event, gpointer data) {
  const Verifier *verifier = data;
  bus_signal_event(verifier->bus, event);
}

/* One that was ended is away first: it answers when another is there. */
static void tell_back(Verifier *verifier) {
  if (!verifier->is_silence_told || !views_are_live(verifier->views))
    return;
  verifier->is_silence_told = FALSE;
  reporter_report(verifier->reporter, OUTCOME_REGISTRY_BACK, EVENT_SOURCE_SERVER, NULL, NULL);
}

/* regd is there and hangs, or answers again. Logins are not kept waiting for it. */
static void on_answering(G_GNUC_UNUSED RegistryConnection *connection, gboolean answering,
                         gpointer data) {
  Verifier *verifier = data;
  if (answering) {
    tell_back(verifier);
    return;
  }
  verifier->is_silence_told = TRUE;
  reporter_report(verifier->reporter, OUTCOME_REGISTRY_SILENT, EVENT_SOURCE_SERVER, NULL,
                  "'systemctl restart regd' starts it again");
}

/* ---- the front ---- */

/* The parent knows whether the front still lives: if so, both get another channel. */
static void on_front_ended(const char *why, gpointer data) {
  Verifier *verifier = data;
  g_autofree char *text = g_utf8_make_valid(why, -1);
  (void)channel_send(verifier->parent, MESSAGE_FRONT_LOST,
                     g_variant_new("(ts)", verifier->front_number, text), NULL, 0, NULL);
  publisher_set_front(verifier->publisher, NULL);
  g_clear_pointer(&verifier->front, front_link_free);
  status_calls_await_counts(verifier->status_calls, FALSE);
  settle_status(verifier);
  bus_refresh(verifier->bus);
}

static void on_counts(GVariant *connections, guint lacks, gpointer data) {
  Verifier *verifier = data;
  verifier->front_lacks = lacks;
  g_clear_pointer(&verifier->connections, g_variant_unref);
  verifier->connections = g_variant_ref(connections);
  status_calls_await_counts(verifier->status_calls, FALSE);
  settle_status(verifier);
}

static gboolean on_keys_result(const Message *message, gpointer data) {
  const Verifier *verifier = data;
  gboolean taken = publisher_take_keys_result(verifier->publisher, message);
  bus_refresh(verifier->bus);
  return taken;
}

static void take_front(Verifier *verifier, Message *message) {
  static const FrontLinkEvents events = {on_front_ended, on_counts, on_keys_result};
  const FrontLinkTools tools = {verifier->logins,   verifier->exchanges, verifier->incidents,
                                verifier->reporter, verifier->sessions,  verifier->views};
  int descriptor = message_take_descriptor(message, 0);
  verifier->front_number = g_variant_get_uint64(message->body);
  publisher_set_front(verifier->publisher, NULL);
  g_clear_pointer(&verifier->front, front_link_free);
  verifier->front = front_link_new(descriptor, &tools, &events, verifier);
  publisher_set_front(verifier->publisher, front_link_get_channel(verifier->front));
  bus_refresh(verifier->bus);
}

/* ---- the parent ---- */

static gboolean want_servant(const Verifier *verifier, guint64 request, Role role) {
  return channel_send(verifier->parent, MESSAGE_WANT_SERVANT,
                      g_variant_new("(ty)", request, (guint8)role), NULL, 0, NULL);
}

static gboolean want_pam(guint64 request, gpointer data) {
  return want_servant(data, request, ROLE_PAM);
}

static gboolean want_connector(guint64 request, gpointer data) {
  return want_servant(data, request, ROLE_CONNECTOR);
}

static gboolean want_sql(guint64 request, gpointer data) {
  return want_servant(data, request, ROLE_SQL);
}

/* Without it the process would stay, unused, for as long as it hangs. */
static void end_servant(const Verifier *verifier, guint64 request, Role role) {
  (void)channel_send(verifier->parent, MESSAGE_END_SERVANT,
                     g_variant_new("(ty)", request, (guint8)role), NULL, 0, NULL);
}

static void end_connector(guint64 request, gpointer data) {
  end_servant(data, request, ROLE_CONNECTOR);
}

static void end_sql(guint64 request, gpointer data) {
  end_servant(data, request, ROLE_SQL);
}

static void take_servant(const Verifier *verifier, Message *message) {
  guint64 request = 0;
  guint8 role = 0;
  int descriptor = message_take_descriptor(message, 0);
  g_variant_get(message->body, "(ty)", &request, &role);
  if (role == ROLE_CONNECTOR)
    dialer_take_connector(verifier->dialer, request, descriptor);
  else if (role == ROLE_SQL)
    sql_servants_take(verifier->sql, request, descriptor);
  else
    pam_pool_take_helper(verifier->pam, request, descriptor);
}

static void take_servant_refusal(const Verifier *verifier, const Message *message) {
  guint64 request = 0;
  guint8 role = 0;
  const char *problem = NULL;
  g_variant_get(message->body, "(ty&s)", &request, &role, &problem);
  if (role == ROLE_CONNECTOR)
    dialer_take_refusal(verifier->dialer, request, problem);
  else if (role == ROLE_SQL)
    sql_servants_take_refusal(verifier->sql, request, problem);
  else
    pam_pool_take_refusal(verifier->pam, request, problem);
}

static void ignore_result(G_GNUC_UNUSED const char *problem, G_GNUC_UNUSED gpointer data) {
}

/* The service manager is told, and what can't be read is an event. */
static void reload(Verifier *verifier) {
  look_at_user(verifier);
  reload_certificate(ignore_result, NULL, verifier);
}

static void answer_ping(Verifier *verifier) {
  tell_back(verifier);
  if (++verifier->pings >= PINGS_PER_LOOK) {
    verifier->pings = 0;
    look_at_user(verifier);
  }
  const StatusSource source = make_status_source(verifier);
  g_autofree char *text = status_summarise(&source);
  (void)channel_send(verifier->parent, MESSAGE_PONG_VERIFIER, g_variant_new_string(text), NULL, 0,
                     NULL);
  if (verifier->front != NULL)
    (void)front_link_ask_counts(verifier->front);
}

static void on_parent_message(G_GNUC_UNUSED Channel *channel, Message *message,
                              G_GNUC_UNUSED const GError *error, gpointer data) {
  Verifier *verifier = data;
  if (message == NULL) {
    leave(verifier, error == NULL ? EXIT_SUCCESS : EXIT_FAILURE);
    return;
  }
  switch (message->kind) {
  case MESSAGE_LISTENING:
    publisher_take_listening(verifier->publisher, message);
    bus_refresh(verifier->bus);
    break;
  case MESSAGE_SOCKETS_STATE:
    publisher_take_sockets_state(verifier->publisher, message);
    bus_refresh(verifier->bus);
    break;
  case MESSAGE_FILE_PROBLEM:
    publisher_take_file_problem(verifier->publisher, message);
    bus_refresh(verifier->bus);
    break;
  case MESSAGE_STORE:
    stores_take_store(verifier->stores, message);
    break;
  case MESSAGE_STORE_REFUSED:
    stores_take_refusal(verifier->stores, message);
    break;
  case MESSAGE_SERVANT_STARTED:
    take_servant(verifier, message);
    break;
  case MESSAGE_SERVANT_REFUSED:
    take_servant_refusal(verifier, message);
    break;
  case MESSAGE_FRONT_STARTED:
    take_front(verifier, message);
    break;
  case MESSAGE_PING_VERIFIER:
    answer_ping(verifier);
    break;
  case MESSAGE_RELOAD:
    reload(verifier);
    break;
  default:
    break; /* the channel lets no other kind through */
  }
}

/* ---- the whole ---- */

static void build(Verifier *verifier) {
  const RoleStart *start = verifier->start;
  BusSource source = {
      .is_membership = is_membership,
      .get_broker = get_broker,
      .is_ready = is_ready,
      .is_entitled = is_entitled,
      .get_events = get_events,
      .prepare_status = prepare_status,
      .append_status = append_status,
      .get_rates = get_rates,
      .visit_held = visit_held,
      .release = release,
      .test = test,
      .reload_certificate = reload_certificate,
      .data = verifier,
  };
  verifier->loop = g_main_loop_new(NULL, FALSE);
  verifier->parent = channel_new(start->descriptor, ROLE_VERIFIER, ROLE_PARENT);
  verifier->reporter = reporter_new();
  verifier->throttle = throttle_new(THROTTLE_CAPACITY);
  verifier->verified = verified_new();
  verifier->pam = pam_pool_new(want_pam, verifier);
  verifier->dialer = dialer_new(want_connector, end_connector, verifier);
  verifier->sql = sql_servants_new(want_sql, end_sql, verifier);
  verifier->prover = workers_new(WORKERS_PROCESSORS, NULL);
  verifier->lookups = workers_new(LOOKUP_THREADS, NULL);
  verifier->user = user_check_new(
      &(UserCheckTools){verifier->lookups, verifier->reporter, start->user_is_chosen},
      on_user_checked, verifier);
  verifier->members = members_check_new(verifier->lookups, on_members_checked, verifier);
  verifier->stores = stores_new(verifier->parent, mailbox_report_unreadable, verifier->reporter);
  verifier->backends = backends_new(verifier->dialer);
  verifier->publisher = publisher_new(verifier->parent, verifier->reporter);
  verifier->status_calls = status_calls_new();
  verifier->connection = registry_connection_new_patient(start->bus, NULL);
  registry_connection_follow_answering(verifier->connection, on_answering, verifier);
  verifier->views = views_new(verifier->connection, on_views_changed, verifier);
  verifier->sessions = sessions_new(verifier->views);
  verifier->scram = sam_scram_new(views_get_accounts(verifier->views));
  verifier->exchanges = exchanges_new(verifier->views, verifier->scram);
  verifier->logins = logins_new(&(LoginTools){
      verifier->views, verifier->reporter, verifier->throttle, verifier->prover, verifier->lookups,
      verifier->stores, verifier->backends, verifier->verified, verifier->pam, verifier->dialer,
      verifier->sql, verifier->scram, verifier->sessions});
  source.sessions = verifier->sessions;
  verifier->bus = bus_new(start->bus, &source);
  verifier->incidents = incidents_new(verifier->reporter);
  views_set_account_touched(verifier->views, on_account_touched);
  reporter_set_listener(verifier->reporter, on_event, verifier);
  verifier->first_wait = g_timeout_add(FIRST_WAIT_MS, on_first_wait, verifier);
  channel_attach(verifier->parent, NULL, on_parent_message, verifier);
}

/* Proofs under way are finished first: their jobs point to logins. */
static void take_apart(Verifier *verifier) {
  reporter_set_listener(verifier->reporter, NULL, NULL);
  g_clear_pointer(&verifier->front, front_link_free);
  status_calls_answer_all(verifier->status_calls);
  dialer_close(verifier->dialer);
  g_clear_pointer(&verifier->user, user_check_free);
  members_check_close(verifier->members);
  workers_free(verifier->lookups);
  workers_free(verifier->prover);
  while (g_main_context_iteration(NULL, FALSE))
    continue;
  if (verifier->first_wait != 0)
    g_source_remove(verifier->first_wait);
  publisher_free(verifier->publisher);
  bus_free(verifier->bus);
  incidents_free(verifier->incidents);
  logins_free(verifier->logins);
  sessions_free(verifier->sessions);
  exchanges_free(verifier->exchanges);
  sam_scram_free(verifier->scram);
  stores_free(verifier->stores);
  backends_free(verifier->backends);
  views_free(verifier->views);
  registry_connection_unref(verifier->connection);
  throttle_free(verifier->throttle);
  verified_free(verifier->verified);
  pam_pool_free(verifier->pam);
  dialer_free(verifier->dialer);
  sql_servants_free(verifier->sql);
  reporter_free(verifier->reporter);
  settings_unref(verifier->settings);
  status_calls_free(verifier->status_calls);
  members_check_free(verifier->members);
  g_clear_pointer(&verifier->connections, g_variant_unref);
  channel_free(verifier->parent);
  g_main_loop_unref(verifier->loop);
}

int verifier_run(const RoleStart *start) {
  Verifier verifier = {.start = start};
  build(&verifier);
  g_main_loop_run(verifier.loop);
  take_apart(&verifier);
  return verifier.exit_code;
}
