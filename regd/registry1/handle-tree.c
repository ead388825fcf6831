/* SPDX-License-Identifier: MIT */
/* The handler of ReadTree: of now, read at once, and of the past, read off the main
 * loop. */
#include "regd/bus/face.h"
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

static void reply_tree(DispatchCall *call, const ReadPage *page) {
  DBusMessageIter out;
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              face_append_uint64(&out, page->revision) &&
                  face_append_array(&out, "(sa(suv))", page->keys, append_tree_key) &&
                  wire_append_string(&out, page->cursor));
}

/* ---- of the past ---- */

typedef struct {
  DispatchCall *call;
  Identity *who;
  char *key;
  char *cursor;
  TreeOptions options;
  ReadPage *page;
} PastTreeCall;

static void past_tree_call_free(gpointer data) {
  PastTreeCall *past = data;
  identity_unref(past->who);
  g_free(past->key);
  g_free(past->cursor);
  g_clear_pointer(&past->page, read_page_free);
  g_free(past);
}

static gboolean read_past_tree(Reader *reader, gpointer data, GError **error) {
  PastTreeCall *past = data;
  past->page = reader_read_tree(reader, past->who, past->key, &past->options, error);
  return past->page != NULL;
}

static void on_past_tree_read(gpointer data, const GError *error) {
  PastTreeCall *past = data;
  if (error != NULL)
    dispatch_call_fail(past->call, error);
  else
    reply_tree(past->call, past->page);
  past_tree_call_free(past);
}

static void read_past(DispatchCall *call, BusFace *face, const char *key,
                      const TreeOptions *options) {
  PastTreeCall *past = g_new0(PastTreeCall, 1);
  past->call = call;
  past->who = identity_ref(face_caller(call));
  past->key = g_strdup(key);
  past->cursor = g_strdup(options->cursor);
  past->options = *options;
  past->options.cursor = past->cursor;
  readings_submit(face->readings, past->who->uid, service_get_schemas(face->service),
                  read_past_tree, on_past_tree_read, past, past_tree_call_free);
}

/* ---- the call ---- */

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
  TreeOptions options = {0};
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  g_autoptr(WireOptions) given = face_take_options(&in, &error);
  if (given == NULL || !read_tree_options(given, &options, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  if (options.has_at) {
    read_past(call, data, key, &options);
    return;
  }
  g_autoptr(ReadPage) page =
      reader_read_tree(face_get_reader(data), face_caller(call), key, &options, &error);
  if (page == NULL)
    dispatch_call_fail(call, error);
  else
    reply_tree(call, page);
}
