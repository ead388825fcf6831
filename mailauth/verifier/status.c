/* SPDX-License-Identifier: MIT */
/* What is decided now, and why: see status.h. */
#include "mailauth/verifier/status.h"

#include "client/base/escape.h"
#include "client/bus/wire.h"
#include "mailauth/package/sam.h"
#include "mailauth/process/sandbox.h"
#include "mailauth/verifier/problems.h"

/* ---- lists ---- */

/* The longest text of these, in bytes. */
#define MAX_SHOWN 8192U

/* For what quotes settings or files. */
static gboolean append_shown(DBusMessageIter *dict, const char *name, const char *text) {
  g_autofree char *shown = escape_dup(text, -1, MAX_SHOWN);
  return wire_append_entry_string(dict, name, shown);
}

static gboolean append_list(DBusMessageIter *dict, const char *name, GPtrArray *strings) {
  g_ptr_array_add(strings, NULL);
  return wire_append_entry_strings(dict, name, (const char *const *)strings->pdata);
}

static gboolean append_listeners(DBusMessageIter *dict, const GPtrArray *listeners) {
  g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < listeners->len; i++) {
    const Listener *listener = listeners->pdata[i];
    g_ptr_array_add(texts,
                    g_strdup_printf("%s%s %s%s%s", protocol_get_name(listener->protocol),
                                    listener->tls ? " TLS" : "", listener->address,
                                    *listener->problem == '\0' ? "" : ": ", listener->problem));
  }
  return append_list(dict, "listeners", texts);
}

static gboolean append_sockets(DBusMessageIter *dict, const StatusSource *source,
                               const Settings *settings) {
  g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < N_AUTH_KINDS; i++) {
    const char *problem = publisher_get_socket_problem(source->publisher, (AuthKind)i);
    if (*settings->sockets[i] != '\0')
      g_ptr_array_add(texts,
                      g_strdup_printf("%s %s%s%s", auth_kind_get_setting((AuthKind)i),
                                      settings->sockets[i], *problem == '\0' ? "" : ": ", problem));
  }
  return append_list(dict, "sockets", texts);
}

/* What logins have met. */
static void add_met(GPtrArray *texts, const StatusSource *source, const Settings *settings) {
  static const SettingsKey keys[] = {
      [PROTOCOL_POP3] = SETTINGS_POP3, [PROTOCOL_IMAP] = SETTINGS_IMAP};
  g_autofree char *broken = logins_dup_problem(source->logins, settings);
  if (broken != NULL)
    g_ptr_array_add(texts, g_strdup_printf("%s\\%s: %s", settings_get_path(SETTINGS_BROKERS),
                                           settings->broker, broken));
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    const char *server = settings->protocols[i].backend_text;
    const char *away = backends_get_problem(source->backends, (Protocol)i, server);
    if (away != NULL && settings->protocols[i].store == STORE_BACKEND)
      g_ptr_array_add(texts, g_strdup_printf("%s, Backend: %s", settings_get_path(keys[i]), away));
  }
}

static gboolean append_problems(DBusMessageIter *dict, const StatusSource *source) {
  g_autoptr(Settings) settings = views_get_settings(source->views);
  g_autoptr(GPtrArray) texts =
      problems_list(source->views, source->publisher, source->pam_problem, source->of_members);
  add_met(texts, source, settings);
  return append_list(dict, "problems", texts);
}

static gboolean append_sandbox(DBusMessageIter *dict, guint lacks) {
  g_auto(GStrv) texts = sandbox_describe_lacks(lacks);
  return wire_append_entry_string(dict, "sandbox", lacks == 0 ? "complete" : "incomplete") &&
         wire_append_entry_strings(dict, "sandbox-lacks", (const char *const *)texts);
}

/* ---- counts ---- */

static gboolean append_count(DBusMessageIter *counts, const char *name, guint64 number) {
  DBusMessageIter entry;
  return dbus_message_iter_open_container(counts, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
         wire_append_string(&entry, name) &&
         dbus_message_iter_append_basic(&entry, DBUS_TYPE_UINT64, &number) &&
         dbus_message_iter_close_container(counts, &entry);
}

static const char *const protocol_names[N_LOGIN_PROTOCOLS] = {"pop3", "imap", "sasl"};

/* Logins that have ended so; 0 if an outcome before has the same reason, with which they
 * are counted. */
static guint64 count_by_reason(const Logins *logins, Protocol protocol, PackageKind kind,
                               Outcome outcome) {
  guint64 total = 0;
  for (guint each = 0; each < N_OUTCOMES; each++)
    if (outcome_get_first((Outcome)each) == outcome)
      total += logins_get_total(logins, protocol, kind, (Outcome)each);
  return total;
}

typedef gboolean (*AppendTotal)(DBusMessageIter *out, Protocol protocol, PackageKind kind,
                                const char *reason, guint64 total);

static gboolean append_totals(DBusMessageIter *out, const Logins *logins, AppendTotal append) {
  for (guint protocol = 0; protocol < N_LOGIN_PROTOCOLS; protocol++)
    for (guint kind = PACKAGE_NATIVE; kind <= PACKAGE_MEMBERSHIP; kind++)
      for (guint outcome = 0; outcome < N_OUTCOMES; outcome++) {
        guint64 total =
            count_by_reason(logins, (Protocol)protocol, (PackageKind)kind, (Outcome)outcome);
        if (total > 0 && !append(out, (Protocol)protocol, (PackageKind)kind,
                                 outcome_get_facts((Outcome)outcome)->reason, total))
          return FALSE;
      }
  return TRUE;
}

/* "pop3.native.ok": how many since the start. */
static gboolean append_total_count(DBusMessageIter *counts, Protocol protocol, PackageKind kind,
                                   const char *reason, guint64 total) {
  g_autofree char *name =
      g_strdup_printf("%s.%s.%s", protocol_names[protocol], package_kind_get_name(kind), reason);
  return append_count(counts, name, total);
}

/* "refused.pop3.tls-failed": how many clients since the start. */
static gboolean append_refusals(DBusMessageIter *counts, const Incidents *incidents) {
  static const Outcome outcomes[] = {OUTCOME_TLS_FAILED, OUTCOME_TOO_MANY_CONNECTIONS,
                                     OUTCOME_PROXY_HEADER};
  for (guint i = 0; i < N_LOGIN_PROTOCOLS * G_N_ELEMENTS(outcomes); i++) {
    Protocol protocol = (Protocol)(i / G_N_ELEMENTS(outcomes));
    Outcome outcome = outcomes[i % G_N_ELEMENTS(outcomes)];
    g_autofree char *name = g_strdup_printf("refused.%s.%s", protocol_names[protocol],
                                            outcome_get_facts(outcome)->reason);
    if (!append_count(counts, name, incidents_get_total(incidents, protocol, outcome)))
      return FALSE;
  }
  return TRUE;
}

static gboolean append_connections(DBusMessageIter *counts, GVariant *connections) {
  GVariantIter iterator;
  const char *name = NULL;
  guint32 number = 0;
  if (connections == NULL)
    return TRUE;
  g_variant_iter_init(&iterator, connections);
  while (g_variant_iter_next(&iterator, "{&su}", &name, &number)) {
    g_autofree char *whole = g_strdup_printf("connections.%s", name);
    if (!append_count(counts, whole, number))
      return FALSE;
  }
  return TRUE;
}

static gboolean append_counts(DBusMessageIter *dict, const char *name, const StatusSource *source) {
  DBusMessageIter entry;
  DBusMessageIter variant;
  DBusMessageIter counts;
  return dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
         wire_append_string(&entry, name) &&
         dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a{st}", &variant) &&
         dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "{st}", &counts) &&
         append_totals(&counts, source->logins, append_total_count) &&
         append_refusals(&counts, source->incidents) &&
         append_connections(&counts, source->connections) &&
         append_count(&counts, "logins-under-way", logins_count(source->logins)) &&
         append_count(&counts, "proofs-waiting", workers_get_waiting(source->prover)) &&
         append_count(&counts, "proof-threads", workers_get_threads(source->prover)) &&
         append_count(&counts, "logins-by-memory", verified_get_recalled(source->verified)) &&
         append_count(&counts, "passwords-remembered",
                      verified_count(source->verified, verified_get_time())) &&
         append_count(&counts, "pam-processes", pam_pool_count(source->pam)) &&
         append_count(&counts, "pam-waiting", pam_pool_count_waiting(source->pam)) &&
         append_count(&counts, "sql-processes", sql_servants_count(source->sql)) &&
         append_count(&counts, "sql-waiting", sql_servants_count_waiting(source->sql)) &&
         append_count(&counts, "pairs-remembered", throttle_count(source->throttle)) &&
         append_count(&counts, "stores-in-use", stores_count_sessions(source->stores)) &&
         append_count(&counts, "stores-idle", stores_count_idle(source->stores)) &&
         append_count(&counts, "backend-tls-sessions", backends_count_pumps(source->backends)) &&
         append_count(&counts, "events", events_get_total(reporter_get_events(source->reporter))) &&
         dbus_message_iter_close_container(&variant, &counts) &&
         dbus_message_iter_close_container(&entry, &variant) &&
         dbus_message_iter_close_container(dict, &entry);
}

/* ---- numbers with their names ---- */

/* Opens {name: variant of an aa{sv}}; the array is @array. */
static gboolean open_table(DBusMessageIter *dict, const char *name, DBusMessageIter *entry,
                           DBusMessageIter *variant, DBusMessageIter *array) {
  return dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, entry) &&
         wire_append_string(entry, name) &&
         dbus_message_iter_open_container(entry, DBUS_TYPE_VARIANT, "aa{sv}", variant) &&
         dbus_message_iter_open_container(variant, DBUS_TYPE_ARRAY, "a{sv}", array);
}

static gboolean close_table(DBusMessageIter *dict, DBusMessageIter *entry, DBusMessageIter *variant,
                            DBusMessageIter *array) {
  return dbus_message_iter_close_container(variant, array) &&
         dbus_message_iter_close_container(entry, variant) &&
         dbus_message_iter_close_container(dict, entry);
}

static gboolean append_total_row(DBusMessageIter *array, Protocol protocol, PackageKind kind,
                                 const char *reason, guint64 total) {
  DBusMessageIter row;
  return dbus_message_iter_open_container(array, DBUS_TYPE_ARRAY, "{sv}", &row) &&
         wire_append_entry_string(&row, "protocol", protocol_names[protocol]) &&
         wire_append_entry_string(&row, "package", package_kind_get_name(kind)) &&
         wire_append_entry_string(&row, "reason", reason) &&
         wire_append_entry_uint64(&row, "count", total) &&
         dbus_message_iter_close_container(array, &row);
}

static gboolean append_logins(DBusMessageIter *dict, const Logins *logins) {
  DBusMessageIter entry;
  DBusMessageIter variant;
  DBusMessageIter array;
  return open_table(dict, "logins", &entry, &variant, &array) &&
         append_totals(&array, logins, append_total_row) &&
         close_table(dict, &entry, &variant, &array);
}

typedef struct {
  DBusMessageIter *array;
  gboolean made;
} TimeRows;

static void append_time_row(PackageKind kind, const char *broker, const Histogram *times,
                            gpointer data) {
  TimeRows *rows = data;
  DBusMessageIter row;
  rows->made = rows->made &&
               dbus_message_iter_open_container(rows->array, DBUS_TYPE_ARRAY, "{sv}", &row) &&
               wire_append_entry_string(&row, "package", package_kind_get_name(kind)) &&
               wire_append_entry_string(&row, "broker", broker) &&
               wire_append_entry_uint64(&row, "count", times->count) &&
               wire_append_entry_uint64(&row, "sum", times->sum) &&
               wire_append_entry_uint64(&row, "p50", histogram_get_quantile(times, 500)) &&
               wire_append_entry_uint64(&row, "p99", histogram_get_quantile(times, 990)) &&
               dbus_message_iter_close_container(rows->array, &row);
}

static gboolean append_times(DBusMessageIter *dict, const Logins *logins) {
  DBusMessageIter entry;
  DBusMessageIter variant;
  DBusMessageIter array;
  TimeRows rows = {&array, TRUE};
  if (!open_table(dict, "times", &entry, &variant, &array))
    return FALSE;
  timings_visit(logins_get_timings(logins), append_time_row, &rows);
  return rows.made && close_table(dict, &entry, &variant, &array);
}

/* ---- certificates ---- */

static gboolean append_pair_in_use(DBusMessageIter *row, const Certificate *certificate) {
  const TlsFacts *facts = &certificate->facts;
  return !certificate->in_use ||
         (append_shown(row, "subject", facts->subject) &&
          wire_append_entry_string(row, "algorithm", facts->algorithm) &&
          wire_append_entry_string(row, "fingerprint", facts->fingerprint) &&
          wire_append_entry_uint64(row, "not_before", (guint64)MAX(facts->not_before, 0)) &&
          wire_append_entry_uint64(row, "not_after", (guint64)MAX(facts->not_after, 0)));
}

static gboolean append_certificate(DBusMessageIter *array, const Certificate *certificate) {
  const char *file = certificate->certificate;
  DBusMessageIter row;
  return dbus_message_iter_open_container(array, DBUS_TYPE_ARRAY, "{sv}", &row) &&
         wire_append_entry_string(&row, "host", certificate->host) &&
         wire_append_entry_string(&row, "setting",
                                  certificate_slot_get_setting(certificate->slot, FALSE)) &&
         append_shown(&row, "file", file != NULL ? file : "") &&
         append_pair_in_use(&row, certificate) &&
         (certificate->problem == NULL || append_shown(&row, "problem", certificate->problem)) &&
         (certificate->doubt == NULL || append_shown(&row, "doubt", certificate->doubt)) &&
         dbus_message_iter_close_container(array, &row);
}

static gboolean append_certificates(DBusMessageIter *dict, const Certificates *certificates) {
  DBusMessageIter entry;
  DBusMessageIter variant;
  DBusMessageIter array;
  g_autoptr(GPtrArray) rows = certificates_list(certificates);
  if (!open_table(dict, "certificates", &entry, &variant, &array))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    if (!append_certificate(&array, rows->pdata[i]))
      return FALSE;
  return close_table(dict, &entry, &variant, &array);
}

/* ---- the whole ---- */

/* Accounts that can't be asked decide nothing, if they are what decides. */
static void take_accounts(Decision *decision, Outcome accounts, const char *detail) {
  if (decision->outcome != OUTCOME_OK || accounts == OUTCOME_OK ||
      g_strcmp0(decision->source, "SAM") != 0)
    return;
  g_autofree char *why = g_steal_pointer(&decision->why);
  decision->outcome = accounts;
  decision->why = g_strdup_printf("%s; %s", why, detail);
}

/* The same of PAM's. */
static void take_pam(Decision *decision, const StatusSource *source) {
  if (decision->outcome != OUTCOME_OK || !source->pam_stops_all ||
      g_strcmp0(decision->source, "PAM") != 0)
    return;
  g_autofree char *why = g_steal_pointer(&decision->why);
  decision->outcome = OUTCOME_PAM_DENIED;
  decision->why = g_strdup_printf("%s; %s", why, source->pam_problem);
}

static const char *describe_accounts(Outcome accounts) {
  return accounts == OUTCOME_OK ? "readable" : outcome_get_facts(accounts)->reason;
}

static const char *describe_registry(const Views *views) {
  if (!views_are_known(views))
    return "not reached yet";
  if (!views_are_answering(views))
    return "silent, the last settings known hold";
  return views_are_live(views) ? "live" : "away, the last settings known hold";
}

/* The one for clients that ask for no other. */
static const char *describe_certificate(GPtrArray *certificates) {
  const Certificate *first = certificates->len > 0 ? certificates->pdata[0] : NULL;
  if (first == NULL || *first->host != '\0' || first->slot != CERTIFICATE_FIRST)
    return "";
  return first->problem != NULL       ? first->problem
         : first->certificate != NULL ? first->certificate
                                      : "";
}

/* Clients that are logged in, as the front has counted them last. */
static guint32 count_sessions(GVariant *connections) {
  GVariantIter iterator;
  const char *name = NULL;
  guint32 number = 0;
  guint32 total = 0;
  if (connections == NULL)
    return 0;
  g_variant_iter_init(&iterator, connections);
  while (g_variant_iter_next(&iterator, "{&su}", &name, &number))
    if (g_str_has_suffix(name, "-logged-in"))
      total += number;
  return total;
}

char *status_summarise(const StatusSource *source) {
  g_autoptr(Settings) settings = views_get_settings(source->views);
  g_auto(Decision) decision = {0};
  g_autofree char *detail = NULL;
  guint32 sessions = count_sessions(source->connections);
  decision_choose(settings, &decision);
  take_accounts(&decision, sam_get_state(views_get_accounts(source->views), &detail), detail);
  take_pam(&decision, source);
  if (decision.outcome != OUTCOME_OK)
    return g_strdup_printf("No login can be decided: %s ('mailauthctl status' tells more)",
                           outcome_get_facts(decision.outcome)->reason);
  return g_strdup_printf("%s %s, %u session%s%s", package_kind_get_name(decision.kind),
                         decision.source, sessions, sessions == 1 ? "" : "s",
                         views_are_live(source->views) ? "" : ", regd is away or does not answer");
}

gboolean status_append(DBusMessageIter *dict, const StatusSource *source) {
  g_autoptr(Settings) settings = views_get_settings(source->views);
  g_auto(Decision) decision = {0};
  const Certificates *certificates = publisher_get_certificates(source->publisher);
  g_autoptr(GPtrArray) pairs = certificates_list(certificates);
  g_autofree char *detail = NULL;
  Outcome accounts = sam_examine(views_get_accounts(source->views), &detail);
  decision_choose(settings, &decision);
  take_accounts(&decision, accounts, detail);
  take_pam(&decision, source);
  return wire_append_entry_string(dict, "package", package_kind_get_name(decision.kind)) &&
         append_shown(dict, "broker", decision.broker) &&
         append_shown(dict, "source", decision.source) && append_shown(dict, "why", decision.why) &&
         wire_append_entry_string(dict, "decision", outcome_get_facts(decision.outcome)->reason) &&
         append_shown(dict, "accounts", describe_accounts(accounts)) &&
         wire_append_entry_string(dict, "scram-sha-256",
                                  publisher_offers_scram(source->publisher) ? "offered"
                                                                            : "not offered") &&
         append_shown(dict, "registry", describe_registry(source->views)) &&
         wire_append_entry_uint64(dict, "revision", views_get_revision(source->views)) &&
         append_shown(dict, "certificate", describe_certificate(pairs)) &&
         append_listeners(dict, publisher_get_listeners(source->publisher)) &&
         append_sockets(dict, source, settings) && append_problems(dict, source) &&
         append_sandbox(dict, source->lacks) && append_counts(dict, "counts", source) &&
         append_logins(dict, source->logins) && append_times(dict, source->logins) &&
         append_certificates(dict, certificates);
}
