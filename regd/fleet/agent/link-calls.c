/* SPDX-License-Identifier: MIT */
/* The agent's calls of regd. See link.h. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/fleet/agent/link-private.h"
#include "regd/fleet/report/roll.h"

#define CALL_TIMEOUT_MS 600000
#define EVENT_PUT 1U
#define EVENT_DELETE 2U

/* ---- calls ---- */

typedef struct {
  Link *link;
  guint64 session;
  LinkReply notify;
  gpointer data;
  GDestroyNotify free_data;
} Pending;

static void free_pending(gpointer data) {
  Pending *pending = data;
  if (pending->free_data != NULL)
    pending->free_data(pending->data);
  g_free(pending);
}

DBusMessage *link_new_call(const char *member) {
  DBusMessage *call =
      dbus_message_new_method_call(REGISTRY_BUS_NAME, ENGINE_PATH, ENGINE_INTERFACE, member);
  if (call == NULL)
    g_error("no memory");
  return call;
}

static void on_reply(DBusPendingCall *pending, void *data) {
  const Pending *self = data;
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  if (reply != NULL && self->session == self->link->session)
    self->notify(reply, self->data);
}

void link_call(Link *link, DBusMessage *call, LinkReply notify, gpointer data,
               GDestroyNotify free_data) {
  g_autoptr(WireMessage) owned = call;
  DBusPendingCall *pending = NULL;
  Pending *self = g_new0(Pending, 1);
  *self = (Pending){.link = link,
                    .session = link->session,
                    .notify = notify,
                    .data = data,
                    .free_data = free_data};
  if (link->connection == NULL ||
      !dbus_connection_send_with_reply(link->connection, owned, &pending, CALL_TIMEOUT_MS) ||
      pending == NULL) {
    free_pending(self);
    return;
  }
  if (!dbus_pending_call_set_notify(pending, on_reply, self, free_pending))
    g_error("no memory");
  dbus_pending_call_unref(pending);
}

static void send_only(Link *link, DBusMessage *call) {
  g_autoptr(WireMessage) owned = call;
  dbus_message_set_no_reply(owned, TRUE);
  if (link->connection != NULL)
    (void)dbus_connection_send(link->connection, owned, NULL);
}

/* ---- parts ---- */

static void append_array(DBusMessageIter *iter, const guint8 *data, gsize size) {
  DBusMessageIter bytes;
  dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "y", &bytes);
  dbus_message_iter_append_fixed_array(&bytes, DBUS_TYPE_BYTE, &data, (int)size);
  dbus_message_iter_close_container(iter, &bytes);
}

static void append_bytes(DBusMessageIter *iter, GBytes *bytes) {
  gsize size = 0;
  const guint8 *data = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;
  append_array(iter, data != NULL ? data : (const guint8 *)"", size);
}

static void append_entry_bytes(DBusMessageIter *dict, const char *name, GBytes *bytes) {
  DBusMessageIter entry, variant;
  dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
  dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
  dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "ay", &variant);
  append_bytes(&variant, bytes);
  dbus_message_iter_close_container(&entry, &variant);
  dbus_message_iter_close_container(dict, &entry);
}

static void append_place(DBusMessageIter *iter, gint64 revision, GBytes *head) {
  const char *layer = LAYER_NAME;
  guint64 number = (guint64)revision;
  dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &layer);
  dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT64, &number);
  append_bytes(iter, head);
}

/* ---- Apply ---- */

typedef struct {
  Link *link;
  LinkDone done;
  gpointer data;
} Waiting;

static void on_applied(DBusMessage *reply, gpointer data) {
  const Waiting *waiting = data;
  g_autoptr(GError) error = NULL;
  (void)wire_take_error(reply, &error);
  waiting->link->events.changed(waiting->link->events.data);
  waiting->done(error, waiting->data);
}

static void append_item(DBusMessageIter *array, const EtcdItem *item, gsize prefix_bytes) {
  DBusMessageIter part;
  gsize size;
  const guint8 *key = g_bytes_get_data(item->key, &size);
  guint32 kind = item->deleted ? EVENT_DELETE : EVENT_PUT;
  guint64 created = (guint64)item->created;
  dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &part);
  dbus_message_iter_append_basic(&part, DBUS_TYPE_UINT32, &kind);
  append_array(&part, key + prefix_bytes, size - prefix_bytes);
  append_bytes(&part, item->record);
  dbus_message_iter_append_basic(&part, DBUS_TYPE_UINT64, &created);
  dbus_message_iter_close_container(array, &part);
}

/* As regd measures what it proposes. */
static gsize measure(const LinkGroup *group) {
  gsize size = 0;
  for (guint i = 0; i < group->items->len; i++) {
    const EtcdItem *item = group->items->pdata[i];
    size += g_bytes_get_size(item->key) - group->prefix_bytes + g_bytes_get_size(item->record);
  }
  return size;
}

gboolean link_apply(Link *link, const LinkGroup *group, LinkDone done, gpointer data) {
  DBusMessageIter iter, array;
  if (measure(group) > FLEET_LIMIT_COMMIT_BYTES)
    return FALSE;
  DBusMessage *call = link_new_call("Apply");
  dbus_message_iter_init_append(call, &iter);
  append_place(&iter, group->revision, group->head);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(uayayt)", &array);
  for (guint i = 0; i < group->items->len; i++)
    append_item(&array, group->items->pdata[i], group->prefix_bytes);
  dbus_message_iter_close_container(&iter, &array);
  Waiting *waiting = g_new0(Waiting, 1);
  *waiting = (Waiting){.link = link, .done = done, .data = data};
  link_call(link, call, on_applied, waiting, g_free);
  return TRUE;
}

/* ---- Resync ---- */

typedef struct {
  LinkResynced done;
  gpointer data;
} WaitingResync;

static const struct {
  const char *name;
  const char *text;
} counts[] = {{"keys-created", "keys created"},
              {"keys-deleted", "keys deleted"},
              {"values-set", "values set"},
              {"values-deleted", "values deleted"},
              {"problems", "problems"}};

static char *describe(const WireOptions *report) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
    guint32 count = 0;
    (void)wire_options_get_uint32(report, counts[i].name, &count, NULL);
    g_string_append_printf(text, "%s%u %s", i > 0 ? ", " : "", count, counts[i].text);
  }
  return g_string_free(text, FALSE);
}

static void on_resynced(DBusMessage *reply, gpointer data) {
  const WaitingResync *waiting = data;
  g_autoptr(GError) error = NULL;
  DBusMessageIter iter;
  const char *refused = NULL;
  if (wire_take_error(reply, &error) || !dbus_message_iter_init(reply, &iter)) {
    waiting->done(error, NULL, "", waiting->data);
    return;
  }
  g_autoptr(WireOptions) report = wire_options_read(&iter, &error);
  if (report == NULL || !wire_options_get_string(report, "refused", &refused, &error)) {
    waiting->done(error, NULL, "", waiting->data);
    return;
  }
  g_autofree char *text = describe(report);
  waiting->done(NULL, refused, text, waiting->data);
}

void link_resync(Link *link, const LinkSnapshot *snapshot, LinkResynced done, gpointer data) {
  DBusMessage *call = link_new_call("Resync");
  DBusMessageIter iter;
  dbus_bool_t dry_run = snapshot->dry_run ? TRUE : FALSE, force = snapshot->force ? TRUE : FALSE;
  dbus_message_iter_init_append(call, &iter);
  append_place(&iter, snapshot->revision, snapshot->head);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_UNIX_FD, &snapshot->records);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_BOOLEAN, &dry_run);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_BOOLEAN, &force);
  WaitingResync *waiting = g_new0(WaitingResync, 1);
  *waiting = (WaitingResync){.done = done, .data = data};
  link_call(link, call, on_resynced, waiting, g_free);
}

/* ---- State and Outcome ---- */

static void note_state(Link *link, const char *state) {
  if (g_strcmp0(link->told_state, state) == 0)
    return;
  g_free(link->told_state);
  link->told_state = g_strdup(state);
  link->events.changed(link->events.data);
}

void link_tell_state(Link *link, const LinkState *state) {
  DBusMessage *call = link_new_call("State");
  DBusMessageIter iter, dict;
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
  wire_append_entry_string(&dict, "state", state->state);
  wire_append_entry_string(&dict, "reason", state->reason);
  wire_append_entry_string(&dict, "warning", state->warning != NULL ? state->warning : "");
  wire_append_entry_string(&dict, "member", state->member);
  wire_append_entry_uint64(&dict, "cluster-revision", (guint64)state->cluster_revision);
  wire_append_entry_uint64(&dict, "cluster-number", state->cluster_number);
  wire_append_entry_uint64(&dict, "last-contact", (guint64)state->last_contact);
  wire_append_entry_uint64(&dict, "retries", state->retries);
  wire_append_entry_uint64(&dict, "bytes", state->bytes);
  dbus_message_iter_close_container(&iter, &dict);
  send_only(link, call);
  note_state(link, state->state);
}

void link_tell_outcome(Link *link, const LinkOutcome *outcome) {
  DBusMessage *call = link_new_call("Outcome");
  DBusMessageIter iter, dict;
  guint64 revision = (guint64)outcome->revision;
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &outcome->ticket);
  wire_append_string(&iter, outcome->what);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT64, &revision);
  wire_append_string(&iter, outcome->message);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
  if (outcome->info != NULL)
    append_entry_bytes(&dict, "fleet", outcome->info);
  wire_append_entry_uint64(&dict, "revision", revision);
  dbus_message_iter_close_container(&iter, &dict);
  send_only(link, call);
}

/* ---- Report and Hosts ---- */

typedef struct {
  LinkReported done;
  gpointer data;
} WaitingReport;

static void on_reported(DBusMessage *reply, gpointer data) {
  const WaitingReport *waiting = data;
  DBusMessageIter iter, bytes;
  const guint8 *record = NULL;
  int size = 0;
  if (!dbus_message_has_signature(reply, "ay") || !dbus_message_iter_init(reply, &iter)) {
    waiting->done(NULL, waiting->data);
    return;
  }
  dbus_message_iter_recurse(&iter, &bytes);
  dbus_message_iter_get_fixed_array(&bytes, &record, &size);
  g_autoptr(GBytes) copy = g_bytes_new(record, (gsize)size);
  waiting->done(copy, waiting->data);
}

void link_ask_report(Link *link, LinkReported done, gpointer data) {
  WaitingReport *waiting = g_new0(WaitingReport, 1);
  *waiting = (WaitingReport){.done = done, .data = data};
  link_call(link, link_new_call("Report"), on_reported, waiting, g_free);
}

static void append_host(DBusMessageIter *array, const RollHost *host) {
  DBusMessageIter part;
  dbus_bool_t alive = host->alive ? TRUE : FALSE;
  dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &part);
  append_bytes(&part, host->name);
  append_bytes(&part, host->record);
  dbus_message_iter_append_basic(&part, DBUS_TYPE_BOOLEAN, &alive);
  dbus_message_iter_close_container(array, &part);
}

void link_tell_hosts(Link *link, guint32 ticket, const GPtrArray *hosts, const char *message) {
  DBusMessage *call = link_new_call("Hosts");
  DBusMessageIter iter, array;
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &ticket);
  wire_append_string(&iter, hosts != NULL ? "done" : "unavailable");
  wire_append_string(&iter, message);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(ayayb)", &array);
  for (guint i = 0; hosts != NULL && i < hosts->len; i++)
    append_host(&array, hosts->pdata[i]);
  dbus_message_iter_close_container(&iter, &array);
  send_only(link, call);
}
