/* SPDX-License-Identifier: MIT */
/* See listing.h. */
#include "client/regctl/branch/listing.h"

#include "client/base/escape.h"
#include "client/cli/data.h"
#include "client/regctl/session/secrets.h"

void listing_print_key(Session *session, const char *text) {
  GString *out = session_out(session);
  screen_begin(&session->screen, PAINT_KEY, out);
  escape_append(out, text);
  screen_end(&session->screen, out);
}

static char *dup_type(const RegistryValue *value) {
  GString *text = g_string_new(NULL);
  data_print_type(value, text);
  return g_string_free(text, FALSE);
}

/* On a terminal not more than a line of the window. */
static void print_data(const Screen *screen, const RegistryValue *value, GString *out) {
  g_autoptr(GString) data = g_string_new(NULL);
  data_print_escaped(value, data);
  g_autofree char *cut = screen->is_terminal ? screen_cut(data->str, screen->columns) : NULL;
  g_string_append(out, cut != NULL ? cut : data->str);
}

void listing_print_typed(Session *session, const char *key, const char *name,
                         const RegistryValue *value, char separator) {
  GString *out = session_out(session);
  g_autofree char *type = dup_type(value);
  screen_paint(&session->screen, PAINT_TYPE, type, out);
  g_string_append_c(out, separator);
  if (secrets_hide(session, key, name))
    screen_paint(&session->screen, PAINT_SECRET, SECRET_SHOWN, out);
  else
    print_data(&session->screen, value, out);
}

void listing_print_value(Session *session, const char *key, const char *name,
                         const RegistryValue *value) {
  data_print_name(name, session_out(session));
  g_string_append_c(session_out(session), '\t');
  listing_print_typed(session, key, name, value, '\t');
  g_string_append_c(session_out(session), '\n');
}

static void add_row(Table *table, Session *session, const char *key, const ListedValue *listed) {
  gboolean secret = secrets_hide(session, key, listed->name);
  g_autoptr(GString) name = g_string_new(NULL);
  g_autoptr(GString) data = g_string_new(secret ? SECRET_SHOWN : NULL);
  g_autofree char *type = dup_type(listed->value);
  data_print_name(listed->name, name);
  if (!secret)
    data_print_escaped(listed->value, data);
  table_add(table, name->str, type, data->str, secret);
}

void listing_print_values(Session *session, const char *key, const GPtrArray *values,
                          const char *indent) {
  g_autoptr(Table) table = table_new();
  for (guint i = 0; i < values->len; i++) {
    const ListedValue *listed = g_ptr_array_index(values, i);
    if (session->screen.is_terminal) {
      add_row(table, session, key, listed);
      continue;
    }
    g_string_append(session_out(session), indent);
    listing_print_value(session, key, listed->name, listed->value);
  }
  table_print(table, &session->screen, indent, session_out(session));
}

/* ---- groups ---- */

Table *group_enter(Group *group, Session *session, const char *key) {
  if (g_strcmp0(group->key, key) == 0)
    return group->table;
  group_print(group, session);
  group->key = g_strdup(key);
  group->table = table_new();
  return group->table;
}

void group_add_value(Group *group, Session *session, const char *key, const ListedValue *listed) {
  add_row(group_enter(group, session, key), session, key, listed);
}

void group_print(Group *group, Session *session) {
  if (group->key == NULL)
    return;
  listing_print_key(session, group->key);
  g_string_append_c(session_out(session), '\n');
  table_print(group->table, &session->screen, "    ", session_out(session));
  g_clear_pointer(&group->key, g_free);
  g_clear_pointer(&group->table, table_free);
}
