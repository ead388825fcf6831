/* SPDX-License-Identifier: MIT */
/* See service.h. Rights are the reader's and the writer's to check. */
#include "regd/service/service.h"

#include "client/base/protocol.h"
#include "regd/service/rehearsal.h"
#include "regd/tree/settings.h"
#include "regd/write/apply.h"

struct Service {
  Reader *reader;
  Readings *readings;
  Writer *writer;
  SchemaSet *schemas;
  ServiceEvents events;
  gpointer data;
  Shares *shares;
  Watching *watching;
  LiveSettings settings;
  guint64 revision; /* the newest that watchers have been told of */
  gboolean read_only;
  GPtrArray *problems; /* of char * */
  guint64 start_time;  /* µs since 1970 */
  guint64 failures;    /* calls answered with an error */
  KeptCounts counts;
  ServiceFleet fleet;
};

/* ---- life ---- */

/* If they can't be read, the old ones stay. */
static void read_settings(Service *service) {
  LiveSettings settings;
  if (!reader_get_settings(service->reader, &settings, NULL))
    return;
  service->settings = settings;
  readings_set_limits(service->readings, settings.read_seconds, settings.reads_per_user);
}

static void note_found_at_start(Service *service) {
  const GPtrArray *found = writer_get_problems(service->writer);
  for (guint i = 0; i < found->len; i++)
    service_note_problem(service, found->pdata[i]);
}

Service *service_new(const ServiceParts *parts, SchemaSet *schemas, const ServiceEvents *events,
                     gpointer data) {
  Service *service = g_new0(Service, 1);
  service->reader = parts->reader;
  service->readings = parts->readings;
  service->writer = parts->writer;
  service->events = *events;
  service->data = data;
  service->shares = shares_new(&service->settings);
  service->watching =
      watching_new(service->reader, service->shares, &service->revision, &events->watching, data);
  service->settings.watches_per_user = LIMIT_WATCHES_DEFAULT;
  service->settings.calls_per_user = LIMIT_CALLS_DEFAULT;
  service->settings.call_bytes_per_user = LIMIT_CALL_BYTES_DEFAULT;
  service->start_time = (guint64)g_get_real_time();
  service->problems = g_ptr_array_new_with_free_func(g_free);
  reader_keep_short(service->reader, TRUE);
  reader_set_commits(service->reader, writer_get_commits(service->writer));
  service->revision = reader_get_revision(service->reader, NULL);
  service_set_schemas(service, schemas);
  read_settings(service);
  note_found_at_start(service);
  return service;
}

void service_free(Service *service) {
  if (service == NULL)
    return;
  watching_free(service->watching);
  shares_free(service->shares);
  g_ptr_array_unref(service->problems);
  schema_set_unref(service->schemas);
  g_free(service);
}

Reader *service_get_reader(Service *service) {
  return service->reader;
}

SchemaSet *service_get_schemas(Service *service) {
  return service->schemas;
}

void service_set_schemas(Service *service, SchemaSet *schemas) {
  g_autoptr(SchemaSet) before = service->schemas;
  service->schemas = schema_set_ref(schemas);
  reader_set_schemas(service->reader, schemas);
  writer_set_schemas(service->writer, schemas);
}

gboolean service_is_read_only(Service *service) {
  return service->read_only;
}

void service_forget_writer(Service *service) {
  reader_set_commits(service->reader, NULL);
  service->writer = NULL;
}

/* Damage that was found while reading ends writing too. */
static void check_read_only(Service *service) {
  if (service->read_only || service->writer == NULL)
    return;
  if (reader_is_damaged(service->reader))
    writer_set_read_only(service->writer);
  if (!writer_is_read_only(service->writer))
    return;
  service->read_only = TRUE;
  service->events.read_only(service->data);
}

void service_note_problem(Service *service, const char *text) {
  if (service->problems->len < SERVICE_PROBLEMS &&
      !g_ptr_array_find_with_equal_func(service->problems, text, g_str_equal, NULL)) {
    g_ptr_array_add(service->problems, g_strdup(text));
    service->events.problem(text, service->data);
  }
  if (service->writer != NULL)
    writer_set_read_only(service->writer);
  check_read_only(service);
}

const GPtrArray *service_get_problems(const Service *service) {
  return service->problems;
}

/* ---- what users have under way ---- */

gboolean service_take_share(Service *service, const Identity *who, Share share, guint64 amount,
                            GError **error) {
  return shares_take(service->shares, who, share, amount, error);
}

void service_give_back(Service *service, guint32 uid, Share share, guint64 amount) {
  shares_give_back(service->shares, uid, share, amount);
  if (share == SHARE_CALLS)
    check_read_only(service); /* a call has ended, and may have met damage */
}

ShareLoad service_get_load(const Service *service, Share share) {
  return shares_get_load(service->shares, share);
}

void service_note_failure(Service *service) {
  service->failures++;
}

guint64 service_get_failures(const Service *service) {
  return service->failures;
}

guint64 service_get_start_time(const Service *service) {
  return service->start_time;
}

KeptCounts *service_get_kept_counts(Service *service) {
  return &service->counts;
}

void service_get_writer_statistics(const Service *service, WriterStatistics *statistics) {
  *statistics = (WriterStatistics){0};
  if (service->writer != NULL)
    writer_get_statistics(service->writer, statistics);
}

guint64 service_get_step_limit(const Service *service, const Identity *who) {
  return apply_get_step_limit(who, &service->settings);
}

Watching *service_get_watching(Service *service) {
  return service->watching;
}

/* ---- writing ---- */

static void tell_watchers(Service *service, Effective *effective, WatchingTold told,
                          gpointer data) {
  if (settings_may_have_changed(&service->settings, effective))
    read_settings(service);
  if (service->fleet.changed != NULL)
    service->fleet.changed(effective, service->fleet.fleet);
  watching_tell(service->watching, effective, told, data);
}

static void note_result(Service *service, const WriteResult *result) {
  if (result->error == NULL)
    service->revision = MAX(service->revision, result->revision);
  check_read_only(service);
}

static void told_nobody(G_GNUC_UNUSED gpointer data) {
}

void service_note_written(Service *service, const WriteResult *result) {
  note_result(service, result);
  if (result->effective != NULL)
    tell_watchers(service, result->effective, told_nobody, NULL);
}

void service_set_fleet(Service *service, const ServiceFleet *fleet) {
  service->fleet = *fleet;
}

guint64 service_get_revision(const Service *service) {
  return service->revision;
}

typedef struct {
  Service *service;
  WriteDone done;
  gpointer data;
  WriteResult result; /* a copy, while watchers are told */
} Writing;

static void on_told(gpointer data) {
  Writing *writing = data;
  writing->done(&writing->result, writing->data);
  write_result_clear(&writing->result);
  g_free(writing);
}

/* The reply goes out behind all signals. */
static void on_written(const WriteResult *result, gpointer data) {
  Writing *writing = data;
  if (result->proposal != NULL && result->error == NULL) {
    const ServiceFleet *fleet = &writing->service->fleet;
    fleet->propose(result, writing->done, writing->data, fleet->fleet);
    g_free(writing);
    return;
  }
  note_result(writing->service, result);
  if (result->effective == NULL) {
    writing->done(result, writing->data);
    g_free(writing);
    return;
  }
  writing->result = *result;
  effective_ref(result->effective);
  tell_watchers(writing->service, result->effective, on_told, writing);
}

/* ---- dry runs ---- */

typedef struct {
  Rehearsal *rehearsal;
  WriteDone done;
  gpointer data;
} Trying;

static void trying_free(gpointer data) {
  Trying *trying = data;
  rehearsal_free(trying->rehearsal);
  g_free(trying);
}

static gboolean try_on_thread(Reader *reader, gpointer data, GError **error) {
  Trying *trying = data;
  return rehearsal_run(trying->rehearsal, reader, error);
}

static void on_tried(gpointer data, const GError *error) {
  Trying *trying = data;
  WriteResult *result = &trying->rehearsal->result;
  if (error != NULL && result->error == NULL)
    result->error = g_error_copy(error);
  trying->done(result, trying->data);
  trying_free(trying);
}

static const ReadingKind dry_run = {try_on_thread, on_tried, trying_free};

static void try_change(Service *service, const Caller *caller, Change *change, WriteDone done,
                       gpointer data) {
  Trying *trying = g_new0(Trying, 1);
  trying->rehearsal = rehearsal_new(caller->who, service->schemas, change);
  trying->done = done;
  trying->data = data;
  readings_submit(service->readings,
                  &(ReadingOrder){caller->who->uid, caller->name, service->schemas, NULL}, &dry_run,
                  trying);
}

/* ---- either ---- */

void service_write(Service *service, const Caller *caller, Change *change, WriteDone done,
                   gpointer data) {
  if (change->dry_run && !service->read_only) {
    try_change(service, caller, change, done, data);
    return;
  }
  Writing *writing = g_new0(Writing, 1);
  writing->service = service;
  writing->done = done;
  writing->data = data;
  writer_submit(service->writer, caller->who, change, on_written, writing);
}
