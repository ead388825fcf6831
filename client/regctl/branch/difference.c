/* SPDX-License-Identifier: MIT */
/* Differences in lines and as JSON. */
#include "client/regctl/branch/difference.h"

#include "client/base/escape.h"
#include "client/cli/data.h"
#include "client/regctl/session/secrets.h"

typedef struct {
  Session *session;
  const char *a_name, *b_name;
  const BranchKey *key; /* whose line has been printed last */
  guint count;
} Printing;

/* ---- lines ---- */

static Paint paint_of(char sign) {
  return sign == '-' ? PAINT_REMOVED : PAINT_ADDED;
}

static void print_key(Session *session, char sign, const char *path) {
  GString *out = session_out(session);
  screen_begin(&session->screen, sign == ' ' ? PAINT_KEY : paint_of(sign), out);
  g_string_append_c(out, sign);
  escape_append(out, path);
  screen_end(&session->screen, out);
  g_string_append_c(out, '\n');
}

static void print_name(GString *out, const char *sign, const char *name) {
  g_string_append(out, sign);
  escape_append(out, name);
  g_string_append_c(out, '\n');
}

/* What stands before the first difference in the part of a window. */
#define SHARE_OF_SAME 4U

static char *dup_data(const RegistryValue *value) {
  GString *data = g_string_new(NULL);
  if (value != NULL)
    data_print_escaped(value, data);
  return g_string_free(data, FALSE);
}

/* From where on both are shown: a little before they differ, if that would be cut off. */
static gsize find_start(const char *data, const char *other, guint columns) {
  gsize same = 0;
  while (data[same] != '\0' && data[same] == other[same])
    same++;
  if (data[same] == other[same]) /* only their types differ */
    return 0;
  while (same > 0 && (data[same] & 0xC0) == 0x80) /* inside a character */
    same--;
  g_autofree char *before = g_strndup(data, same);
  if (screen_measure(before) < columns / 2)
    return 0;
  const char *at = data + same;
  for (guint i = 0; i < columns / SHARE_OF_SAME; i++)
    at = g_utf8_prev_char(at);
  return (gsize)(at - data);
}

/* On a terminal not more than a line of the window. */
static void print_data(const Screen *screen, const RegistryValue *value,
                       const RegistryValue *other_value, GString *out) {
  g_autofree char *data = dup_data(value);
  if (!screen->is_terminal) {
    g_string_append(out, data);
    return;
  }
  g_autofree char *other = dup_data(other_value);
  gsize start = find_start(data, other, screen->columns);
  g_autofree char *cut = screen_cut(data + start, screen->columns - (start > 0 ? 1 : 0));
  g_string_append_printf(out, "%s%s", start > 0 ? ELLIPSIS : "", cut);
}

/* One paint for the whole line: a secret, too, was added or removed. */
static void print_value(Session *session, char sign, const BranchDifference *difference,
                        const RegistryValue *value, const RegistryValue *other) {
  GString *out = session_out(session);
  const char *key = difference->key->path, *name = difference->name;
  if (value == NULL)
    return;
  screen_begin(&session->screen, paint_of(sign), out);
  g_string_append_printf(out, "%c  ", sign);
  data_print_name(name, out);
  g_string_append_c(out, '\t');
  data_print_type(value, out);
  g_string_append_c(out, '\t');
  if (secrets_hide(session, key, name))
    g_string_append(out, SECRET_SHOWN);
  else
    print_data(&session->screen, value, other, out);
  screen_end(&session->screen, out);
  g_string_append_c(out, '\n');
}

static void print_difference(const BranchDifference *difference, gpointer data) {
  Printing *printing = data;
  GString *out = session_out(printing->session);
  if (printing->count++ == 0) {
    print_name(out, "--- ", printing->a_name);
    print_name(out, "+++ ", printing->b_name);
  }
  if (difference->name == NULL)
    print_key(printing->session, difference->kind == CHANGE_KEY_DELETED ? '-' : '+',
              difference->key->path);
  else if (printing->key != difference->key)
    print_key(printing->session, ' ', difference->key->path);
  printing->key = difference->key;
  if (difference->name == NULL)
    return;
  print_value(printing->session, '-', difference, difference->before, difference->after);
  print_value(printing->session, '+', difference, difference->after, difference->before);
}

/* ---- JSON ---- */

static void write_difference(const BranchDifference *difference, gpointer data) {
  Printing *printing = data;
  Json *json = &printing->session->json;
  const char *name = difference->name != NULL ? difference->name : "";
  printing->count++;
  json_begin(json, '{');
  json_member_string(json, "kind", change_kind_get_name(difference->kind));
  json_member_string(json, "key", difference->key->path);
  json_member_string(json, "name", name);
  data_write_member("old", name, difference->before, json);
  data_write_member("new", name, difference->after, json);
  json_end(json, '}');
}

gboolean difference_write(Session *session, const Branch *a, const Branch *b) {
  Printing printing = {.session = session};
  json_begin(&session->json, '[');
  branch_compare(a, b, write_difference, &printing);
  json_end(&session->json, ']');
  return printing.count > 0;
}

gboolean difference_print(Session *session, const Branch *a, const char *a_name, const Branch *b,
                          const char *b_name) {
  Printing printing = {.session = session, .a_name = a_name, .b_name = b_name};
  Json *json = &session->json;
  if (!session_has(session, OPTION_JSON)) {
    branch_compare(a, b, print_difference, &printing);
    return printing.count > 0;
  }
  json_begin(json, '{');
  json_member_string(json, "a", a_name);
  json_member_string(json, "b", b_name);
  json_name(json, "differences");
  gboolean differ = difference_write(session, a, b);
  json_end(json, '}');
  g_string_append_c(json->text, '\n');
  return differ;
}
