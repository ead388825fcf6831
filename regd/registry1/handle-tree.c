/* SPDX-License-Identifier: MIT */
/* The handlers that read by pages: ReadTree, of now and of the past, and ReadValues. */
#include "regd/bus/read-call.h"
#include "regd/registry1/handlers.h"
#include "regd/registry1/revision-head.h"

/* @data: the FaceForm. */
static gboolean append_tree_key(DBusMessageIter *out, gconstpointer item, gconstpointer data) {
  const ReadPageKey *key = item;
  DBusMessageIter structure;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_STRUCT, NULL, &structure))
    return FALSE;
  return wire_end_container(
      out, &structure,
      wire_append_string(&structure, key->path) &&
          face_append_array_with(&structure, "(suv)", key->values, face_append_named_value, data));
}

typedef struct {
  Identity *who;
  const char *key;
  TreeOptions options;
  FaceForm form;
  ReadPage *page;
} TreeCall;

static void clear_tree_call(gpointer data) {
  TreeCall *tree = data;
  g_clear_pointer(&tree->page, read_page_free);
}

static gboolean read_page(Reader *reader, gpointer data, GError **error) {
  TreeCall *tree = data;
  tree->page = reader_read_tree(reader, tree->who, tree->key, &tree->options, error);
  return tree->page != NULL;
}

static gboolean append_page(DBusMessageIter *out, gpointer data) {
  const TreeCall *tree = data;
  const ReadPage *page = tree->page;
  return face_append_uint64(out, page->revision) &&
         face_append_array_with(out, "(sa(suv))", page->keys, append_tree_key, &tree->form) &&
         wire_append_string(out, page->cursor);
}

static const ReadCallKind read_tree = {read_page, append_page, clear_tree_call, sizeof(TreeCall),
                                       FALSE};
static const ReadCallKind read_past_tree = {read_page, append_page, clear_tree_call,
                                            sizeof(TreeCall), TRUE};

static gboolean read_tree_options(const WireOptions *given, TreeOptions *options, GError **error) {
  options->has_at = wire_options_has(given, "at");
  options->has_depth = wire_options_has(given, "depth");
  return wire_options_get_uint32(given, "depth", &options->depth, error) &&
         wire_options_get_uint32(given, "limit", &options->limit, error) &&
         wire_options_get_string(given, "cursor", &options->cursor, error) &&
         wire_options_get_boolean(given, "skip-unreadable", &options->skip_unreadable, error) &&
         wire_options_get_boolean(given, "no-follow", &options->no_follow, error) &&
         wire_options_get_uint64(given, "at", &options->at, error);
}

void handle_read_tree(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  TreeCall tree = {.who = face_caller(call), .key = face_take_string(&in)};
  g_autoptr(WireOptions) given = face_take_options(&in, &error);
  if (given == NULL || !read_tree_options(given, &tree.options, &error) ||
      !face_read_form(given, &tree.form, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  tree.options.hide_secrets = tree.form.hide_secrets;
  read_call_run(call, data, tree.options.has_at ? &read_past_tree : &read_tree, &tree);
}

/* ---- the values of one key ---- */

typedef struct {
  Identity *who;
  const char *key;
  ValueOptions options;
  FaceForm form;
  ValuePage *page;
} ValuesCall;

static void clear_values_call(gpointer data) {
  ValuesCall *asked = data;
  g_clear_pointer(&asked->page, value_page_free);
}

static gboolean read_values(Reader *reader, gpointer data, GError **error) {
  ValuesCall *asked = data;
  asked->page = reader_read_values(reader, asked->who, asked->key, &asked->options, error);
  return asked->page != NULL;
}

/* What is there only where it says something. */
static gboolean append_badges(DBusMessageIter *dict, const ListedValue *value) {
  const char *const *owners = (const char *const *)value->owners;
  return (!value->is_secret || wire_append_entry_boolean(dict, "secret", TRUE)) &&
         (value->locked == NULL || wire_append_entry_string(dict, "locked", value->locked)) &&
         (owners == NULL || *owners == NULL ||
          wire_append_entry_strings(dict, "declared-by", owners)) &&
         (value->problem == NULL || wire_append_entry_string(dict, "problem", value->problem));
}

/* @data: the FaceForm. */
static gboolean append_listed(DBusMessageIter *out, gconstpointer item, gconstpointer data) {
  const ListedValue *value = item;
  gboolean as_text = ((const FaceForm *)data)->numbers_as_text;
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  return wire_end_container(
      out, &dict,
      wire_append_entry_string(&dict, "name", value->name) &&
          face_append_entry_typed(&dict, "type", "data", value->value, as_text) &&
          wire_append_entry_uint64(&dict, "revision", value->revision) &&
          append_badges(&dict, value));
}

static gboolean append_head(DBusMessageIter *out, gconstpointer item) {
  DBusMessageIter dict;
  return dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
         wire_end_container(out, &dict, append_revision_head(&dict, item));
}

static gboolean append_value_page(DBusMessageIter *out, gpointer data) {
  const ValuesCall *asked = data;
  const ValuePage *page = asked->page;
  return face_append_uint64(out, page->revision) &&
         face_append_array_with(out, "a{sv}", page->values, append_listed, &asked->form) &&
         face_append_array(out, "a{sv}", page->heads, append_head) &&
         wire_append_string(out, page->cursor);
}

static const ReadCallKind list_page = {read_values, append_value_page, clear_values_call,
                                       sizeof(ValuesCall), FALSE};

void handle_read_values(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  ValuesCall asked = {.who = face_caller(call), .key = face_take_string(&in)};
  ValueOptions *options = &asked.options;
  g_autoptr(WireOptions) given = face_take_options(&in, &error);
  if (given == NULL || !wire_options_get_uint32(given, "limit", &options->limit, &error) ||
      !wire_options_get_string(given, "cursor", &options->cursor, &error) ||
      !wire_options_get_boolean(given, "no-follow", &options->no_follow, &error) ||
      !face_read_form(given, &asked.form, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  options->hide_secrets = asked.form.hide_secrets;
  read_call_run(call, data, &list_page, &asked);
}
