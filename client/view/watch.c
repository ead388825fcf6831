/* SPDX-License-Identifier: MIT */
/* The watch of a view: asking for it, asking again, and what it signals.
 *
 * No change is missed: signals that come before the reply to Watch are kept, a gap in
 * their sequence makes everything be read, and after the daemon was away the watch begins
 * at the last revision. catch-up.c reads what has changed.
 */
#include "client/view/watch.h"

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/view/catch-up.h"
#include "client/view/tree-page.h"

/* How long until a refused call is repeated without a sync, in ms. */
#define RETRY_MS 2000
/* Signals kept until the reply to Watch; if more come, everything is read. At their
 * largest they stay below the 63 MiB of live messages at which libdbus stops reading. */
#define MAX_EARLY_SIGNALS 32

#define CHANGED_SIGNATURE "utta(sss)"

static void send_watch(RegistryView *view, gboolean catch_up);
static void ask_again(RegistryView *view);

/* ---- losing and trying again ---- */

static void stop_retrying(RegistryView *view) {
  if (view->retry == NULL)
    return;
  g_source_destroy(view->retry);
  g_clear_pointer(&view->retry, g_source_unref);
}

static gboolean on_retry(gpointer data) {
  RegistryView *view = data;
  stop_retrying(view);
  ask_again(view);
  return G_SOURCE_REMOVE;
}

static void retry_later(RegistryView *view) {
  if (view->retry != NULL || view->freed)
    return;
  view->retry = g_timeout_source_new(RETRY_MS);
  g_source_set_callback(view->retry, on_retry, view, NULL);
  g_source_attach(view->retry, connection_get_context(view->connection));
}

static void send_unwatch(RegistryConnection *connection, guint32 id) {
  g_autoptr(WireMessage) call =
      connection_new_bound_call(connection, REGISTRY_INTERFACE, "Unwatch");
  dbus_uint32_t number = id;
  if (call != NULL && dbus_message_append_args(call, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID))
    connection_send(connection, call);
}

/* The reply to a Watch that is no longer wanted. */
static void on_orphan(DBusMessage *reply, G_GNUC_UNUSED const GError *error, gpointer data) {
  dbus_uint32_t id = 0;
  if (reply != NULL && dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_INVALID))
    send_unwatch(data, id);
}

static void end_watch(RegistryView *view) {
  if (view->watching != NULL)
    connection_call_replace(g_steal_pointer(&view->watching), on_orphan, view->connection);
  if (view->watched)
    send_unwatch(view->connection, view->watch_id);
  view->watched = FALSE;
  view->watch_again = FALSE;
  view->early_lost = FALSE;
  g_ptr_array_set_size(view->early, 0);
}

void view_watch_lose(RegistryView *view, GError *problem) {
  stop_retrying(view);
  end_watch(view);
  catch_up_cancel(view);
  view_set_problem(view, problem);
}

/* ---- signals ---- */

/* Notes one change of a signal. A change that names no single key counts for everything. */
static void note_change(RegistryView *view, ChangeKind kind, const char *key, const char *name,
                        guint64 revision) {
  if (kind == CHANGE_LOCK_CHANGED)
    return; /* what is read has not changed */
  if (kind == CHANGE_LINK_CHANGED && *name == '\0') {
    g_free(view->path);
    view->path = g_strdup(key);
  }
  gboolean of_key = kind == CHANGE_KEY_CREATED || kind == CHANGE_KEY_DELETED;
  gboolean of_value = kind == CHANGE_VALUE_SET || kind == CHANGE_VALUE_DELETED;
  const char *relative = treepage_relative(key, view->path);
  gboolean precise = (of_key || of_value) && relative != NULL &&
                     g_ascii_strcasecmp(name, LINK_VALUE_NAME) != 0 &&
                     !(of_key && *relative == '\0');
  guint flags = of_key ? CHANGED_BELOW : 0;
  if (kind == CHANGE_KEY_CREATED)
    flags |= CHANGED_CREATED;
  if (precise)
    changed_keys_add_key(&view->changed_keys, key, flags, revision);
  else
    changed_keys_add_everything(&view->changed_keys, revision);
  view_touch(view, precise ? relative : NULL);
}

static void note_changes(RegistryView *view, DBusMessageIter *changes, guint64 revision) {
  for (; dbus_message_iter_get_arg_type(changes) == DBUS_TYPE_STRUCT;
       dbus_message_iter_next(changes)) {
    DBusMessageIter part;
    const char *word = NULL;
    const char *key = NULL;
    const char *name = NULL;
    ChangeKind kind = CHANGE_TREE_CHANGED;
    dbus_message_iter_recurse(changes, &part);
    dbus_message_iter_get_basic(&part, &word);
    dbus_message_iter_next(&part);
    dbus_message_iter_get_basic(&part, &key);
    dbus_message_iter_next(&part);
    dbus_message_iter_get_basic(&part, &name);
    if (!change_kind_parse(word, &kind))
      kind = CHANGE_TREE_CHANGED; /* a kind of a later version */
    note_change(view, kind, key, name, revision);
  }
}

/* FALSE: it is of another watch. */
static gboolean note_signal(RegistryView *view, DBusMessage *message) {
  DBusMessageIter iter;
  DBusMessageIter changes;
  dbus_uint32_t id = 0;
  dbus_uint64_t sequence = 0;
  dbus_uint64_t revision = 0;
  if (!dbus_message_has_signature(message, CHANGED_SIGNATURE))
    return FALSE;
  dbus_message_iter_init(message, &iter);
  dbus_message_iter_get_basic(&iter, &id);
  if (id != view->watch_id)
    return FALSE;
  dbus_message_iter_next(&iter);
  dbus_message_iter_get_basic(&iter, &sequence);
  dbus_message_iter_next(&iter);
  dbus_message_iter_get_basic(&iter, &revision);
  dbus_message_iter_next(&iter);
  dbus_message_iter_recurse(&iter, &changes);
  if (sequence != view->sequence) {
    changed_keys_add_everything(&view->changed_keys, revision);
    view_touch(view, NULL);
  }
  view->sequence = sequence + 1;
  note_changes(view, &changes, revision);
  view->changed_keys.signalled = MAX(view->changed_keys.signalled, revision);
  /* A read may have been quicker than the signal, and also than what else the
   * signal is about. */
  changed_keys_cover_everything(&view->changed_keys, view->covered);
  if (!changed_keys_is_empty(&view->changed_keys))
    view->reached = MIN(view->reached, changed_keys_find_first(&view->changed_keys) - 1);
  return TRUE;
}

static void keep_early(RegistryView *view, DBusMessage *message) {
  if (view->early->len < MAX_EARLY_SIGNALS)
    g_ptr_array_add(view->early, dbus_message_ref(message));
  else
    view->early_lost = TRUE;
}

static void on_signal(gpointer data, DBusMessage *message) {
  RegistryView *view = data;
  if (view->watching != NULL) {
    keep_early(view, message);
  } else if (view->watched && note_signal(view, message)) {
    view_turn(view_ref(view));
  }
}

static void take_early(RegistryView *view) {
  for (guint i = 0; i < view->early->len; i++)
    (void)note_signal(view, view->early->pdata[i]);
  g_ptr_array_set_size(view->early, 0);
  if (view->early_lost) {
    view->forced = TRUE;
    view_touch(view, NULL);
  }
  view->early_lost = FALSE;
}

/* ---- the watch ---- */

static void begin_anew(RegistryView *view, guint64 revision) {
  changed_keys_reset(&view->changed_keys, revision);
  view->covered = 0;
  view->reached = 0;
  view->barrier_revision = revision;
  view->forced = TRUE;
  view_touch(view, NULL);
}

/* Signals of what happened since come right behind the reply; after one more round trip
 * all of them have come. A small sub-tree is read instead: that costs one call too, and
 * depends on nothing from before. */
static void begin_from_last(RegistryView *view, guint64 revision, const char *path) {
  gboolean moved = view->path == NULL || path_compare_names(view->path, path) != 0;
  changed_keys_reset(&view->changed_keys, view->revision);
  view->forced = view->is_small || moved;
  if (moved)
    view_touch(view, NULL);
  if (view->forced || revision == view->revision)
    return;
  view->reached = 0;
  catch_up_send_barrier(view);
}

static void begin(RegistryView *view, DBusMessage *reply) {
  dbus_uint32_t id = 0;
  dbus_uint64_t revision = 0;
  const char *path = NULL;
  if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_UINT64, &revision,
                             DBUS_TYPE_STRING, &path, DBUS_TYPE_INVALID)) {
    view_watch_lose(view, g_error_new_literal(REGISTRY_ERROR, REGISTRY_ERROR_FAILED,
                                              "the reply to Watch is not uts"));
    retry_later(view);
    return;
  }
  view->watch_id = id;
  view->watched = TRUE;
  view->sequence = 1;
  if (view->caught_up_from)
    begin_from_last(view, revision, path);
  else
    begin_anew(view, revision);
  g_free(view->path);
  view->path = g_strdup(path);
  take_early(view);
}

static void refuse(RegistryView *view, const GError *error) {
  if (g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE)) {
    view_watch_lose(view, g_error_copy(error));
  } else {
    gboolean denied = g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
    g_ptr_array_set_size(view->early, 0);
    view_show(view, denied ? REGISTRY_VIEW_DENIED : REGISTRY_VIEW_FAILED, g_error_copy(error),
              FALSE);
  }
  retry_later(view);
}

/* Whether a Watch can't tell what happened since: history does not reach back, or this
 * database has never reached that revision. */
static gboolean is_too_far_back(const GError *error) {
  return g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_HISTORY_GONE) ||
         g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE) ||
         g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_NOT_SUPPORTED);
}

static void on_watch(DBusMessage *reply, const GError *error, gpointer data) {
  RegistryView *view = view_ref(data);
  g_autoptr(GError) unsendable = NULL;
  gboolean again =
      view->watch_again && !g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE);
  view->watching = NULL;
  view->watch_again = FALSE;
  if (reply != NULL)
    begin(view, reply);
  else if (view->caught_up_from && is_too_far_back(error))
    send_watch(view, FALSE);
  else if (again)
    send_watch(view, view->caught_up_from);
  else if (connection_check_key(view->key, &unsendable))
    refuse(view, error);
  else /* for good */
    view_show(view, REGISTRY_VIEW_FAILED, g_steal_pointer(&unsendable), FALSE);
  view_turn(view);
}

static gboolean append_options(DBusMessageIter *iter, gboolean catch_up, guint64 since) {
  DBusMessageIter dict;
  return dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
         (!catch_up || wire_append_entry_uint64(&dict, "since", since)) &&
         dbus_message_iter_close_container(iter, &dict);
}

static void send_watch(RegistryView *view, gboolean catch_up) {
  g_autoptr(WireMessage) call =
      connection_new_bound_call(view->connection, REGISTRY_INTERFACE, "Watch");
  DBusMessageIter iter;
  if (call != NULL)
    dbus_message_iter_init_append(call, &iter);
  /* Made sendable, it would be another key. */
  if (call != NULL &&
      (!connection_check_key(view->key, NULL) || !wire_append_string(&iter, view->key) ||
       !append_options(&iter, catch_up, view->revision)))
    g_clear_pointer(&call, dbus_message_unref);
  view->caught_up_from = catch_up;
  g_ptr_array_set_size(view->early, 0);
  /* No time-out: a reply that came after it would leave a watch that nobody ends. A daemon
   * that hangs is noticed by its silence. */
  view->watching = connection_call_async(view->connection, call, CALL_TIMEOUT_NONE, on_watch, view);
}

void view_watch_start(RegistryView *view) {
  stop_retrying(view);
  send_watch(view, view->state == REGISTRY_VIEW_READY && view->revision > 0);
}

/* ---- the daemon's presence, and syncs ---- */

static void on_presence(gpointer data, Presence presence) {
  RegistryView *view = data;
  if (presence == PRESENCE_PRESENT)
    view_watch_start(view);
  else
    view_watch_lose(view, g_error_new_literal(REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE,
                                              "regd is not on the bus"));
}

/* The watch stands all the same: what happens meanwhile comes in its order when the
 * daemon goes on. */
static void on_answering(gpointer data, gboolean answering) {
  RegistryView *view = data;
  gboolean shown = view->state == REGISTRY_VIEW_READY || view->state == REGISTRY_VIEW_MISSING;
  if (!answering) {
    view_set_problem(view, g_error_new_literal(REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE,
                                               "regd is on the bus and does not answer"));
    return;
  }
  if (shown)
    view_set_problem(view, NULL);
  /* What was refused before, too: nobody has asked for it meanwhile. */
  ask_again(view);
}

const ConnectionListener view_watch_listener = {
    .presence_changed = on_presence,
    .signalled = on_signal,
    .answering_changed = on_answering,
};

static void ask_again(RegistryView *view) {
  if (connection_get_presence(view->connection) != PRESENCE_PRESENT ||
      !registry_connection_is_answering(view->connection))
    return;
  gboolean refused = view->state == REGISTRY_VIEW_DENIED || view->state == REGISTRY_VIEW_FAILED;
  if (view->watching != NULL) {
    view->watch_again = TRUE;
  } else if (!view->watched) {
    view_watch_start(view);
  } else if (refused) {
    view->forced = TRUE;
    catch_up_step(view);
  }
}

const ViewWatch view_watch_functions = {
    .ask_again = ask_again,
    .ask_again_later = retry_later,
    .lose = view_watch_lose,
};
