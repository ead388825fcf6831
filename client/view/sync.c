/* SPDX-License-Identifier: MIT */
/* Syncing: at most one round trip under way, and one batch that waits for it.
 *
 * The promise: after a sync the view holds every write that was answered before the sync
 * was asked for. The price: one round trip, however many ask. Why it holds: the daemon
 * hands the signals of a write to the bus before it answers the writer, and messages on
 * one connection keep their order. So the reply to a call that is sent after the write was
 * answered arrives after the signals of that write.
 *
 *   waiting --(sent)--> in_flight --(its reply)--> settling --> told
 *
 * A batch settles until each view has read what was signalled up to its reply; it does
 * not wait for later signals, so that a busy writer blocks no sync. The exception is a
 * commit that some views show and others do not yet. The call goes to the unique name of
 * the daemon that the views watch, since a daemon that replaced it knows nothing of their
 * watches.
 */
#include "client/view/sync.h"

#include "client/view/view-state.h"

/* How often a sync of all views is put off because they stand at different revisions;
 * after that they are shown as they are. */
#define MIXED_RETRIES 16
/* For a bus that keeps the call to itself, in ms: a daemon that hangs is noticed before,
 * see registry_connection_is_answering(). */
#define SYNC_TIMEOUT_MS 15000

typedef struct {
  RegistryView *view; /* NULL: of all views */
  RegistryViewSynced view_synced;
  RegistryConnectionSynced connection_synced;
  gpointer data;
} Request;

typedef struct {
  RegistryView *view;
  guint64 revision; /* to be reached */
} Target;

typedef struct {
  GQueue requests; /* of Request */
  GArray *targets; /* of Target; set by the reply */
  guint retries;   /* with views that stand at different revisions */
} Batch;

struct SyncQueue {
  RegistryConnection *connection;
  GPtrArray *views;
  Batch *waiting;   /* NULL: nobody */
  Batch *in_flight; /* NULL: none is under way */
  ConnectionCall *call;
  GQueue settling; /* of Batch, oldest first */
  GQueue refused;  /* of Request: to be told FALSE */
  GSource *later;  /* answers syncs that must not be answered from inside a call */
};

/* ---- batches ---- */

static Batch *batch_new(void) {
  Batch *batch = g_new0(Batch, 1);
  g_queue_init(&batch->requests);
  batch->targets = g_array_new(FALSE, FALSE, sizeof(Target));
  batch->retries = MIXED_RETRIES;
  return batch;
}

static void batch_free(Batch *batch) {
  if (batch == NULL)
    return;
  g_queue_clear_full(&batch->requests, g_free);
  g_array_unref(batch->targets);
  g_free(batch);
}

static void forget_requests(GQueue *requests, const RegistryView *view) {
  for (GList *link = requests->head; link != NULL;) {
    GList *next = link->next;
    Request *request = link->data;
    if (request->view == view) {
      g_queue_delete_link(requests, link);
      g_free(request);
    }
    link = next;
  }
}

static void batch_forget(Batch *batch, const RegistryView *view) {
  if (batch == NULL)
    return;
  forget_requests(&batch->requests, view);
  for (guint i = 0; i < batch->targets->len; i++)
    if (g_array_index(batch->targets, Target, i).view == view)
      g_array_remove_index(batch->targets, i--);
}

static void batch_set_targets(Batch *batch, const GPtrArray *views) {
  for (guint i = 0; i < views->len; i++) {
    Target target = {views->pdata[i], view_get_signalled(views->pdata[i])};
    g_array_append_val(batch->targets, target);
  }
}

/* For @view only, or for all views if it is NULL. */
static gboolean batch_has_reached(const Batch *batch, const RegistryView *view) {
  for (guint i = 0; i < batch->targets->len; i++) {
    const Target *target = &g_array_index(batch->targets, Target, i);
    if ((view == NULL || target->view == view) && !view_has_reached(target->view, target->revision))
      return FALSE;
  }
  return TRUE;
}

/* Whether one view shows a commit, and another does not show its part of it. */
static gboolean views_are_mixed(const GPtrArray *views) {
  guint64 shown = 0;
  for (guint i = 0; i < views->len; i++)
    shown = MAX(shown, view_get_shown(views->pdata[i]));
  for (guint i = 0; i < views->len; i++)
    if (view_lacks(views->pdata[i], shown))
      return TRUE;
  return FALSE;
}

/* Whether syncs of all views are complete. */
static gboolean batch_is_complete(Batch *batch, const GPtrArray *views) {
  if (!batch_has_reached(batch, NULL))
    return FALSE;
  if (batch->retries == 0 || !views_are_mixed(views))
    return TRUE;
  batch->retries--;
  return FALSE;
}

/* ---- telling ---- */

/* Frees @request before it calls, since the user may free everything there. */
static void tell(SyncQueue *queue, Request *request, gboolean current) {
  Request told = *request;
  g_free(request);
  if (told.view != NULL)
    told.view_synced(told.view, current, told.data);
  else
    told.connection_synced(queue->connection, current, told.data);
}

static gboolean all_are_current(const SyncQueue *queue) {
  for (guint i = 0; i < queue->views->len; i++)
    if (!view_is_current(queue->views->pdata[i]))
      return FALSE;
  return TRUE;
}

static gboolean is_current(const SyncQueue *queue, const RegistryView *view) {
  return view != NULL ? view_is_current(view) : all_are_current(queue);
}

static Request *take_reached(Batch *batch, const GPtrArray *views) {
  gboolean complete = batch_is_complete(batch, views);
  for (GList *link = batch->requests.head; link != NULL; link = link->next) {
    Request *request = link->data;
    gboolean reached = request->view != NULL ? batch_has_reached(batch, request->view) : complete;
    if (reached) {
      g_queue_delete_link(&batch->requests, link);
      return request;
    }
  }
  return NULL;
}

static Request *take_next_reached(SyncQueue *queue) {
  for (GList *link = queue->settling.head; link != NULL;) {
    GList *next = link->next;
    Batch *batch = link->data;
    Request *request = take_reached(batch, queue->views);
    if (batch->requests.length == 0) {
      g_queue_delete_link(&queue->settling, link);
      batch_free(batch);
    }
    if (request != NULL)
      return request;
    link = next;
  }
  return NULL;
}

void sync_queue_settle(SyncQueue *queue) {
  RegistryConnection *connection = registry_connection_ref(queue->connection);
  Request *request = NULL;
  while ((request = take_next_reached(queue)) != NULL)
    tell(queue, request, is_current(queue, request->view));
  registry_connection_unref(connection);
}

/* ---- refusing ---- */

static void tell_refused(SyncQueue *queue) {
  RegistryConnection *connection = registry_connection_ref(queue->connection);
  /* Syncs that are asked for from inside are answered in the next round. */
  for (guint left = queue->refused.length; left > 0 && queue->refused.length > 0; left--)
    tell(queue, g_queue_pop_head(&queue->refused), FALSE);
  registry_connection_unref(connection);
}

static gboolean on_later(gpointer data) {
  SyncQueue *queue = data;
  RegistryConnection *connection = registry_connection_ref(queue->connection);
  g_clear_pointer(&queue->later, g_source_unref);
  tell_refused(queue);
  sync_queue_settle(queue);
  registry_connection_unref(connection);
  return G_SOURCE_REMOVE;
}

static void tell_later(SyncQueue *queue) {
  if (queue->later != NULL)
    return;
  queue->later = g_idle_source_new();
  g_source_set_priority(queue->later, G_PRIORITY_DEFAULT);
  g_source_set_callback(queue->later, on_later, queue, NULL);
  g_source_attach(queue->later, connection_get_context(queue->connection));
}

static void refuse_batch(SyncQueue *queue, Batch *batch) {
  if (batch == NULL)
    return;
  Request *request = NULL;
  while ((request = g_queue_pop_head(&batch->requests)) != NULL)
    g_queue_push_tail(&queue->refused, request);
  batch_free(batch);
}

static void refuse_all(SyncQueue *queue) {
  g_clear_pointer(&queue->call, connection_call_cancel);
  Batch *batch = NULL;
  while ((batch = g_queue_pop_head(&queue->settling)) != NULL)
    refuse_batch(queue, batch);
  refuse_batch(queue, g_steal_pointer(&queue->in_flight));
  refuse_batch(queue, g_steal_pointer(&queue->waiting));
  tell_later(queue);
}

/* ---- the round trip ---- */

static void send_waiting(SyncQueue *queue);

static void ask_again(RegistryView *view) {
  view->watch->ask_again(view);
}

static void on_reply(DBusMessage *reply, G_GNUC_UNUSED const GError *error, gpointer data) {
  SyncQueue *queue = data;
  queue->call = NULL;
  Batch *batch = g_steal_pointer(&queue->in_flight);
  if (reply != NULL) {
    batch_set_targets(batch, queue->views);
    g_queue_push_tail(&queue->settling, batch);
  } else {
    refuse_batch(queue, batch);
    tell_later(queue);
  }
  send_waiting(queue);
  sync_queue_settle(queue);
}

static void send_waiting(SyncQueue *queue) {
  if (queue->in_flight != NULL || queue->waiting == NULL ||
      connection_get_presence(queue->connection) != PRESENCE_PRESENT)
    return;
  queue->in_flight = g_steal_pointer(&queue->waiting);
  for (guint i = 0; i < queue->views->len; i++)
    ask_again(queue->views->pdata[i]);
  g_autoptr(WireMessage) call = connection_new_revision_call(queue->connection);
  queue->call = connection_call_async(queue->connection, call, SYNC_TIMEOUT_MS, on_reply, queue);
}

/* ---- from outside ---- */

static void sync_queue_free(gpointer data) {
  SyncQueue *queue = data;
  connection_call_cancel(queue->call);
  batch_free(queue->waiting);
  batch_free(queue->in_flight);
  g_queue_clear_full(&queue->settling, (GDestroyNotify)batch_free);
  g_queue_clear_full(&queue->refused, g_free);
  if (queue->later != NULL)
    g_source_destroy(queue->later);
  g_clear_pointer(&queue->later, g_source_unref);
  g_ptr_array_unref(queue->views);
  g_free(queue);
}

static void on_presence(gpointer data, Presence presence) {
  SyncQueue *queue = data;
  if (presence == PRESENCE_ABSENT)
    refuse_all(queue);
  else
    send_waiting(queue);
}

/* Waiting syncs are refused at once: the last settings hold until the daemon answers
 * again. */
static void on_answering(gpointer data, gboolean answering) {
  if (!answering)
    refuse_all(data);
}

static const ConnectionListener sync_listener = {
    .presence_changed = on_presence,
    .answering_changed = on_answering,
};

SyncQueue *sync_queue_of(RegistryConnection *connection) {
  SyncQueue *queue = connection_get_companion(connection);
  if (queue != NULL)
    return queue;
  queue = g_new0(SyncQueue, 1);
  queue->connection = connection;
  queue->views = g_ptr_array_new();
  g_queue_init(&queue->settling);
  g_queue_init(&queue->refused);
  connection_set_companion(connection, &sync_listener, queue, sync_queue_free);
  return queue;
}

void sync_queue_add_view(SyncQueue *queue, RegistryView *view) {
  g_ptr_array_add(queue->views, view);
}

void sync_queue_remove_view(SyncQueue *queue, RegistryView *view) {
  g_ptr_array_remove_fast(queue->views, view);
  batch_forget(queue->waiting, view);
  batch_forget(queue->in_flight, view);
  for (GList *link = queue->settling.head; link != NULL; link = link->next)
    batch_forget(link->data, view);
  forget_requests(&queue->refused, view);
  /* Syncs of all views may have waited only for this one. */
  tell_later(queue);
}

void sync_queue_ask(SyncQueue *queue, RegistryView *view, RegistryViewSynced view_synced,
                    RegistryConnectionSynced connection_synced, gpointer data) {
  Request *request = g_new0(Request, 1);
  request->view = view;
  request->view_synced = view_synced;
  request->connection_synced = connection_synced;
  request->data = data;
  if (connection_get_presence(queue->connection) == PRESENCE_ABSENT ||
      !registry_connection_is_answering(queue->connection)) {
    g_queue_push_tail(&queue->refused, request);
    tell_later(queue);
    return;
  }
  if (queue->waiting == NULL)
    queue->waiting = batch_new();
  g_queue_push_tail(&queue->waiting->requests, request);
  send_waiting(queue);
}

void registry_connection_sync(RegistryConnection *connection, RegistryConnectionSynced synced,
                              gpointer data) {
  sync_queue_ask(sync_queue_of(connection), NULL, NULL, synced, data);
}
