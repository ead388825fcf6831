/* SPDX-License-Identifier: MIT */
/* See hosts.h. One question is before the agent at a time; all who ask meanwhile share its
 * answer. */
#include "regd/fleet/desk/hosts.h"

#include <string.h>

#include "client/base/error.h"
#include "regd/fleet/desk/desk-private.h"

/* An agent that has not answered by then does not. */
#define ANSWER_MS 30000U
/* Between two looks at the hosts: hosts report once in a Report Interval, and a look reads what all
 * of them have told. */
#define LOOKS_IN_INTERVAL 4U
#define LEAST_PAUSE_MS 500U

typedef struct {
  FleetHostsDone done;
  gpointer data;
} Asker;

struct FleetHosts {
  FleetDesk *desk;
  GQueue askers;  /* of Asker */
  guint32 ticket; /* of the question; 0: none is under way */
  guint timer;
  GQueue waits; /* of Wait */
};

void fleet_host_entry_free(gpointer data) {
  FleetHostEntry *entry = data;
  g_free(entry->name);
  g_clear_pointer(&entry->host, fleet_host_free);
  g_free(entry);
}

/* ---- the list ---- */

static void answer(FleetHosts *hosts, const GPtrArray *entries, const GError *error) {
  GQueue askers = hosts->askers;
  g_queue_init(&hosts->askers);
  hosts->ticket = 0;
  g_clear_handle_id(&hosts->timer, g_source_remove);
  for (Asker *asker; (asker = g_queue_pop_head(&askers)) != NULL; g_free(asker))
    asker->done(entries, error, asker->data);
}

static void refuse(FleetHosts *hosts, const char *why) {
  const FleetState *joined = hosts->desk->joined;
  g_autoptr(GError) error = NULL;
  error_set(&error, REGISTRY_ERROR_FLEET_UNAVAILABLE, "the hosts of the fleet '%s': %s",
            joined != NULL ? joined->fleet : "", why);
  answer(hosts, NULL, error);
}

static gboolean on_silence(gpointer data) {
  FleetHosts *hosts = data;
  hosts->timer = 0;
  refuse(hosts, "regd-fleet does not answer");
  return G_SOURCE_REMOVE;
}

void fleet_desk_list_hosts(FleetDesk *desk, FleetHostsDone done, gpointer data) {
  FleetHosts *hosts = desk->hosts;
  const char *reason = NULL;
  const char *state = fleet_desk_get_state(desk, &reason);
  Asker *asker = g_new0(Asker, 1);
  *asker = (Asker){done, data};
  g_queue_push_tail(&hosts->askers, asker);
  if (hosts->ticket != 0)
    return;
  if (g_str_equal(state, "off") || desk->joined == NULL || desk->stopping) {
    refuse(hosts, reason);
    return;
  }
  hosts->ticket = ++desk->ticket;
  hosts->timer = g_timeout_add(ANSWER_MS, on_silence, hosts);
  desk->line.list_hosts(hosts->ticket, desk->data);
}

void fleet_desk_note_hosts(FleetDesk *desk, guint32 ticket, const GPtrArray *entries,
                           const char *message) {
  FleetHosts *hosts = desk->hosts;
  if (ticket == 0 || ticket != hosts->ticket)
    return;
  if (entries != NULL)
    answer(hosts, entries, NULL);
  else
    refuse(hosts, message);
}

/* ---- a report ---- */

GBytes *fleet_desk_encode_report(const FleetDesk *desk, guint32 problems) {
  const FleetState *joined = desk->joined;
  const char *reason = NULL;
  g_autofree char *state = g_strdup(fleet_desk_get_state(desk, &reason));
  g_autofree char *version = g_strdup(REGD_VERSION);
  FleetHost host = {.state = state, .version = version, .since = desk->since, .problems = problems};
  if (joined != NULL) {
    host.applied = joined->applied;
    host.number = joined->number;
    host.has_digest = TRUE;
    memcpy(host.digest, joined->digest, sizeof host.digest);
  }
  host.has_head = joined != NULL && joined->head != NULL;
  if (host.has_head)
    memcpy(host.head, g_bytes_get_data(joined->head, NULL), sizeof host.head);
  return fleet_host_encode(&host);
}

/* ---- waiting ---- */

typedef struct {
  FleetHosts *hosts;
  FleetWait wait;
  FleetWaitDone done;
  gpointer data;
  char *caller;
  guint64 commit;
  guint timer, deadline;
  gboolean is_asking; /* for the list */
  gboolean is_over;   /* the caller has been answered */
  GPtrArray *missing; /* of borrowed FleetHostEntry, while an answer is looked at */
} Wait;

static void wait_free(Wait *wait) {
  g_clear_pointer(&wait->missing, g_ptr_array_unref);
  g_free(wait->caller);
  g_free(wait);
}

static void end(Wait *wait, const FleetWaited *waited, const GError *error) {
  g_clear_handle_id(&wait->timer, g_source_remove);
  g_clear_handle_id(&wait->deadline, g_source_remove);
  g_queue_remove(&wait->hosts->waits, wait);
  wait->is_over = TRUE;
  wait->done(waited, error, wait->data);
  if (!wait->is_asking)
    wait_free(wait);
}

static void look(Wait *wait);

static gboolean on_look_again(gpointer data) {
  Wait *wait = data;
  wait->timer = 0;
  look(wait);
  return G_SOURCE_REMOVE;
}

static void look_later(Wait *wait) {
  guint interval_ms = wait->hosts->desk->settings->report_interval * 1000U;
  wait->timer =
      g_timeout_add(MAX(interval_ms / LOOKS_IN_INTERVAL, LEAST_PAUSE_MS), on_look_again, wait);
}

static gboolean is_enough(const Wait *wait, const FleetWaited *waited) {
  if (wait->wait.hosts > 0)
    return waited->have >= wait->wait.hosts;
  return waited->hosts > 0 &&
         (guint64)waited->have * 100U >= (guint64)waited->hosts * wait->wait.share;
}

/* What this host holds is known here before it has told. */
static gboolean has_commit(const Wait *wait, const FleetHostEntry *entry) {
  const FleetDesk *desk = wait->hosts->desk;
  if (desk->joined != NULL && desk->joined->number >= wait->commit &&
      g_str_equal(entry->name, desk->settings->host_name))
    return TRUE;
  return entry->host != NULL && entry->host->number >= wait->commit;
}

static void count(Wait *wait, const GPtrArray *entries, FleetWaited *waited) {
  g_ptr_array_set_size(wait->missing, 0);
  *waited = (FleetWaited){.commit = wait->commit, .hosts = entries->len, .missing = wait->missing};
  for (guint i = 0; i < entries->len; i++) {
    FleetHostEntry *entry = entries->pdata[i];
    if (has_commit(wait, entry))
      waited->have++;
    else
      g_ptr_array_add(wait->missing, entry);
  }
  waited->reached = is_enough(wait, waited);
}

static void on_listed(const GPtrArray *entries, const GError *error, gpointer data) {
  Wait *wait = data;
  wait->is_asking = FALSE;
  if (wait->is_over) {
    wait_free(wait);
    return;
  }
  FleetWaited waited = {.commit = wait->commit};
  if (entries != NULL)
    count(wait, entries, &waited);
  gboolean is_late = wait->deadline == 0;
  if (waited.reached || (is_late && error == NULL))
    end(wait, &waited, NULL);
  else if (is_late)
    end(wait, NULL, error);
  else
    look_later(wait);
}

/* The cluster knows of no such commit: no host can have it, and everybody may wait for any. */
static gboolean is_ahead(const Wait *wait) {
  const FleetDesk *desk = wait->hosts->desk;
  guint64 own = desk->joined != NULL ? desk->joined->number : 0;
  return wait->commit > MAX(own, desk->status.cluster_number);
}

static void look(Wait *wait) {
  if (wait->deadline != 0 && is_ahead(wait)) {
    look_later(wait);
    return;
  }
  wait->is_asking = TRUE;
  fleet_desk_list_hosts(wait->hosts->desk, on_listed, wait);
}

/* The hosts are looked at once more, so that the answer is of now. */
static gboolean on_deadline(gpointer data) {
  Wait *wait = data;
  wait->deadline = 0;
  g_clear_handle_id(&wait->timer, g_source_remove);
  if (!wait->is_asking)
    look(wait);
  return G_SOURCE_REMOVE;
}

void fleet_desk_wait(FleetDesk *desk, const FleetWait *given, FleetWaitDone done, gpointer data) {
  guint64 commit = given->commit;
  g_autoptr(GError) error = NULL;
  if (commit == 0 && desk->joined != NULL)
    commit = desk->joined->number;
  if (commit == 0) {
    error_set(&error, REGISTRY_ERROR_FLEET_UNAVAILABLE, "this host has no commit of a fleet");
    done(NULL, error, data);
    return;
  }
  Wait *wait = g_new0(Wait, 1);
  *wait = (Wait){.hosts = desk->hosts, .wait = *given, .done = done, .data = data};
  wait->caller = g_strdup(given->caller);
  wait->wait.caller = wait->caller;
  wait->commit = commit;
  wait->missing = g_ptr_array_new();
  wait->deadline = g_timeout_add_seconds(given->timeout, on_deadline, wait);
  g_queue_push_tail(&desk->hosts->waits, wait);
  look(wait);
}

/* Their time may be a day, and each counts as a call of their user. */
void fleet_desk_forget_waits(FleetDesk *desk, const char *caller) {
  g_autoptr(GError) error = NULL;
  GList *next = NULL;
  error_set(&error, REGISTRY_ERROR_FAILED, "the caller has left");
  for (GList *link = desk->hosts->waits.head; link != NULL; link = next) {
    next = link->next;
    if (g_strcmp0(((const Wait *)link->data)->caller, caller) == 0)
      end(link->data, NULL, error);
  }
}

/* ---- life ---- */

FleetHosts *fleet_hosts_new(FleetDesk *desk) {
  FleetHosts *hosts = g_new0(FleetHosts, 1);
  hosts->desk = desk;
  g_queue_init(&hosts->askers);
  g_queue_init(&hosts->waits);
  return hosts;
}

void fleet_hosts_note_state(FleetHosts *hosts) {
  if (hosts->ticket != 0 && !hosts->desk->attached)
    refuse(hosts, "regd-fleet has gone");
}

void fleet_hosts_stop(FleetHosts *hosts) {
  g_autoptr(GError) error = NULL;
  error_set(&error, REGISTRY_ERROR_UNREACHABLE, "regd is being stopped");
  for (Wait *wait; (wait = g_queue_peek_head(&hosts->waits)) != NULL;)
    end(wait, NULL, error);
  answer(hosts, NULL, error);
}

void fleet_hosts_free(FleetHosts *hosts) {
  g_free(hosts);
}
