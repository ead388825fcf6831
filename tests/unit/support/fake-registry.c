/* SPDX-License-Identifier: MIT */
/* The registry that does as it is told: it answers, signals, holds back, loses and
 * refuses what a test wants. Its keys are in fake-keys.c. */
#include "tests/unit/support/fake-registry.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/bus/wire.h"
#include "tests/unit/support/fake-keys.h"

typedef struct {
  guint64 revision;
  char *kind, *key, *name;
} FakeChange;

typedef struct {
  guint32 id;
  char *sender;
  char *asked;
  guint64 sequence;
} FakeWatch;

struct FakeRegistry {
  DBusConnection *connection;
  LoopBinding *binding;
  guint64 revision;
  GPtrArray *keys;    /* of FakeKey, sorted */
  GPtrArray *history; /* of FakeChange */
  GPtrArray *watches; /* of FakeWatch */
  guint32 last_id;
  char *link_from, *link_to;
  GHashTable *refusals; /* member -> error name */
  GHashTable *counts;   /* member -> count */
  char *held_member;
  GPtrArray *held; /* replies that wait */
  char *stalled_member;
  GPtrArray *stalled;      /* calls that wait */
  GPtrArray *held_signals; /* NULL: they are sent at once */
  guint64 told;            /* the property Revision goes no further */
  gboolean losing;
  guint page_values;
  void (*between)(FakeRegistry *fake);
  gboolean history_gone;
  gboolean replay_late;
  FakeWatch *replaying; /* once its answer is sent */
  guint64 replay_since;
};

/* Where @path leads, through the link. */
static char *resolve(const FakeRegistry *fake, const char *path) {
  if (fake->link_from == NULL || !path_is_at_or_below(path, fake->link_from))
    return g_strdup(path);
  return g_strconcat(fake->link_to, path + strlen(fake->link_from), NULL);
}

/* ---- signals ---- */

static void send_signal(FakeRegistry *fake, DBusMessage *signal) {
  if (fake->held_signals != NULL)
    g_ptr_array_add(fake->held_signals, signal);
  else
    dbus_connection_send(fake->connection, signal, NULL);
  if (fake->held_signals == NULL)
    dbus_message_unref(signal);
}

static void tell_watch(FakeRegistry *fake, FakeWatch *watch, const GPtrArray *changes,
                       guint64 revision) {
  DBusMessageIter iter, array, part;
  DBusMessage *signal =
      dbus_message_new_signal(REGISTRY_OBJECT_PATH, REGISTRY_INTERFACE, "Changed");
  dbus_uint64_t sequence = ++watch->sequence;
  dbus_message_set_destination(signal, watch->sender);
  dbus_message_append_args(signal, DBUS_TYPE_UINT32, &watch->id, DBUS_TYPE_UINT64, &sequence,
                           DBUS_TYPE_UINT64, &revision, DBUS_TYPE_INVALID);
  dbus_message_iter_init_append(signal, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sss)", &array);
  for (guint i = 0; i < changes->len; i++) {
    const FakeChange *change = changes->pdata[i];
    dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &part);
    wire_append_string(&part, change->kind);
    wire_append_string(&part, change->key);
    wire_append_string(&part, change->name);
    dbus_message_iter_close_container(&array, &part);
  }
  dbus_message_iter_close_container(&iter, &array);
  if (fake->losing)
    dbus_message_unref(signal);
  else
    send_signal(fake, signal);
}

/* Those at or below what is watched, or above it, as the daemon tells them. */
static void tell_if_seen(FakeRegistry *fake, FakeWatch *watch, const GPtrArray *changes,
                         guint64 revision) {
  g_autofree char *path = resolve(fake, watch->asked);
  g_autoptr(GPtrArray) seen = g_ptr_array_new();
  for (guint i = 0; i < changes->len; i++) {
    FakeChange *change = changes->pdata[i];
    if (path_is_at_or_below(change->key, path) || path_is_at_or_below(path, change->key))
      g_ptr_array_add(seen, change);
  }
  if (seen->len > 0)
    tell_watch(fake, watch, seen, revision);
}

static void tell_all(FakeRegistry *fake, const GPtrArray *changes) {
  for (guint i = 0; i < fake->watches->len; i++)
    tell_if_seen(fake, fake->watches->pdata[i], changes, fake->revision);
  fake->losing = FALSE;
}

static FakeChange *record_change(FakeRegistry *fake, const char *kind, const char *key,
                                 const char *name) {
  FakeChange *change = g_new0(FakeChange, 1);
  change->revision = fake->revision;
  change->kind = g_strdup(kind);
  change->key = g_strdup(key);
  change->name = g_strdup(name);
  g_ptr_array_add(fake->history, change);
  return change;
}

static void fake_change_free(gpointer data) {
  FakeChange *change = data;
  g_free(change->kind);
  g_free(change->key);
  g_free(change->name);
  g_free(change);
}

void fake_signal(FakeRegistry *fake, const char *kind, const char *key, const char *name) {
  g_autoptr(GPtrArray) changes = g_ptr_array_new();
  fake->revision++;
  g_ptr_array_add(changes, record_change(fake, kind, key, name));
  tell_all(fake, changes);
}

void fake_hold_signals(FakeRegistry *fake, gboolean hasty) {
  fake->held_signals = g_ptr_array_new();
  fake->told = hasty ? G_MAXUINT64 : fake->revision;
}

void fake_release_signals(FakeRegistry *fake) {
  g_autoptr(GPtrArray) held = g_steal_pointer(&fake->held_signals);
  fake->told = G_MAXUINT64;
  for (guint i = 0; i < held->len; i++)
    send_signal(fake, held->pdata[i]);
}

void fake_lose_signal(FakeRegistry *fake) {
  fake->losing = TRUE;
}

/* ---- commits ---- */

void fake_set(FakeRegistry *fake, const char *key, const char *name, const char *text) {
  gboolean made = fake_keys_find(fake->keys, key) == NULL;
  g_autoptr(GPtrArray) changes = g_ptr_array_new();
  fake->revision++;
  fake_keys_put(fake->keys, key, name, text);
  if (made)
    g_ptr_array_add(changes, record_change(fake, "key-created", key, ""));
  g_ptr_array_add(changes, record_change(fake, "value-set", key, name));
  tell_all(fake, changes);
}

void fake_set_both(FakeRegistry *fake, const char *key, const char *other_key, const char *name,
                   const char *text) {
  g_autoptr(GPtrArray) changes = g_ptr_array_new();
  fake->revision++;
  fake_keys_put(fake->keys, key, name, text);
  fake_keys_put(fake->keys, other_key, name, text);
  g_ptr_array_add(changes, record_change(fake, "value-set", key, name));
  g_ptr_array_add(changes, record_change(fake, "value-set", other_key, name));
  tell_all(fake, changes);
}

void fake_create(FakeRegistry *fake, const char *key) {
  fake_keys_ensure(fake->keys, key);
  fake_signal(fake, "key-created", key, "");
}

void fake_delete(FakeRegistry *fake, const char *path) {
  for (guint i = 0; i < fake->keys->len; i++)
    if (path_is_at_or_below(((FakeKey *)fake->keys->pdata[i])->path, path))
      g_ptr_array_remove_index(fake->keys, i--);
  fake_signal(fake, "key-deleted", path, "");
}

void fake_commit_elsewhere(FakeRegistry *fake) {
  fake->revision++;
}

void fake_link(FakeRegistry *fake, const char *from, const char *to) {
  fake->revision++;
  g_free(fake->link_from);
  g_free(fake->link_to);
  fake->link_from = g_strdup(from);
  fake->link_to = g_strdup(to);
  for (guint i = 0; i < fake->watches->len; i++) {
    FakeWatch *watch = fake->watches->pdata[i];
    g_autofree char *path = resolve(fake, watch->asked);
    g_autoptr(GPtrArray) changes = g_ptr_array_new();
    g_ptr_array_add(changes, record_change(fake, "link-changed", path, ""));
    if (path_is_at_or_below(watch->asked, from))
      tell_watch(fake, watch, changes, fake->revision);
  }
}

guint64 fake_get_revision(const FakeRegistry *fake) {
  return fake->revision;
}

void fake_set_revision(FakeRegistry *fake, guint64 revision) {
  fake->revision = revision;
}

/* ---- answering ---- */

static void count(FakeRegistry *fake, const char *member) {
  gpointer counted = g_hash_table_lookup(fake->counts, member);
  g_hash_table_insert(fake->counts, g_strdup(member),
                      GUINT_TO_POINTER(GPOINTER_TO_UINT(counted) + 1));
}

static void answer(FakeRegistry *fake, const char *member, DBusMessage *reply) {
  if (g_strcmp0(fake->held_member, member) == 0) {
    g_ptr_array_add(fake->held, reply);
    return;
  }
  dbus_connection_send(fake->connection, reply, NULL);
  dbus_message_unref(reply);
}

static void replay(FakeRegistry *fake, FakeWatch *watch, guint64 since) {
  for (guint i = 0; i < fake->history->len; i++) {
    FakeChange *change = fake->history->pdata[i];
    g_autoptr(GPtrArray) changes = g_ptr_array_new();
    g_ptr_array_add(changes, change);
    if (change->revision > since)
      tell_if_seen(fake, watch, changes, change->revision);
  }
}

static FakeWatch *add_watch(FakeRegistry *fake, DBusMessage *call, const char *key) {
  FakeWatch *watch = g_new0(FakeWatch, 1);
  watch->id = ++fake->last_id;
  watch->sender = g_strdup(dbus_message_get_sender(call));
  watch->asked = g_strdup(key);
  g_ptr_array_add(fake->watches, watch);
  return watch;
}

static void watch_free(gpointer data) {
  FakeWatch *watch = data;
  g_free(watch->sender);
  g_free(watch->asked);
  g_free(watch);
}

static DBusMessage *refuse_since(FakeRegistry *fake, DBusMessage *call, guint64 since) {
  if (since > fake->revision)
    return dbus_message_new_error(call, REGISTRY_ERROR_PREFIX "InvalidValue", "to come");
  if (fake->history_gone)
    return dbus_message_new_error(call, REGISTRY_ERROR_PREFIX "HistoryGone", "gone");
  return NULL;
}

static DBusMessage *on_watch(FakeRegistry *fake, DBusMessage *call) {
  DBusMessageIter iter;
  const char *key = NULL;
  guint64 since = G_MAXUINT64;
  dbus_message_iter_init(call, &iter);
  dbus_message_iter_get_basic(&iter, &key);
  dbus_message_iter_next(&iter);
  g_autoptr(WireOptions) options = wire_options_read(&iter, NULL);
  wire_options_get_uint64(options, "since", &since, NULL);
  gboolean catching_up = wire_options_has(options, "since");
  if (catching_up)
    count(fake, "WatchSince");
  DBusMessage *refusal = catching_up ? refuse_since(fake, call, since) : NULL;
  if (refusal != NULL)
    return refusal;
  FakeWatch *watch = add_watch(fake, call, key);
  if (!fake->replay_late) {
    replay(fake, watch, since);
  } else {
    fake->replaying = watch;
    fake->replay_since = since;
  }
  g_autofree char *path = resolve(fake, key);
  const char *text = path;
  DBusMessage *reply = dbus_message_new_method_return(call);
  dbus_message_append_args(reply, DBUS_TYPE_UINT32, &watch->id, DBUS_TYPE_UINT64, &fake->revision,
                           DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
  return reply;
}

static DBusMessage *on_unwatch(FakeRegistry *fake, DBusMessage *call) {
  guint32 id = 0;
  dbus_message_get_args(call, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_INVALID);
  for (guint i = 0; i < fake->watches->len; i++)
    if (((FakeWatch *)fake->watches->pdata[i])->id == id)
      g_ptr_array_remove_index(fake->watches, i--);
  return dbus_message_new_method_return(call);
}

static DBusMessage *on_get(FakeRegistry *fake, DBusMessage *call) {
  DBusMessageIter iter, variant;
  dbus_uint64_t revision = MIN(fake->revision, fake->told);
  DBusMessage *reply = dbus_message_new_method_return(call);
  dbus_message_iter_init_append(reply, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "t", &variant);
  dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT64, &revision);
  dbus_message_iter_close_container(&iter, &variant);
  return reply;
}

static void append_value(DBusMessageIter *values, const FakeValue *fake_value) {
  DBusMessageIter part;
  guint32 type = REGISTRY_SZ;
  g_autoptr(RegistryValue) value = registry_value_new_string(type, fake_value->text, NULL);
  dbus_message_iter_open_container(values, DBUS_TYPE_STRUCT, NULL, &part);
  wire_append_string(&part, fake_value->name);
  dbus_message_iter_append_basic(&part, DBUS_TYPE_UINT32, &type);
  wire_append_value(&part, value);
  dbus_message_iter_close_container(values, &part);
}

static void append_key(DBusMessageIter *keys, const FakeKey *key) {
  DBusMessageIter part, values;
  dbus_message_iter_open_container(keys, DBUS_TYPE_STRUCT, NULL, &part);
  wire_append_string(&part, key->path);
  dbus_message_iter_open_container(&part, DBUS_TYPE_ARRAY, "(suv)", &values);
  for (guint i = 0; i < key->values->len; i++)
    append_value(&values, key->values->pdata[i]);
  dbus_message_iter_close_container(&part, &values);
  dbus_message_iter_close_container(keys, &part);
}

/* The keys from @start on; the index of the first that is left, or 0. */
static guint append_page(FakeRegistry *fake, DBusMessageIter *keys, const char *path, gboolean deep,
                         guint start) {
  guint left = fake->page_values;
  for (guint i = start; i < fake->keys->len; i++) {
    const FakeKey *key = fake->keys->pdata[i];
    if (!path_is_at_or_below(key->path, path) || (!deep && strlen(key->path) != strlen(path)))
      continue;
    if (fake->page_values > 0 && left < key->values->len)
      return i;
    left -= MIN(left, key->values->len);
    append_key(keys, key);
  }
  return 0;
}

static DBusMessage *read_page(FakeRegistry *fake, DBusMessage *call, const char *path,
                              gboolean deep, guint start) {
  DBusMessageIter iter, keys;
  DBusMessage *reply = dbus_message_new_method_return(call);
  dbus_message_iter_init_append(reply, &iter);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT64, &fake->revision);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sa(suv))", &keys);
  guint next = append_page(fake, &keys, path, deep, start);
  dbus_message_iter_close_container(&iter, &keys);
  g_autofree char *cursor = next > 0 ? g_strdup_printf("%u", next) : g_strdup("");
  wire_append_string(&iter, cursor);
  return reply;
}

static DBusMessage *on_read_tree(FakeRegistry *fake, DBusMessage *call) {
  DBusMessageIter iter;
  const char *key = NULL, *cursor = "0";
  dbus_message_iter_init(call, &iter);
  dbus_message_iter_get_basic(&iter, &key);
  dbus_message_iter_next(&iter);
  g_autoptr(WireOptions) options = wire_options_read(&iter, NULL);
  g_assert_true(wire_options_get_string(options, "cursor", &cursor, NULL));
  g_autofree char *path = resolve(fake, key);
  gboolean deep = !wire_options_has(options, "depth");
  count(fake, deep ? "ReadAll" : "ReadKey");
  if (fake_keys_find(fake->keys, path) == NULL)
    return dbus_message_new_error(call, REGISTRY_ERROR_PREFIX "KeyNotFound", "none");
  return read_page(fake, call, path, deep, (guint)g_ascii_strtoull(cursor, NULL, 10));
}

static const struct {
  const char *member;
  DBusMessage *(*handle)(FakeRegistry *fake, DBusMessage *call);
} methods[] = {
    {"Watch", on_watch}, {"Unwatch", on_unwatch}, {"ReadTree", on_read_tree}, {"Get", on_get}};

static void work_on(FakeRegistry *fake, DBusMessage *call, gsize method) {
  const char *member = methods[method].member;
  const char *refusal = g_hash_table_lookup(fake->refusals, member);
  answer(fake, member,
         refusal != NULL ? dbus_message_new_error(call, refusal, "told to")
                         : methods[method].handle(fake, call));
  if (fake->replaying != NULL)
    replay(fake, g_steal_pointer(&fake->replaying), fake->replay_since);
  if (fake->between != NULL && methods[method].handle == on_read_tree)
    fake->between(fake);
}

/* The number of methods: none of them. */
static gsize find_method(DBusMessage *call) {
  gsize method = 0;
  while (method < G_N_ELEMENTS(methods) && !dbus_message_has_member(call, methods[method].member))
    method++;
  return method;
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *call, void *data) {
  (void)connection;
  FakeRegistry *fake = data;
  gsize method = find_method(call);
  if (dbus_message_get_type(call) != DBUS_MESSAGE_TYPE_METHOD_CALL ||
      method == G_N_ELEMENTS(methods))
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  count(fake, methods[method].member);
  if (g_strcmp0(fake->stalled_member, methods[method].member) == 0)
    g_ptr_array_add(fake->stalled, dbus_message_ref(call));
  else
    work_on(fake, call, method);
  return DBUS_HANDLER_RESULT_HANDLED;
}

/* ---- being told ---- */

void fake_refuse(FakeRegistry *fake, const char *member, const char *error_name) {
  if (error_name != NULL)
    g_hash_table_insert(fake->refusals, g_strdup(member), g_strdup(error_name));
  else
    g_hash_table_remove(fake->refusals, member);
}

void fake_hold(FakeRegistry *fake, const char *member) {
  g_free(fake->held_member);
  fake->held_member = g_strdup(member);
}

void fake_stall(FakeRegistry *fake, const char *member) {
  fake->stalled_member = g_strdup(member);
}

static void release_calls(FakeRegistry *fake) {
  g_clear_pointer(&fake->stalled_member, g_free);
  for (guint i = 0; i < fake->stalled->len; i++) {
    DBusMessage *call = fake->stalled->pdata[i];
    work_on(fake, call, find_method(call));
    dbus_message_unref(call);
  }
  g_ptr_array_set_size(fake->stalled, 0);
}

void fake_release(FakeRegistry *fake) {
  release_calls(fake);
  g_clear_pointer(&fake->held_member, g_free);
  for (guint i = 0; i < fake->held->len; i++) {
    dbus_connection_send(fake->connection, fake->held->pdata[i], NULL);
    dbus_message_unref(fake->held->pdata[i]);
  }
  g_ptr_array_set_size(fake->held, 0);
}

void fake_release_only(FakeRegistry *fake, guint index) {
  DBusMessage *reply = g_ptr_array_steal_index(fake->held, index);
  dbus_connection_send(fake->connection, reply, NULL);
  dbus_message_unref(reply);
}

guint fake_count_held(const FakeRegistry *fake) {
  return fake->held->len;
}

void fake_set_page_size(FakeRegistry *fake, guint values, void (*between)(FakeRegistry *fake)) {
  fake->page_values = values;
  fake->between = between;
}

void fake_replay_late(FakeRegistry *fake) {
  fake->replay_late = TRUE;
}

void fake_forget_history(FakeRegistry *fake) {
  fake->history_gone = TRUE;
}

guint fake_count(const FakeRegistry *fake, const char *member) {
  return GPOINTER_TO_UINT(g_hash_table_lookup(fake->counts, member));
}

void fake_reset_counts(FakeRegistry *fake) {
  g_hash_table_remove_all(fake->counts);
}

guint fake_count_watches(const FakeRegistry *fake) {
  return fake->watches->len;
}

const char *fake_get_watcher(const FakeRegistry *fake) {
  const FakeWatch *watch = g_ptr_array_index(fake->watches, 0);
  return watch->sender;
}

/* ---- coming and going ---- */

static void join(FakeRegistry *fake, FakeBus *bus) {
  g_autoptr(GError) error = NULL;
  fake->connection = loop_connect(fake_bus_get_address(bus), &error);
  g_assert_no_error(error);
  g_assert_cmpint(dbus_bus_request_name(fake->connection, REGISTRY_BUS_NAME, 0, NULL), ==,
                  DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
  dbus_connection_add_filter(fake->connection, on_message, fake, NULL);
  fake->binding = loop_bind(fake->connection, NULL);
}

FakeRegistry *fake_new(FakeBus *bus, FakeRegistry *before) {
  FakeRegistry *fake = g_new0(FakeRegistry, 1);
  fake->keys = before != NULL ? g_ptr_array_ref(before->keys) : fake_keys_new();
  fake->history = before != NULL ? g_ptr_array_ref(before->history)
                                 : g_ptr_array_new_with_free_func(fake_change_free);
  fake->revision = before != NULL ? before->revision : 10;
  fake->watches = g_ptr_array_new_with_free_func(watch_free);
  fake->refusals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  fake->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  fake->held = g_ptr_array_new();
  fake->stalled = g_ptr_array_new();
  fake->told = G_MAXUINT64;
  join(fake, bus);
  return fake;
}

void fake_vanish(FakeRegistry *fake) {
  if (fake->connection == NULL)
    return;
  g_clear_pointer(&fake->binding, loop_binding_free);
  dbus_connection_remove_filter(fake->connection, on_message, fake);
  g_clear_pointer(&fake->connection, loop_disconnect);
}

void fake_free(FakeRegistry *fake) {
  fake_vanish(fake);
  for (guint i = 0; i < fake->held->len; i++)
    dbus_message_unref(fake->held->pdata[i]);
  g_ptr_array_unref(fake->held);
  g_ptr_array_unref(fake->stalled);
  g_ptr_array_unref(fake->keys);
  g_ptr_array_unref(fake->history);
  g_ptr_array_unref(fake->watches);
  g_hash_table_unref(fake->refusals);
  g_hash_table_unref(fake->counts);
  g_free(fake->held_member);
  g_free(fake->link_from);
  g_free(fake->link_to);
  g_free(fake);
}
