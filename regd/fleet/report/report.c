/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include "regd/fleet/report/report.h"

#include "regd/fleet/etcd/batch.h"
#include "regd/fleet/etcd/lease.h"

/* Of one call. */
#define CALL_TIMEOUT_MS 5000U
/* A host without a sign of life for so many times `Stale After` counts as gone. */
#define LIFE_FACTOR 4U
/* Signs of life in the time that a lease has. */
#define SIGNS_OF_LIFE 3U
/* A host that may not report asks again after so long. */
#define DENIED_MS 600000U

struct Report {
  ReportEvents events;
  Cluster *cluster; /* NULL: this host reports nothing */
  char *host;
  guint interval_ms;
  guint life_s;
  guint phase_ms;  /* the host's moment in the interval */
  guint timer;     /* until it comes */
  guint pulse;     /* until the next sign of life */
  gboolean asking; /* regd owes the record */
  ClusterCall *call;
  ClusterCall *withdrawal; /* of the report before; or NULL */
  gint64 lease;            /* 0: there is none */
  GBytes *record;          /* on its way, or NULL */
  GBytes *told;            /* what stands there, or NULL */
  gboolean complained;
};

Report *report_new(const ReportEvents *events) {
  Report *report = g_new0(Report, 1);
  report->events = *events;
  return report;
}

/* ---- when ---- */

static gboolean on_due(gpointer data) {
  Report *report = data;
  report->timer = 0;
  if (report->call != NULL || report->asking) {
    report_note(report);
    return G_SOURCE_REMOVE;
  }
  report->asking = TRUE;
  report->events.ask(report->events.data);
  return G_SOURCE_REMOVE;
}

/* Until the host's next moment. */
static guint get_delay_ms(const Report *report) {
  guint64 now_ms = (guint64)g_get_monotonic_time() / 1000U;
  return report->interval_ms - (guint)((now_ms + report->phase_ms) % report->interval_ms);
}

void report_note(Report *report) {
  if (report->cluster != NULL && report->timer == 0)
    report->timer = g_timeout_add(get_delay_ms(report), on_due, report);
}

/* ---- calls ---- */

static void call(Report *report, const char *method, GBytes *request, ClusterDone done) {
  const ClusterQuestion question = {.endpoint = report->events.get_endpoint(report->events.data),
                                    .method = method,
                                    .request = request,
                                    .timeout_ms = CALL_TIMEOUT_MS};
  report->call = cluster_call(report->cluster, &question, done, report);
}

/* Nothing is printed if the cluster can't be reached: the host's state shows it. */
static void fail(Report *report, const TransportEnd *end) {
  g_clear_pointer(&report->record, g_bytes_unref);
  if (end->code != GRPC_PERMISSION_DENIED) {
    report_note(report);
    return;
  }
  if (!report->complained)
    g_printerr("regd-fleet: this host may not tell the fleet of itself (%s): its role needs h/ and "
               "a/, see regd-fleet(8)\n",
               end->text);
  report->complained = TRUE;
  g_clear_handle_id(&report->timer, g_source_remove);
  report->timer = g_timeout_add(DENIED_MS, on_due, report);
}

static GBytes *new_key(const Report *report, const char *kind) {
  g_autofree char *key = g_strconcat(kind, "/", report->host, NULL);
  return cluster_new_key(report->cluster, key);
}

static void on_told(GBytes *answer, const TransportEnd *end, gpointer data) {
  Report *report = data;
  report->call = NULL;
  if (answer == NULL) {
    report->lease = 0; /* it may have ended: then the sign of life is not there */
    fail(report, end);
    return;
  }
  g_clear_pointer(&report->told, g_bytes_unref);
  report->told = g_steal_pointer(&report->record);
  report->complained = FALSE;
}

/* The sign of life goes with each report: somebody may have deleted it (`regctl fleet forget`). */
static void tell(Report *report) {
  g_autoptr(Batch) batch = batch_new();
  batch_put(batch, new_key(report, "h"), g_bytes_ref(report->record));
  batch_put_leased(batch, new_key(report, "a"), g_bytes_new(NULL, 0), report->lease);
  g_autoptr(GBytes) request = batch_encode(batch);
  call(report, "KV/Txn", request, on_told);
}

static void on_granted(GBytes *answer, const TransportEnd *end, gpointer data) {
  Report *report = data;
  report->call = NULL;
  if (answer == NULL || !etcd_lease_grant_decode(answer, &report->lease, NULL, NULL)) {
    report->lease = 0;
    fail(report, end);
    return;
  }
  tell(report);
}

void report_take(Report *report, GBytes *record) {
  report->asking = FALSE;
  if (report->cluster == NULL || report->call != NULL || record == NULL)
    return;
  if (report->lease != 0 && report->told != NULL && g_bytes_equal(record, report->told))
    return;
  g_clear_pointer(&report->record, g_bytes_unref);
  report->record = g_bytes_ref(record);
  if (report->lease != 0) {
    tell(report);
    return;
  }
  g_autoptr(GBytes) request = etcd_lease_grant_encode(report->life_s);
  call(report, "Lease/LeaseGrant", request, on_granted);
}

/* ---- signs of life ---- */

static void on_kept(GBytes *answer, G_GNUC_UNUSED const TransportEnd *end, gpointer data) {
  Report *report = data;
  gint64 left = 0;
  report->call = NULL;
  if (answer != NULL && etcd_lease_keep_decode(answer, &left, NULL) && left == 0)
    report->lease = 0;
  /* Problems that an administrator acknowledges change the record without a call of
   * report_note(). */
  report_note(report);
}

static gboolean on_pulse(gpointer data) {
  Report *report = data;
  if (report->call != NULL)
    return G_SOURCE_CONTINUE;
  if (report->lease == 0) {
    report_note(report);
    return G_SOURCE_CONTINUE;
  }
  g_autoptr(GBytes) request = etcd_lease_keep_encode(report->lease);
  call(report, "Lease/LeaseKeepAlive", request, on_kept);
  return G_SOURCE_CONTINUE;
}

/* ---- its life ---- */

/* A withdrawal that is under way goes on. */
static void stop(Report *report) {
  g_clear_pointer(&report->call, cluster_call_cancel);
  g_clear_handle_id(&report->timer, g_source_remove);
  g_clear_handle_id(&report->pulse, g_source_remove);
  g_clear_pointer(&report->record, g_bytes_unref);
  g_clear_pointer(&report->told, g_bytes_unref);
  g_clear_pointer(&report->host, g_free);
  report->lease = 0;
  report->asking = FALSE;
  report->cluster = NULL;
}

void report_stop(Report *report) {
  g_clear_pointer(&report->withdrawal, cluster_call_cancel);
  stop(report);
}

static void on_withdrawn(G_GNUC_UNUSED GBytes *answer, G_GNUC_UNUSED const TransportEnd *end,
                         gpointer data) {
  Report *report = data;
  report->withdrawal = NULL;
}

void report_withdraw(Report *report) {
  if (report->cluster != NULL) {
    g_autoptr(Batch) batch = batch_new();
    batch_delete(batch, new_key(report, "h"));
    batch_delete(batch, new_key(report, "a"));
    g_autoptr(GBytes) request = batch_encode(batch);
    const ClusterQuestion question = {.endpoint = report->events.get_endpoint(report->events.data),
                                      .method = "KV/Txn",
                                      .request = request,
                                      .timeout_ms = CALL_TIMEOUT_MS};
    cluster_call_cancel(report->withdrawal);
    report->withdrawal = cluster_call(report->cluster, &question, on_withdrawn, report);
  }
  stop(report);
}

/* Settings that change nothing here must not make it tell again. */
static gboolean goes_on(const Report *report, const Cluster *cluster, const AgentConfig *config) {
  return report->cluster == cluster && g_str_equal(report->host, config->host) &&
         report->interval_ms == config->report_interval_s * 1000U &&
         report->life_s == config->stale_after_s * LIFE_FACTOR;
}

void report_start(Report *report, Cluster *cluster, const AgentConfig *config) {
  if (report->cluster != NULL && goes_on(report, cluster, config)) {
    report_note(report);
    return;
  }
  if (report->cluster == cluster && g_strcmp0(report->host, config->host) != 0)
    report_withdraw(report);
  stop(report);
  if (config->report_interval_s == 0)
    return;
  report->cluster = cluster;
  report->host = g_strdup(config->host);
  report->interval_ms = config->report_interval_s * 1000U;
  report->life_s = config->stale_after_s * LIFE_FACTOR;
  report->phase_ms = g_random_int_range(0, (gint32)report->interval_ms);
  report->pulse = g_timeout_add_seconds(MAX(report->life_s / SIGNS_OF_LIFE, 1U), on_pulse, report);
  report_note(report);
}

void report_free(Report *report) {
  if (report == NULL)
    return;
  report_stop(report);
  g_free(report);
}
