/* SPDX-License-Identifier: MIT */
/* The handler of ReadTree, of now and of the past. */
#include "regd/bus/read-call.h"
#include "regd/registry1/handlers.h"

static gboolean append_tree_key(DBusMessageIter *out, gconstpointer item) {
  const ReadPageKey *key = item;
  DBusMessageIter structure;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_STRUCT, NULL, &structure))
    return FALSE;
  return wire_end_container(
      out, &structure,
      wire_append_string(&structure, key->path) &&
          face_append_array(&structure, "(suv)", key->values, face_append_named_value));
}

typedef struct {
  Identity *who;
  const char *key;
  TreeOptions options;
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
  const ReadPage *page = ((const TreeCall *)data)->page;
  return face_append_uint64(out, page->revision) &&
         face_append_array(out, "(sa(suv))", page->keys, append_tree_key) &&
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
  if (given == NULL || !read_tree_options(given, &tree.options, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  read_call_run(call, data, tree.options.has_at ? &read_past_tree : &read_tree, &tree);
}
