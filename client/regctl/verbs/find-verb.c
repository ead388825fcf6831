/* SPDX-License-Identifier: MIT */
/* The verb find: searches names and data. */
#include <string.h>

#include "client/base/path.h"
#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/listing.h"
#include "client/regctl/branch/tree-pages.h"
#include "client/regctl/verbs/verbs.h"

typedef struct {
  char *folded;          /* the pattern, without regard to case */
  GPatternSpec *pattern; /* if it holds * or ?; else NULL */
  gboolean keys, values, data;
  guint found;
  char *key;   /* the last one that was looked at */
  Group group; /* what was found in it, on a terminal */
} Search;

static gboolean fits(const Search *search, const char *text) {
  g_autofree char *folded = path_fold(text);
  if (search->pattern != NULL)
    return g_pattern_spec_match_string(search->pattern, folded);
  return strstr(folded, search->folded) != NULL;
}

static gboolean data_fits(const Search *search, const RegistryValue *value) {
  g_auto(GStrv) texts = registry_value_dup_strings(value);
  for (char **text = texts; text != NULL && *text != NULL; text++)
    if (fits(search, *text))
      return TRUE;
  if (texts != NULL)
    return FALSE;
  g_autoptr(GString) printed = g_string_new(NULL);
  data_print(value, printed);
  g_string_truncate(printed, printed->len - 1); /* the line end */
  return fits(search, printed->str);
}

static gboolean is_drawn(const Session *session) {
  return session->screen.is_terminal && !session_has(session, OPTION_JSON);
}

static void report_key(Session *session, Search *search, const char *path) {
  if (is_drawn(session)) {
    (void)group_enter(&search->group, session, path);
    return;
  }
  if (!session_has(session, OPTION_JSON)) {
    listing_print_key(session, path);
    g_string_append_c(session_out(session), '\n');
    return;
  }
  json_begin(&session->json, '{');
  json_member_string(&session->json, "key", path);
  json_end(&session->json, '}');
}

static void report_value(Session *session, Search *search, const char *path,
                         const ListedValue *listed) {
  GString *out = session_out(session);
  if (is_drawn(session)) {
    group_add_value(&search->group, session, path, listed);
    return;
  }
  if (session_has(session, OPTION_JSON)) {
    json_begin(&session->json, '{');
    json_member_string(&session->json, "key", path);
    data_write_json(listed->name, listed->value, &session->json);
    json_end(&session->json, '}');
    return;
  }
  listing_print_key(session, path);
  g_string_append_c(out, '\t');
  listing_print_value(session, path, listed->name, listed->value);
}

static gboolean look_at_key(Session *session, const char *path, const GPtrArray *values,
                            gpointer data, GError **error) {
  Search *search = data;
  gboolean again = g_strcmp0(search->key, path) == 0;
  if (!again) {
    g_free(search->key);
    search->key = g_strdup(path);
  }
  if (search->keys && !again && fits(search, path_get_leaf(path))) {
    search->found++;
    report_key(session, search, path);
  }
  for (guint i = 0; i < values->len; i++) {
    const ListedValue *listed = g_ptr_array_index(values, i);
    if (!(search->values && fits(search, listed->name)) &&
        !(search->data && data_fits(search, listed->value)))
      continue;
    search->found++;
    report_value(session, search, path, listed);
  }
  return session_flush_much(session, error);
}

/* Everything: the other roots are links into these two. Most users see only their own part
 * of HKEY_USERS. */
static gboolean look_everywhere(Session *session, Search *search, GError **error) {
  g_autoptr(GError) denied = NULL;
  if (!tree_walk(session, "HKEY_LOCAL_MACHINE", G_MAXUINT32, look_at_key, search, error))
    return FALSE;
  if (tree_walk(session, "HKEY_USERS", G_MAXUINT32, look_at_key, search, &denied))
    return TRUE;
  if (!g_error_matches(denied, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED)) {
    g_propagate_error(error, g_steal_pointer(&denied));
    return FALSE;
  }
  g_autoptr(GError) missing = NULL;
  session_note(session, "what may not be read is left out: %s", denied->message);
  if (tree_walk(session, "HKEY_CURRENT_USER", G_MAXUINT32, look_at_key, search, &missing) ||
      g_error_matches(missing, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&missing));
  return FALSE;
}

static gboolean look(Session *session, Search *search, GError **error) {
  const char *operand = session_get_operand(session, 1);
  g_autofree char *key = NULL;
  if (operand == NULL)
    return look_everywhere(session, search, error);
  key = data_parse_key(operand, error);
  return key != NULL && tree_walk(session, key, G_MAXUINT32, look_at_key, search, error);
}

static void search_init(Search *search, const Session *session, const char *pattern) {
  *search = (Search){.folded = path_fold(pattern)};
  search->keys = session_has(session, OPTION_KEYS);
  search->values = session_has(session, OPTION_VALUES);
  search->data = session_has(session, OPTION_DATA);
  if (!search->keys && !search->values && !search->data)
    search->keys = search->values = search->data = TRUE;
  if (strpbrk(pattern, "*?") != NULL)
    search->pattern = g_pattern_spec_new(search->folded);
}

static void search_clear(Search *search) {
  g_clear_pointer(&search->pattern, g_pattern_spec_free);
  g_free(search->folded);
  g_free(search->key);
}

gboolean verb_find_matches(Session *session, GError **error) {
  Search search;
  const char *pattern = session_get_operand(session, 0);
  gboolean as_json = session_has(session, OPTION_JSON);
  if (!g_utf8_validate(pattern, -1, NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "PATTERN is not valid UTF-8");
  search_init(&search, session, pattern);
  if (as_json)
    json_begin(&session->json, '[');
  gboolean looked = look(session, &search, error);
  group_print(&search.group, session);
  if (as_json && looked) {
    json_end(&session->json, ']');
    g_string_append_c(session_out(session), '\n');
  }
  if (search.found == 0)
    session->exit_code = EXIT_CODE_NOT_FOUND;
  search_clear(&search);
  return looked;
}
