/* SPDX-License-Identifier: MIT */
/* The handler of GetStatistics: regd's own numbers. Those that are in memory are taken when
 * the database's have been counted, off the main loop. What a large database holds is
 * counted once in some seconds, however many ask. */
#include "client/base/error.h"
#include "regd/bus/face.h"
#include "regd/registry1/handlers.h"
#include "regd/storage/counts.h"

typedef struct {
  DispatchCall *call;
  BusFace *face;
  gboolean counted; /* FALSE: damage was met while counting */
  StoreCounts counts;
} StatisticsCall;

static gboolean count(Reader *reader, gpointer data, GError **error) {
  StatisticsCall *statistics = data;
  return reader_count(reader, &statistics->counts, error);
}

/* {"commit-classes": at} */
static gboolean append_classes(DBusMessageIter *dict, const Durations *durations) {
  DBusMessageIter pair, variant, array;
  if (!dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair))
    return FALSE;
  gboolean complete = wire_append_string(&pair, "commit-classes") &&
                      dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, "at", &variant) &&
                      dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "t", &array);
  for (guint i = 0; i < DURATIONS_CLASSES && complete; i++)
    complete = face_append_uint64(&array, durations->classes[i]);
  complete = complete && dbus_message_iter_close_container(&variant, &array) &&
             dbus_message_iter_close_container(&pair, &variant);
  return wire_end_container(dict, &pair, complete);
}

/* Left out where there are none. They name keys, which not everybody may know of. */
static gboolean append_problems(DBusMessageIter *dict, const StatisticsCall *statistics) {
  const GPtrArray *problems = service_get_problems(statistics->face->service);
  if (problems->len == 0 || !face_caller(statistics->call)->administrator)
    return TRUE;
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (guint i = 0; i < problems->len; i++)
    g_strv_builder_add(builder, problems->pdata[i]);
  g_auto(GStrv) texts = g_strv_builder_end(builder);
  return wire_append_entry_strings(dict, "problems", (const char *const *)texts);
}

static gboolean append_counts(DBusMessageIter *dict, const StoreCounts *counts) {
  return wire_append_entry_uint64(dict, "keys", counts->keys) &&
         wire_append_entry_uint64(dict, "values", counts->values) &&
         wire_append_entry_uint64(dict, "history-rows", counts->history_rows) &&
         wire_append_entry_uint64(dict, "trials", counts->trials) &&
         wire_append_entry_uint64(dict, "database-bytes", counts->database_bytes);
}

static gboolean append_numbers(DBusMessageIter *dict, const StatisticsCall *statistics) {
  Service *service = statistics->face->service;
  const StoreCounts *counts = statistics->counted ? &statistics->counts : NULL;
  const ShareLoad calls = service_get_load(service, SHARE_CALLS);
  WriterStatistics writer;
  service_get_writer_statistics(service, &writer);
  const struct {
    const char *name;
    guint64 number;
  } numbers[] = {
      {"started", service_get_start_time(service)},
      {"revision", service_get_revision(service)},
      {"watches", service_get_load(service, SHARE_WATCHES).now},
      {"files", service_get_load(service, SHARE_FILES).now},
      {"calls", calls.taken},
      {"calls-waiting", calls.now},
      {"calls-refused", calls.refused},
      {"calls-failed", service_get_failures(service)},
      {"changes", writer.changes},
      {"changes-refused", writer.refused},
      {"commit-time", writer.commits.sum},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
    if (!wire_append_entry_uint64(dict, numbers[i].name, numbers[i].number))
      return FALSE;
  return (counts == NULL || append_counts(dict, counts)) &&
         wire_append_entry_boolean(dict, "read-only", service_is_read_only(service)) &&
         append_problems(dict, statistics) && append_classes(dict, &writer.commits);
}

static void answer(const StatisticsCall *statistics) {
  DBusMessageIter out, dict;
  DBusMessage *reply = face_begin(statistics->call, &out);
  face_finish(statistics->call, reply,
              dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                  wire_end_container(&out, &dict, append_numbers(&dict, statistics)));
}

static void on_counted(gpointer data, const GError *error) {
  g_autofree StatisticsCall *statistics = data;
  if (db_error_is_damage(error)) { /* what is wrong must be told all the same */
    service_note_problem(statistics->face->service, error->message);
    answer(statistics);
    return;
  }
  if (error != NULL) {
    dispatch_call_fail(statistics->call, error);
    return;
  }
  statistics->counted = TRUE;
  kept_counts_set(service_get_kept_counts(statistics->face->service), &statistics->counts,
                  g_get_monotonic_time());
  answer(statistics);
}

static const ReadingKind counting = {count, on_counted, g_free};

void handle_get_statistics(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  StatisticsCall statistics = {.call = call, .face = face};
  statistics.counted = kept_counts_get(service_get_kept_counts(face->service),
                                       g_get_monotonic_time(), &statistics.counts);
  if (statistics.counted)
    answer(&statistics);
  else
    readings_submit(face->readings,
                    &(ReadingOrder){face_caller(call)->uid, dispatch_call_get_sender(call),
                                    service_get_schemas(face->service), NULL},
                    &counting, g_memdup2(&statistics, sizeof statistics));
}
