/* SPDX-License-Identifier: MIT */
/* Walking a sub-tree by ReadTree. */
#include "client/regctl/branch/tree-pages.h"

#include "client/cli/reply.h"

typedef struct {
  Session *session;
  const char *key;
  guint32 depth;
  const guint64 *at;        /* NULL: as it is */
  char *cursor;             /* "" at the start and at the end */
  gboolean skip_unreadable; /* once something could not be read */
  gboolean whole;           /* what may not be read refuses all */
  TreeVisit visit;
  gpointer data;
} Walk;

static DBusMessage *read_page(Walk *walk, DBusMessageIter *answer, GError **error) {
  Request request;
  request_begin(&request, "ReadTree");
  request_add_string(&request, walk->key);
  request_open_options(&request);
  if (walk->depth < G_MAXUINT32)
    request_check(&request, wire_append_entry_uint32(&request.options, "depth", walk->depth));
  if (walk->at != NULL)
    request_check(&request, wire_append_entry_uint64(&request.options, "at", *walk->at));
  if (*walk->cursor)
    request_check(&request, wire_append_entry_string(&request.options, "cursor", walk->cursor));
  if (walk->skip_unreadable)
    request_check(&request, wire_append_entry_boolean(&request.options, "skip-unreadable", TRUE));
  request_close_options(&request);
  return session_call(walk->session, &request, answer, error);
}

static gboolean has_keys(DBusMessageIter answer) {
  DBusMessageIter keys;
  dbus_message_iter_next(&answer); /* from the revision to the keys */
  if (dbus_message_iter_get_arg_type(&answer) != DBUS_TYPE_ARRAY)
    return TRUE; /* its reader will complain */
  dbus_message_iter_recurse(&answer, &keys);
  return dbus_message_iter_get_arg_type(&keys) != DBUS_TYPE_INVALID;
}

/* Asks for everything first; if that is refused, again without the keys that may not be
 * read. So it is known that something was left out. If nothing may be read, it stays
 * refused. */
static DBusMessage *read_what_may_be_read(Walk *walk, DBusMessageIter *answer, GError **error) {
  g_autoptr(GError) problem = NULL;
  DBusMessage *reply = read_page(walk, answer, &problem);
  gboolean denied = g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
  if (reply == NULL && denied && !walk->skip_unreadable && !walk->whole) {
    walk->skip_unreadable = TRUE;
    g_autoptr(WireMessage) rest = read_page(walk, answer, error);
    if (rest == NULL)
      return NULL;
    if (!*walk->cursor && !has_keys(*answer)) {
      g_propagate_error(error, g_steal_pointer(&problem));
      return NULL;
    }
    session_note(walk->session, "%s: what may not be read is left out: %s", walk->key,
                 problem->message);
    return g_steal_pointer(&rest);
  }
  if (reply == NULL)
    g_propagate_error(error, g_steal_pointer(&problem));
  return reply;
}

static gboolean visit_keys(Walk *walk, DBusMessageIter *keys, GError **error) {
  DBusMessageIter rows, row;
  for (dbus_message_iter_recurse(keys, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    dbus_message_iter_recurse(&rows, &row);
    const char *path = reply_take_string(&row);
    g_autoptr(GPtrArray) values = reply_read_values(&row, path, error);
    if (values == NULL || !walk->visit(walk->session, path, values, walk->data, error))
      return FALSE;
  }
  return TRUE;
}

/* Leaves the cursor of the next page in walk->cursor. */
static gboolean walk_page(Walk *walk, GError **error) {
  DBusMessageIter answer;
  g_autoptr(WireMessage) reply = read_what_may_be_read(walk, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "ta(sa(suv))s", error))
    return FALSE;
  dbus_message_iter_next(&answer);
  if (!visit_keys(walk, &answer, error))
    return FALSE;
  dbus_message_iter_next(&answer);
  g_free(walk->cursor);
  walk->cursor = g_strdup(reply_take_string(&answer));
  return TRUE;
}

static gboolean walk_all(Walk *walk, GError **error) {
  gboolean walked = FALSE;
  walk->cursor = g_strdup("");
  do
    walked = walk_page(walk, error);
  while (walked && *walk->cursor);
  g_free(walk->cursor);
  return walked;
}

gboolean tree_walk(Session *session, const char *key, guint32 depth, TreeVisit visit, gpointer data,
                   GError **error) {
  Walk walk = {.session = session, .key = key, .depth = depth, .visit = visit, .data = data};
  return walk_all(&walk, error);
}

gboolean tree_walk_at(Session *session, const char *key, const guint64 *at, TreeVisit visit,
                      gpointer data, GError **error) {
  Walk walk = {
      .session = session, .key = key, .depth = G_MAXUINT32, .at = at, .visit = visit, .data = data};
  return walk_all(&walk, error);
}

gboolean tree_walk_whole(Session *session, const char *key, guint64 at, TreeVisit visit,
                         gpointer data, GError **error) {
  Walk walk = {.session = session,
               .key = key,
               .depth = G_MAXUINT32,
               .at = &at,
               .visit = visit,
               .data = data,
               .whole = TRUE};
  return walk_all(&walk, error);
}
