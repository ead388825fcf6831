/* SPDX-License-Identifier: MIT */
/* The schema file format: lines and sections. attributes.c knows what a setting means.
 * regd-schema(5) describes the format. */
#include "schema/parse.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "schema/attributes.h"
#include "schema/words.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define DEFAULT_VALUE "@"

typedef struct {
  const char *file; /* base name */
  guint line;       /* the one being read, from 1 */
  guint blamed;     /* the line that an error is about */
  GPtrArray *keys;  /* of SchemaKey: the finished and the current one */
  Section section;
  guint section_line;  /* 0: no section has begun */
  gboolean continuing; /* whether an indented line belongs to `continued` */
  Setting continued;
  GHashTable *names; /* folded names and aliases of the current key -> line */
} Parser;

static void parser_clear(Parser *parser) {
  g_clear_pointer(&parser->keys, g_ptr_array_unref);
  g_clear_pointer(&parser->names, g_hash_table_unref);
  g_free(parser->section.default_text);
}

/* ---- sections ---- */

/* Two descriptions of one name in one key would hide each other. */
static gboolean claim_name(Parser *parser, const char *name, guint line, GError **error) {
  g_autofree char *folded = path_fold(name);
  gpointer first = g_hash_table_lookup(parser->names, folded);
  if (first != NULL) {
    parser->blamed = line;
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "the key has a value %s already, from line %u", *name ? name : DEFAULT_VALUE,
                     GPOINTER_TO_UINT(first));
  }
  g_hash_table_insert(parser->names, g_steal_pointer(&folded), GUINT_TO_POINTER(line));
  return TRUE;
}

static gboolean finish_section(Parser *parser, GError **error) {
  Section *section = &parser->section;
  parser->blamed = parser->section_line;
  if (!section_finish(section, &parser->blamed, error))
    return FALSE;
  for (char **alias = section->value != NULL ? section->value->aliases : NULL;
       alias != NULL && *alias != NULL; alias++)
    if (!claim_name(parser, *alias, section->lines[SETTING_ALIAS], error))
      return FALSE;
  g_free(section->default_text);
  *section = (Section){.key = section->key};
  return TRUE;
}

/* `*` stands for a whole component, so a component that only holds one is a mistake. */
static gboolean check_stars(const Path *path, GError **error) {
  for (char **component = path->components; *component != NULL; component++)
    if (strchr(*component, '*') != NULL && strcmp(*component, "*") != 0)
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                       "* stands for one whole component of a path, not for a part of %s",
                       *component);
  return TRUE;
}

static gboolean begin_key(Parser *parser, const char *text, GError **error) {
  g_autofree char *spelled = *text == '"' ? words_parse_one(text, error) : g_strdup(text);
  g_autoptr(Path) path = spelled != NULL ? path_parse(spelled, error) : NULL;
  if (path == NULL || !check_stars(path, error))
    return FALSE;
  if (path->root == PATH_ROOT_ABOVE)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a key's path is missing after [key");
  SchemaKey *key = g_new0(SchemaKey, 1);
  key->path = path_to_string(path);
  key->file = g_strdup(parser->file);
  key->values = g_ptr_array_new_with_free_func((GDestroyNotify)schema_value_free);
  g_ptr_array_add(parser->keys, key);
  g_hash_table_remove_all(parser->names);
  parser->section.key = key;
  return TRUE;
}

static gboolean begin_value(Parser *parser, const char *text, GError **error) {
  if (parser->section.key == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a [value] belongs below a [key]");
  if (*text == '\0')
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "a value's name is missing after [value; @ is the default value");
  g_autofree char *name = *text == '"' ? words_parse_one(text, error)
                                       : g_strdup(strcmp(text, DEFAULT_VALUE) == 0 ? "" : text);
  if (name == NULL || !path_check_value_name(name, error))
    return FALSE;
  if (!claim_name(parser, name, parser->line, error))
    return FALSE;
  SchemaValue *value = g_new0(SchemaValue, 1);
  value->name = g_steal_pointer(&name);
  value->aliases = g_new0(char *, 1);
  g_ptr_array_add(parser->section.key->values, value);
  parser->section.value = value;
  return TRUE;
}

typedef struct {
  const char *word;
  gboolean (*begin)(Parser *parser, const char *text, GError **error);
} SectionRow;

static const SectionRow sections[] = {{"key", begin_key}, {"value", begin_value}};

/* @line is `[word text]`, without blanks around it. */
static gboolean begin_section(Parser *parser, char *line, GError **error) {
  char *end = strrchr(line, ']');
  if (end == NULL || end[1] != '\0')
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a section ends in ]");
  *end = '\0';
  gsize length = strcspn(line + 1, " \t");
  const char *text = g_strstrip(line + 1 + length + (line[1 + length] ? 1 : 0));
  if (!finish_section(parser, error))
    return FALSE;
  parser->blamed = parser->section_line = parser->line;
  for (gsize i = 0; i < G_N_ELEMENTS(sections); i++)
    if (strlen(sections[i].word) == length && memcmp(line + 1, sections[i].word, length) == 0)
      return sections[i].begin(parser, text, error);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a section is [key PATH] or [value NAME]");
}

/* ---- settings ---- */

static char *list_settings(void) {
  g_autoptr(GString) names = g_string_new(setting_get_name(0));
  for (guint i = 1; i < N_SETTINGS; i++)
    g_string_append_printf(names, ", %s", setting_get_name((Setting)i));
  return g_string_free(g_steal_pointer(&names), FALSE);
}

static gboolean take_setting(Parser *parser, char *line, GError **error) {
  Setting setting = N_SETTINGS;
  char *equals = strchr(line, '=');
  const char *text = equals != NULL ? g_strstrip(equals + 1) : NULL;
  if (equals != NULL)
    *equals = '\0';
  g_strchomp(line);
  if (!parser->section_line)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a [key] comes before anything else");
  if (!setting_parse(line, &setting)) {
    g_autofree char *names = list_settings();
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "\"%s\" is no setting; settings are %s",
                     line, names);
  }
  parser->continuing = setting_is_prose(setting);
  parser->continued = setting;
  return section_set(&parser->section, setting, text, parser->line, error);
}

static gboolean continue_setting(Parser *parser, const char *line, GError **error) {
  if (!parser->continuing)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "a line that begins with a blank continues a summary or description, and "
                     "there is none before it");
  section_continue(&parser->section, parser->continued, line);
  return TRUE;
}

/* ---- lines ---- */

static gboolean take_line(Parser *parser, char *line, GError **error) {
  gboolean indented = *line == ' ' || *line == '\t';
  line = g_strstrip(line);
  parser->blamed = parser->line;
  if (*line == '#')
    return TRUE;
  if (indented && *line)
    return continue_setting(parser, line, error);
  parser->continuing = FALSE;
  if (*line == '\0')
    return TRUE;
  return *line == '[' ? begin_section(parser, line, error) : take_setting(parser, line, error);
}

static gboolean take_lines(Parser *parser, const char *text, GError **error) {
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    parser->line++;
    if (!take_line(parser, *line, error))
      return FALSE;
  }
  return finish_section(parser, error);
}

static gboolean check_text(const char *text, gsize size, GError **error) {
  if (size > LIMIT_SCHEMA_FILE_BYTES)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "more than %u bytes",
                     LIMIT_SCHEMA_FILE_BYTES);
  if (!g_utf8_validate_len(text, size, NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "a schema is text in UTF-8 without NUL characters");
  return TRUE;
}

static gboolean refuse(const char *file, guint line, const GError *problem, GError **error) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: line %u: %s", file, line,
                   problem->message);
}

gboolean schema_parse(SchemaSet *set, const char *file, const char *text, gsize size,
                      GError **error) {
  g_autoptr(GError) problem = NULL;
  if (!check_text(text, size, &problem))
    return refuse(file, 1, problem, error);
  g_autofree char *copy = g_strndup(text, size);
  g_autofree char *base = g_path_get_basename(file);
  Parser parser = {.file = base};
  parser.keys = g_ptr_array_new_with_free_func((GDestroyNotify)schema_key_free);
  parser.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gboolean marked = g_str_has_prefix(copy, BYTE_ORDER_MARK);
  gboolean taken = take_lines(&parser, copy + (marked ? strlen(BYTE_ORDER_MARK) : 0), &problem);
  if (!taken)
    refuse(file, parser.blamed, problem, error);
  while (taken && parser.keys->len > 0)
    schema_set_add(set, g_ptr_array_steal_index(parser.keys, 0));
  parser_clear(&parser);
  return taken;
}
