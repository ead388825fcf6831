/* SPDX-License-Identifier: MIT */
/* mailauthd's numbers as OpenMetrics text: see metrics.h. Each family is written
 * in one go: its facts, then its samples. */
#include "mailauth/mailauthctl/metrics.h"

#include "client/bus/wire.h"
#include "client/cli/openmetrics.h"

/* One row of a table, or the whole status. */
typedef WireOptions Entries;

static const char *get_string(const Entries *entries, const char *name) {
  const char *text = "";
  (void)wire_options_get_string(entries, name, &text, NULL);
  return text;
}

static guint64 get_number(const Entries *entries, const char *name) {
  guint64 number = 0;
  (void)wire_options_get_uint64(entries, name, &number, NULL);
  return number;
}

/* ---- tables ---- */

typedef void (*PrintRow)(GString *out, const Entries *row);

static void print_table(GString *out, const Entries *status, const char *name, PrintRow print) {
  DBusMessageIter array;
  DBusMessageIter element;
  if (!wire_options_get_content(status, name, &array) ||
      dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_ARRAY)
    return;
  for (dbus_message_iter_recurse(&array, &element);
       dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_ARRAY;
       dbus_message_iter_next(&element)) {
    g_autoptr(WireOptions) row = wire_options_read(&element, NULL);
    if (row != NULL)
      print(out, row);
  }
}

static void print_login(GString *out, const Entries *row) {
  openmetrics_add_label(out, "mailauth_logins_total{", "protocol", get_string(row, "protocol"));
  openmetrics_add_label(out, ",", "package", get_string(row, "package"));
  openmetrics_add_label(out, ",", "reason", get_string(row, "reason"));
  g_string_append_printf(out, "} %" G_GUINT64_FORMAT "\n", get_number(row, "count"));
}

static void print_broker(GString *out, const char *metric, const Entries *row) {
  g_string_append(out, metric);
  openmetrics_add_label(out, "{", "package", get_string(row, "package"));
  openmetrics_add_label(out, ",", "broker", get_string(row, "broker"));
}

static void print_seconds(GString *out, guint64 microseconds) {
  g_string_append(out, "} ");
  openmetrics_add_seconds(out, microseconds);
}

static void print_times(GString *out, const Entries *row) {
  static const struct {
    const char *entry, *quantile;
  } quantiles[] = {{"p50", "0.5"}, {"p99", "0.99"}};
  for (guint i = 0; i < G_N_ELEMENTS(quantiles); i++) {
    print_broker(out, "mailauth_proof_seconds", row);
    openmetrics_add_label(out, ",", "quantile", quantiles[i].quantile);
    print_seconds(out, get_number(row, quantiles[i].entry));
  }
  print_broker(out, "mailauth_proof_seconds_sum", row);
  print_seconds(out, get_number(row, "sum"));
  print_broker(out, "mailauth_proof_seconds_count", row);
  g_string_append_printf(out, "} %" G_GUINT64_FORMAT "\n", get_number(row, "count"));
}

static void print_certificate(GString *out, const char *metric, const Entries *row) {
  g_string_append(out, metric);
  openmetrics_add_label(out, "{", "host", get_string(row, "host"));
  openmetrics_add_label(out, ",", "setting", get_string(row, "setting"));
}

static void print_expiry(GString *out, const Entries *row) {
  /* If none is in use nothing can expire. */
  if (*get_string(row, "fingerprint") == '\0')
    return;
  print_certificate(out, "mailauth_certificate_not_after_timestamp_seconds", row);
  g_string_append_printf(out, "} %" G_GUINT64_FORMAT "\n", get_number(row, "not_after"));
}

static void print_certificate_state(GString *out, const Entries *row) {
  print_certificate(out, "mailauth_certificate_usable", row);
  g_string_append_printf(out, "} %d\n", *get_string(row, "problem") == '\0');
}

static void print_certificates(GString *out, const Entries *status) {
  openmetrics_begin(out, "mailauth_certificate_not_after_timestamp_seconds", "gauge",
                    "When a certificate in use expires.");
  print_table(out, status, "certificates", print_expiry);
  openmetrics_begin(out, "mailauth_certificate_usable", "gauge",
                    "Whether the files that are set are in use.");
  print_table(out, status, "certificates", print_certificate_state);
}

/* ---- counts ---- */

/* Finds @name among the counts, an a{st}. */
static gboolean find_count(const Entries *status, const char *name, guint64 *number) {
  DBusMessageIter counts;
  DBusMessageIter entry;
  DBusMessageIter pair;
  const char *found = NULL;
  if (!wire_options_get_content(status, "counts", &counts) ||
      dbus_message_iter_get_arg_type(&counts) != DBUS_TYPE_ARRAY)
    return FALSE;
  for (dbus_message_iter_recurse(&counts, &entry);
       dbus_message_iter_get_arg_type(&entry) == DBUS_TYPE_DICT_ENTRY;
       dbus_message_iter_next(&entry)) {
    dbus_message_iter_recurse(&entry, &pair);
    if (dbus_message_iter_get_arg_type(&pair) != DBUS_TYPE_STRING)
      continue;
    dbus_message_iter_get_basic(&pair, &found);
    dbus_message_iter_next(&pair);
    if (!g_str_equal(found, name) || dbus_message_iter_get_arg_type(&pair) != DBUS_TYPE_UINT64)
      continue;
    dbus_message_iter_get_basic(&pair, number);
    return TRUE;
  }
  return FALSE;
}

/* A number for each protocol and word, as the status spells it. */
typedef struct {
  const char *prefix, *joint; /* before the protocol, and before the word */
  const char *sample;         /* up to its labels */
  const char *label;          /* the word's */
  const char *const *protocols, *const *words;
} Grid;

static void print_grid(GString *out, const Entries *status, const Grid *grid) {
  for (guint i = 0; grid->protocols[i] != NULL; i++) {
    for (guint j = 0; grid->words[j] != NULL; j++) {
      g_autofree char *name =
          g_strconcat(grid->prefix, grid->protocols[i], grid->joint, grid->words[j], NULL);
      guint64 number = 0;
      if (!find_count(status, name, &number))
        continue;
      openmetrics_add_label(out, grid->sample, "protocol", grid->protocols[i]);
      openmetrics_add_label(out, ",", grid->label, grid->words[j]);
      g_string_append_printf(out, "} %" G_GUINT64_FORMAT "\n", number);
    }
  }
}

static void print_connections(GString *out, const Entries *status) {
  static const char *const protocols[] = {"pop3", "imap", NULL};
  static const char *const states[] = {"before-login", "logged-in", NULL};
  openmetrics_begin(out, "mailauth_connections", "gauge", "Clients that are connected now.");
  print_grid(out, status,
             &(Grid){"connections.", "-", "mailauth_connections{", "state", protocols, states});
}

static void print_refusals(GString *out, const Entries *status) {
  static const char *const protocols[] = {"pop3", "imap", "sasl", NULL};
  static const char *const reasons[] = {"tls-failed", "too-many-connections", "proxy-header", NULL};
  openmetrics_begin(out, "mailauth_refused", "counter",
                    "Clients refused by a limit, in a TLS handshake, or for a PROXY header.");
  print_grid(out, status,
             &(Grid){"refused.", ".", "mailauth_refused_total{", "reason", protocols, reasons});
}

static void print_counts(GString *out, const Entries *status) {
  static const struct {
    const char *count, *metric, *type, *help;
  } rows[] = {
      {"events", "mailauth_events", "counter", "Events recorded, repetitions included."},
      {"logins-by-memory", "mailauth_verified_again", "counter",
       "Passwords known again from a short while ago, their hash not computed."},
      {"passwords-remembered", "mailauth_verified_passwords", "gauge",
       "Accounts whose password is known for a while."},
      {"logins-under-way", "mailauth_logins_under_way", "gauge", "Logins not answered yet."},
      {"proofs-waiting", "mailauth_proofs_waiting", "gauge", "Proofs that wait for a thread."},
      {"proof-threads", "mailauth_proof_threads", "gauge", "Threads that prove passwords."},
      {"pam-processes", "mailauth_pam_processes", "gauge", "Processes that PAM's modules run in."},
      {"pam-waiting", "mailauth_pam_waiting", "gauge", "Logins that wait for such a process."},
      {"pairs-remembered", "mailauth_failure_pairs", "gauge",
       "Pairs of account and address with failures that are remembered."},
      {"stores-in-use", "mailauth_stores_in_use", "gauge", "Maildirs that are open."},
      {"backend-tls-sessions", "mailauth_backend_tls_sessions", "gauge",
       "Sessions with a mail server behind, by TLS."},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    guint64 number = 0;
    if (!find_count(status, rows[i].count, &number))
      continue;
    openmetrics_begin(out, rows[i].metric, rows[i].type, rows[i].help);
    g_string_append_printf(out, "%s%s %" G_GUINT64_FORMAT "\n", rows[i].metric,
                           g_str_equal(rows[i].type, "counter") ? "_total" : "", number);
  }
}

/* ---- the whole ---- */

static void print_state(GString *out, const Entries *status) {
  openmetrics_begin(out, "mailauth_settings_revision", "gauge",
                    "The registry's revision in force.");
  g_string_append_printf(out, "mailauth_settings_revision %" G_GUINT64_FORMAT "\n",
                         get_number(status, "revision"));
  openmetrics_begin(out, "mailauth_decidable", "gauge",
                    "1 where logins can be decided by the settings as they are.");
  g_string_append_printf(out, "mailauth_decidable %d\n",
                         g_str_equal(get_string(status, "decision"), "ok"));
  openmetrics_begin(out, "mailauth_registry_live", "gauge", "1 while regd can be reached.");
  g_string_append_printf(out, "mailauth_registry_live %d\n",
                         g_str_equal(get_string(status, "registry"), "live"));
}

void metrics_print(GString *out, DBusMessageIter *status) {
  g_autoptr(WireOptions) entries = wire_options_read(status, NULL);
  if (entries != NULL) {
    openmetrics_begin(out, "mailauth_logins", "counter",
                      "Logins that have ended, by what came of them.");
    print_table(out, entries, "logins", print_login);
    openmetrics_begin(out, "mailauth_proof_seconds", "summary",
                      "Time that the proof of a password took.");
    print_table(out, entries, "times", print_times);
    print_connections(out, entries);
    print_refusals(out, entries);
    print_counts(out, entries);
    print_certificates(out, entries);
    print_state(out, entries);
  }
  openmetrics_end(out);
}
