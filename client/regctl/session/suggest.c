/* SPDX-License-Identifier: MIT */
/* See suggest.h. */
#include "client/regctl/session/suggest.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/nearest.h"
#include "client/cli/data.h"
#include "client/cli/reply.h"

/* The names of a key's sub-keys or values; NULL: it can't be read. */
static GStrv list_names(Session *session, const char *member, const char *key) {
  Request request;
  DBusMessageIter answer, rows;
  gboolean keys = strcmp(member, "ListKeys") == 0;
  request_begin(&request, member);
  request_add_string(&request, key);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, NULL);
  if (reply == NULL || !dbus_message_has_signature(reply, keys ? "as" : "a(suv)"))
    return NULL;
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (dbus_message_iter_recurse(&answer, &rows);
       dbus_message_iter_get_arg_type(&rows) != DBUS_TYPE_INVALID;) {
    DBusMessageIter row = rows;
    if (!keys)
      dbus_message_iter_recurse(&rows, &row);
    g_ptr_array_add(names, g_strdup(reply_take_string(keys ? &rows : &row)));
    if (!keys)
      dbus_message_iter_next(&rows);
  }
  g_ptr_array_add(names, NULL);
  return (GStrv)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static char *dup_nearest(Session *session, const char *member, const char *key, const char *name) {
  g_auto(GStrv) names = list_names(session, member, key);
  const char *nearest = names != NULL ? nearest_find(name, (const char *const *)names) : NULL;
  return g_strdup(nearest);
}

/* The path with the first name that is not there replaced by one that is near. */
static char *dup_near_key(Session *session, const char *key) {
  g_auto(GStrv) parts = g_strsplit(key, "\\", -1);
  g_autoptr(GString) above = g_string_new(parts[0]);
  for (guint i = 1; parts[0] != NULL && parts[i] != NULL; i++) {
    g_autofree char *below = g_strconcat(above->str, "\\", parts[i], NULL);
    g_auto(GStrv) there = list_names(session, "ListKeys", below);
    if (there == NULL) {
      g_autofree char *near = dup_nearest(session, "ListKeys", above->str, parts[i]);
      return near != NULL ? g_strconcat(above->str, "\\", near, NULL) : NULL;
    }
    g_string_assign(above, below);
  }
  return NULL;
}

void suggest_append(Session *session, GError *error) {
  gboolean key_missing = g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND);
  const char *verb = g_ptr_array_index(session->line->operands, 0);
  const char *operand = session_get_operand(session, 0);
  gboolean two_keys = operand != NULL && (g_str_equal(verb, "diff") || g_str_equal(verb, "cp"));
  if (operand == NULL || two_keys ||
      (!key_missing && !g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_VALUE_NOT_FOUND)))
    return;
  const char *literal = session->line->texts[OPTION_NAME];
  const char *name = literal != NULL ? literal : session_get_operand(session, 1);
  g_autofree char *key = data_parse_key(operand, NULL);
  g_autofree char *near = NULL;
  if (key != NULL && key_missing)
    near = dup_near_key(session, key);
  else if (key != NULL && name != NULL)
    near = dup_nearest(session, "ListValues", key, name);
  if (near == NULL)
    return;
  g_autofree char *message = g_steal_pointer(&error->message);
  error->message = g_strdup_printf("%s; did you mean \"%s\"?", message, near);
}
