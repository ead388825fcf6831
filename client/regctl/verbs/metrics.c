/* SPDX-License-Identifier: MIT */
/* Each family is written in one go: its facts, then its samples. */
#include "client/regctl/verbs/metrics.h"

#include "client/cli/openmetrics.h"

#define NUMBER "%" G_GUINT64_FORMAT

static const struct {
  const char *entry, *metric, *type, *help;
} numbers[] = {
    {"revision", "regd_revision", "gauge", "The newest revision."},
    {"watches", "regd_watches", "gauge", "Watches that stand."},
    {"files", "regd_files", "gauge", "Files that are being imported, exported or backed up."},
    {"calls", "regd_calls", "counter", "Calls that were admitted."},
    {"calls-waiting", "regd_calls_waiting", "gauge", "Calls that are not answered yet."},
    {"calls-refused", "regd_calls_refused", "counter",
     "Calls of users who had as many under way as they may."},
    {"calls-failed", "regd_calls_failed", "counter", "Calls that were answered with an error."},
    {"changes", "regd_changes", "counter", "Writes that were handed to the writer and are done."},
    {"changes-refused", "regd_changes_refused", "counter", "Of them, those that were refused."},
    {"keys", "regd_keys", "gauge", "Keys in the database."},
    {"values", "regd_values", "gauge", "Values in the database."},
    {"history-rows", "regd_history_rows", "gauge", "Differences that history keeps."},
    {"trials", "regd_trials", "gauge", "Changes that are on trial."},
    {"database-bytes", "regd_database_bytes", "gauge",
     "Size of the database, without its write-ahead log."},
};

static void print_numbers(GString *out, const WireOptions *statistics) {
  for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
    gboolean counts = g_str_equal(numbers[i].type, "counter");
    guint64 number = G_MAXUINT64;
    if (!wire_options_get_uint64(statistics, numbers[i].entry, &number, NULL) ||
        number == G_MAXUINT64)
      continue;
    openmetrics_begin(out, numbers[i].metric, numbers[i].type, numbers[i].help);
    g_string_append_printf(out, "%s%s " NUMBER "\n", numbers[i].metric, counts ? "_total" : "",
                           number);
  }
}

static void print_state(GString *out, const WireOptions *statistics) {
  gboolean read_only = FALSE;
  guint64 started = 0;
  DBusMessageIter problems;
  (void)wire_options_get_boolean(statistics, "read-only", &read_only, NULL);
  (void)wire_options_get_uint64(statistics, "started", &started, NULL);
  openmetrics_begin(out, "regd_read_only", "gauge",
                    "1 where the database is damaged and takes no writes.");
  g_string_append_printf(out, "regd_read_only %d\n", read_only ? 1 : 0);
  if (wire_options_get_content(statistics, "problems", &problems) &&
      dbus_message_iter_get_arg_type(&problems) == DBUS_TYPE_ARRAY) {
    openmetrics_begin(out, "regd_problems", "gauge", "Damage to the database that was met.");
    g_string_append_printf(out, "regd_problems %d\n",
                           dbus_message_iter_get_element_count(&problems));
  }
  openmetrics_begin(out, "regd_start_time_seconds", "gauge", "When regd was started.");
  g_string_append(out, "regd_start_time_seconds ");
  openmetrics_add_seconds(out, started);
}

/* The upper ends of GetStatistics' classes; what is longer is in the last. */
static const char *const bounds[] = {"0.001", "0.01", "0.1", "1.0", "10.0"};

static void print_bucket(GString *out, guint class, guint64 count) {
  openmetrics_add_label(out, "regd_commit_seconds_bucket{", "le",
                        class < G_N_ELEMENTS(bounds) ? bounds[class] : "+Inf");
  g_string_append_printf(out, "} " NUMBER "\n", count);
}

static void print_commits(GString *out, const WireOptions *statistics) {
  DBusMessageIter array;
  DBusMessageIter classes;
  guint64 sum = 0;
  guint64 count = 0;
  if (!wire_options_get_content(statistics, "commit-classes", &array) ||
      dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_ARRAY ||
      dbus_message_iter_get_element_type(&array) != DBUS_TYPE_UINT64)
    return;
  (void)wire_options_get_uint64(statistics, "commit-time", &sum, NULL);
  openmetrics_begin(out, "regd_commit_seconds", "histogram",
                    "Time from the first change of a batch to its being on disk.");
  dbus_message_iter_recurse(&array, &classes);
  for (guint class = 0; class <= G_N_ELEMENTS(bounds); class ++) {
    dbus_uint64_t number = 0;
    if (dbus_message_iter_get_arg_type(&classes) == DBUS_TYPE_UINT64)
      dbus_message_iter_get_basic(&classes, &number);
    dbus_message_iter_next(&classes);
    count += number;
    print_bucket(out, class, count);
  }
  g_string_append(out, "regd_commit_seconds_sum ");
  openmetrics_add_seconds(out, sum);
  g_string_append_printf(out, "regd_commit_seconds_count " NUMBER "\n", count);
}

gboolean metrics_print(GString *out, DBusMessageIter *statistics, GError **error) {
  g_autoptr(WireOptions) entries = wire_options_read(statistics, error);
  if (entries == NULL)
    return FALSE;
  print_state(out, entries);
  print_numbers(out, entries);
  print_commits(out, entries);
  openmetrics_end(out);
  return TRUE;
}
