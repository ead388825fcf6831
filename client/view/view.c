/* SPDX-License-Identifier: MIT */
/* The live view as its user sees it: look-ups, state, and call-backs.
 *
 * How it is kept current is in watch.c (the watch), catch-up.c (reading and showing) and
 * sync.c (the promise of a sync).
 */
#include "client/base/error.h"
#include "client/view/sync.h"
#include "client/view/view-state.h"
#include "client/view/watch.h"

/* ---- made, held, freed ---- */

static void unref_message(gpointer message) {
  dbus_message_unref(message);
}

RegistryView *registry_view_new(RegistryConnection *connection, const char *key,
                                RegistryViewChanged changed, gpointer data) {
  RegistryView *view = g_new0(RegistryView, 1);
  view->references = 1;
  view->connection = registry_connection_ref(connection);
  view->key = g_strdup(key);
  view->changed = changed;
  view->data = data;
  view->watch = &view_watch_functions;
  view->tree = tree_new();
  view->early = g_ptr_array_new_with_free_func(unref_message);
  changed_keys_init(&view->changed_keys);
  sync_queue_add_view(sync_queue_of(connection), view);
  connection_add_listener(connection, &view_watch_listener, view);
  if (connection_get_presence(connection) == PRESENCE_PRESENT)
    view_watch_start(view);
  return view;
}

void registry_view_free(RegistryView *view) {
  if (view == NULL)
    return;
  view->freed = TRUE;
  connection_remove_listener(view->connection, view);
  view_watch_lose(view, NULL);
  sync_queue_remove_view(sync_queue_of(view->connection), view);
  view_unref(view);
}

void registry_view_set_touched(RegistryView *view, RegistryViewTouched touched) {
  view->touched = touched;
}

/* ---- state ---- */

RegistryViewState registry_view_get_state(const RegistryView *view) {
  return view->state;
}

const GError *registry_view_get_problem(const RegistryView *view) {
  return view->problem;
}

guint64 registry_view_get_revision(const RegistryView *view) {
  return view->revision;
}

gboolean registry_view_is_live(const RegistryView *view) {
  return view->watched && registry_connection_is_answering(view->connection);
}

/* ---- look-ups ---- */

/* NULL if there is none, or if @subkey is not UTF-8. */
static const TreeKey *find_key(const RegistryView *view, const char *subkey) {
  gboolean held = view->state == REGISTRY_VIEW_READY || view->state == REGISTRY_VIEW_FAILED;
  return held && g_utf8_validate(subkey, -1, NULL) ? tree_find(view->tree, subkey) : NULL;
}

const RegistryValue *registry_view_get(const RegistryView *view, const char *subkey,
                                       const char *name) {
  const TreeKey *key = find_key(view, subkey);
  if (key == NULL || !g_utf8_validate(name, -1, NULL))
    return NULL;
  return tree_get_value(view->tree, key, name);
}

gboolean registry_view_has_key(const RegistryView *view, const char *subkey) {
  return find_key(view, subkey) != NULL;
}

char **registry_view_list_keys(const RegistryView *view, const char *subkey) {
  const TreeKey *key = find_key(view, subkey);
  return key != NULL ? tree_list_keys(key) : g_new0(char *, 1);
}

char **registry_view_list_values(const RegistryView *view, const char *subkey) {
  const TreeKey *key = find_key(view, subkey);
  return key != NULL ? tree_list_values(key) : g_new0(char *, 1);
}

/* ---- typed look-ups ---- */

static char *describe_place(const RegistryView *view, const char *subkey) {
  return *subkey == '\0' ? g_strdup(view->key) : g_strconcat(view->key, "\\", subkey, NULL);
}

/* The value under the first of @names that is there; *@found names it. */
static const RegistryValue *find_named(const RegistryView *view, const char *subkey,
                                       const char *const *names, const char **found,
                                       GError **error) {
  for (gsize i = 0; names[i] != NULL; i++) {
    const RegistryValue *value = registry_view_get(view, subkey, names[i]);
    *found = names[i];
    if (value != NULL)
      return value;
  }
  g_autofree char *place = describe_place(view, subkey);
  error_set(error, REGISTRY_ERROR_VALUE_NOT_FOUND, "%s: there is no value \"%s\"", place,
            names[0] != NULL ? names[0] : "");
  return NULL;
}

static gboolean refuse_form(const RegistryView *view, const char *subkey, const char *name,
                            const RegistryValue *value, const char *wanted, GError **error) {
  guint32 type = registry_value_get_type(value);
  const char *type_name = registry_type_get_name(type);
  g_autofree char *place = describe_place(view, subkey);
  g_autofree char *number = g_strdup_printf("type %u", type);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: value \"%s\" must be %s, not %s",
                   place, name, wanted, type_name != NULL ? type_name : number);
}

char *registry_view_get_string(const RegistryView *view, const char *subkey,
                               const char *const *names, GError **error) {
  const char *name = NULL;
  const RegistryValue *value = find_named(view, subkey, names, &name, error);
  if (value == NULL)
    return NULL;
  char *text = registry_value_dup_string(value);
  if (text == NULL)
    refuse_form(view, subkey, name, value, "a string", error);
  return text;
}

char **registry_view_get_strings(const RegistryView *view, const char *subkey,
                                 const char *const *names, GError **error) {
  const char *name = NULL;
  const RegistryValue *value = find_named(view, subkey, names, &name, error);
  if (value == NULL)
    return NULL;
  char **texts = registry_value_dup_strings(value);
  if (texts == NULL)
    refuse_form(view, subkey, name, value, "a list of strings", error);
  return texts;
}

gboolean registry_view_get_uint32(const RegistryView *view, const char *subkey,
                                  const char *const *names, guint32 *number, GError **error) {
  const char *name = NULL;
  const RegistryValue *value = find_named(view, subkey, names, &name, error);
  if (value == NULL)
    return FALSE;
  if (registry_value_get_uint32(value, number))
    return TRUE;
  return refuse_form(view, subkey, name, value, "a 32-bit number", error);
}

/* ---- syncing ---- */

void registry_view_sync(RegistryView *view, RegistryViewSynced synced, gpointer data) {
  sync_queue_ask(sync_queue_of(view->connection), view, synced, NULL, data);
}
