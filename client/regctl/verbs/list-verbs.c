/* SPDX-License-Identifier: MIT */
/* The verbs that list: ls, tree. */
#include <string.h>

#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/drawing.h"
#include "client/regctl/branch/listing.h"
#include "client/regctl/branch/tree-pages.h"
#include "client/regctl/verbs/verbs.h"

static void write_values(const GPtrArray *values, Json *json) {
  for (guint i = 0; i < values->len; i++) {
    const ListedValue *listed = g_ptr_array_index(values, i);
    json_begin(json, '{');
    data_write_json(listed->name, listed->value, json);
    json_end(json, '}');
  }
}

/* ---- ls ---- */

static DBusMessage *list(Session *session, const char *member, const char *key,
                         const char *signature, DBusMessageIter *answer, GError **error) {
  Request request;
  request_begin(&request, member);
  request_add_string(&request, key);
  g_autoptr(WireMessage) reply = session_call(session, &request, answer, error);
  return reply != NULL && session_check_reply(reply, signature, error) ? g_steal_pointer(&reply)
                                                                       : NULL;
}

static void print_keys(DBusMessageIter *names, Session *session) {
  DBusMessageIter name;
  for (dbus_message_iter_recurse(names, &name);
       dbus_message_iter_get_arg_type(&name) == DBUS_TYPE_STRING;) {
    listing_print_key(session, reply_take_string(&name));
    g_string_append_c(session_out(session), '\n');
  }
}

static void write_listing(Session *session, const char *key, DBusMessageIter *names,
                          const GPtrArray *values) {
  Json *json = &session->json;
  json_begin(json, '{');
  json_member_string(json, "key", key);
  json_name(json, "keys");
  reply_write_json(names, json);
  json_name(json, "values");
  json_begin(json, '[');
  write_values(values, json);
  json_end(json, ']');
  json_end(json, '}');
  g_string_append_c(json->text, '\n');
}

static gboolean gather_values(G_GNUC_UNUSED Session *session, G_GNUC_UNUSED const char *path,
                              const GPtrArray *values, gpointer data,
                              G_GNUC_UNUSED GError **error) {
  GPtrArray *gathered = data;
  for (guint i = 0; i < values->len; i++)
    g_ptr_array_add(gathered, listed_value_copy(g_ptr_array_index(values, i)));
  return TRUE;
}

/* Above the roots there are no values. More than one answer holds is read page by page. */
static GPtrArray *list_values(Session *session, const char *key, GError **error) {
  DBusMessageIter answer;
  g_autoptr(GError) problem = NULL;
  if (*key == '\0')
    return g_ptr_array_new();
  g_autoptr(WireMessage) reply = list(session, "ListValues", key, "a(suv)", &answer, &problem);
  if (reply != NULL)
    return reply_read_values(&answer, key, error);
  if (!g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED)) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)listed_value_free);
  return tree_walk(session, key, 0, gather_values, values, error) ? g_steal_pointer(&values) : NULL;
}

gboolean verb_ls(Session *session, GError **error) {
  DBusMessageIter names;
  const char *operand = session_get_operand(session, 0);
  g_autofree char *key = data_parse_key(operand != NULL ? operand : "", error);
  if (key == NULL)
    return FALSE;
  g_autoptr(WireMessage) reply = list(session, "ListKeys", key, "as", &names, error);
  g_autoptr(GPtrArray) values = reply != NULL ? list_values(session, key, error) : NULL;
  if (values == NULL)
    return FALSE;
  if (session_has(session, OPTION_JSON)) {
    write_listing(session, key, &names, values);
    return TRUE;
  }
  print_keys(&names, session);
  listing_print_values(session, key, values, "");
  return TRUE;
}

/* ---- tree ---- */

typedef struct {
  char *path; /* of the key that is being printed; NULL: none yet */
} Progress;

static gboolean print_tree_key(Session *session, const char *path, const GPtrArray *values,
                               gpointer data, GError **error) {
  Progress *progress = data;
  GString *out = session_out(session);
  if (g_strcmp0(progress->path, path) != 0) {
    listing_print_key(session, path);
    g_string_append_c(out, '\n');
    g_free(progress->path);
    progress->path = g_strdup(path);
  }
  listing_print_values(session, path, values, "  ");
  return session_flush_much(session, error);
}

static gboolean draw_key(G_GNUC_UNUSED Session *session, const char *path, const GPtrArray *values,
                         gpointer data, G_GNUC_UNUSED GError **error) {
  drawing_add(data, path, values);
  return TRUE;
}

static gboolean draw(Session *session, const char *key, guint32 depth, GError **error) {
  g_autoptr(Drawing) drawing = drawing_new();
  return tree_walk(session, key, depth, draw_key, drawing, error) &&
         drawing_print(drawing, session, error);
}

static void end_json_key(Json *json) {
  json_end(json, ']');
  json_end(json, '}');
}

static gboolean write_tree_key(Session *session, const char *path, const GPtrArray *values,
                               gpointer data, GError **error) {
  Progress *progress = data;
  Json *json = &session->json;
  if (g_strcmp0(progress->path, path) != 0) {
    if (progress->path != NULL)
      end_json_key(json);
    else
      json_begin(json, '['); /* not sooner: a refusal prints nothing */
    json_begin(json, '{');
    json_member_string(json, "key", path);
    json_name(json, "values");
    json_begin(json, '[');
    g_free(progress->path);
    progress->path = g_strdup(path);
  }
  write_values(values, json);
  return session_flush_much(session, error);
}

static gboolean walk_as_json(Session *session, const char *key, guint32 depth, Progress *progress,
                             GError **error) {
  if (!tree_walk(session, key, depth, write_tree_key, progress, error))
    return FALSE;
  if (progress->path != NULL)
    end_json_key(&session->json);
  else
    json_begin(&session->json, '[');
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

gboolean verb_tree(Session *session, GError **error) {
  Progress progress = {NULL};
  g_autofree char *key = data_parse_key(session_get_operand(session, 0), error);
  if (key == NULL)
    return FALSE;
  guint32 depth = session_has(session, OPTION_DEPTH) ? (guint32)session->line->numbers[OPTION_DEPTH]
                                                     : G_MAXUINT32;
  if (session->screen.is_terminal && !session_has(session, OPTION_JSON))
    return draw(session, key, depth, error);
  gboolean walked = session_has(session, OPTION_JSON)
                        ? walk_as_json(session, key, depth, &progress, error)
                        : tree_walk(session, key, depth, print_tree_key, &progress, error);
  g_free(progress.path);
  return walked;
}
