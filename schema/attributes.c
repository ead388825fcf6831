/* SPDX-License-Identifier: MIT */
/* The settings of a schema file, a row of a table each. */
#include "schema/attributes.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/number.h"
#include "client/base/path.h"
#include "schema/words.h"

enum { OF_KEY = 1 << 0, OF_VALUE = 1 << 1 };

/* The types that a rule applies to. */
enum { WITH_STRINGS = 1 << 0, WITH_NUMBERS = 1 << 1, WITH_BYTES = 1 << 2, WITH_ANY = 1 << 3 };

typedef struct {
  const char *name;
  guint where;      /* OF_ */
  guint types;      /* WITH_; 0: needs no type */
  gboolean flag;    /* stands alone */
  gboolean repeats; /* may be set more than once, adding to a list */
  gboolean (*set)(Section *section, const char *text, GError **error);
} SettingRow;

/* ---- taking one setting ---- */

static gboolean set_summary(Section *section, const char *text, G_GNUC_UNUSED GError **error) {
  *(section->value != NULL ? &section->value->summary : &section->key->summary) = g_strdup(text);
  return TRUE;
}

static gboolean set_description(Section *section, const char *text, G_GNUC_UNUSED GError **error) {
  *(section->value != NULL ? &section->value->description : &section->key->description) =
      g_strdup(text);
  return TRUE;
}

static gboolean set_closed(Section *section, G_GNUC_UNUSED const char *text,
                           G_GNUC_UNUSED GError **error) {
  section->key->closed = TRUE;
  return TRUE;
}

static gboolean set_required(Section *section, G_GNUC_UNUSED const char *text,
                             G_GNUC_UNUSED GError **error) {
  section->value->required = TRUE;
  return TRUE;
}

static gboolean set_secret(Section *section, G_GNUC_UNUSED const char *text,
                           G_GNUC_UNUSED GError **error) {
  section->value->secret = TRUE;
  return TRUE;
}

static gboolean parse_type(const char *text, guint32 *type, GError **error) {
  return registry_type_parse(text, type) ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s is no type; types are REG_SZ, REG_MULTI_SZ, REG_DWORD and so on", text);
}

/* One type, or two with | between them. */
static gboolean set_type(Section *section, const char *text, GError **error) {
  SchemaValue *value = section->value;
  g_auto(GStrv) types = g_strsplit(text, "|", 3);
  if (g_strv_length(types) > 2)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a value has one type, or one of two");
  value->typed = types[0] != NULL && parse_type(g_strstrip(types[0]), &value->type, error);
  value->has_other_type = value->typed && types[1] != NULL;
  return value->typed &&
         (!value->has_other_type || parse_type(g_strstrip(types[1]), &value->other_type, error));
}

/* Appends the words of @text to *@list. */
static gboolean add_words(GStrv *list, const char *text, GError **error) {
  g_auto(GStrv) words = words_parse(text, error);
  if (words == NULL)
    return FALSE;
  if (*words == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "words separated by | are expected");
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (char **word = *list; word != NULL && *word != NULL; word++)
    g_strv_builder_add(builder, *word);
  for (char **word = words; *word != NULL; word++)
    g_strv_builder_add(builder, *word);
  g_strfreev(*list);
  *list = g_strv_builder_end(builder);
  return TRUE;
}

static gboolean set_alias(Section *section, const char *text, GError **error) {
  if (!add_words(&section->value->aliases, text, error))
    return FALSE;
  for (char **alias = section->value->aliases; *alias != NULL; alias++)
    if (!path_check_value_name(*alias, error))
      return FALSE;
  return TRUE;
}

static gboolean set_allowed(Section *section, const char *text, GError **error) {
  return add_words(&section->value->allowed, text, error);
}

static gboolean set_pattern(Section *section, const char *text, GError **error) {
  section->value->regex = schema_pattern_compile(text, error);
  section->value->pattern = g_strdup(text);
  return section->value->regex != NULL;
}

static gboolean set_range(Section *section, const char *text, GError **error) {
  SchemaValue *value = section->value;
  const char *dots = strstr(text, "..");
  if (dots == NULL || (dots == text && dots[2] == '\0'))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "a range is LOWEST..HIGHEST, LOWEST.. or ..HIGHEST, not %s", text);
  g_autofree char *low = g_strchomp(g_strndup(text, (gsize)(dots - text)));
  g_autofree char *high = g_strchug(g_strdup(dots + 2));
  value->has_minimum = *low != '\0';
  value->has_maximum = *high != '\0';
  if (value->has_minimum && !number_parse(low, G_MAXUINT64, &value->minimum))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s is no number", low);
  if (value->has_maximum && !number_parse(high, G_MAXUINT64, &value->maximum))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s is no number", high);
  if (value->has_maximum && value->minimum > value->maximum)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the range %s is empty", text);
  return TRUE;
}

static gboolean set_max_length(Section *section, const char *text, GError **error) {
  guint64 number = 0;
  section->value->has_max_length = number_parse(text, G_MAXUINT32, &number);
  section->value->max_length = (guint32)number;
  return section->value->has_max_length ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s is no length", text);
}

static gboolean set_default(Section *section, const char *text, G_GNUC_UNUSED GError **error) {
  section->default_text = g_strdup(text);
  return TRUE;
}

static const SettingRow settings[N_SETTINGS] = {
    [SETTING_SUMMARY] = {"summary", OF_KEY | OF_VALUE, 0, FALSE, FALSE, set_summary},
    [SETTING_DESCRIPTION] = {"description", OF_KEY | OF_VALUE, 0, FALSE, FALSE, set_description},
    [SETTING_CLOSED] = {"closed", OF_KEY, 0, TRUE, FALSE, set_closed},
    [SETTING_TYPE] = {"type", OF_VALUE, 0, FALSE, FALSE, set_type},
    [SETTING_ALIAS] = {"alias", OF_VALUE, 0, FALSE, TRUE, set_alias},
    [SETTING_ALLOWED] = {"allowed", OF_VALUE, WITH_STRINGS, FALSE, TRUE, set_allowed},
    [SETTING_PATTERN] = {"pattern", OF_VALUE, WITH_STRINGS, FALSE, FALSE, set_pattern},
    [SETTING_RANGE] = {"range", OF_VALUE, WITH_NUMBERS, FALSE, FALSE, set_range},
    [SETTING_MAX_LENGTH] = {"max-length", OF_VALUE, WITH_STRINGS | WITH_BYTES, FALSE, FALSE,
                            set_max_length},
    [SETTING_DEFAULT] = {"default", OF_VALUE, WITH_ANY, FALSE, FALSE, set_default},
    [SETTING_REQUIRED] = {"required", OF_VALUE, 0, TRUE, FALSE, set_required},
    [SETTING_SECRET] = {"secret", OF_VALUE, 0, TRUE, FALSE, set_secret},
};

const char *setting_get_name(Setting setting) {
  return settings[setting].name;
}

gboolean setting_parse(const char *word, Setting *setting) {
  for (guint i = 0; i < N_SETTINGS; i++) {
    if (strcmp(settings[i].name, word) != 0)
      continue;
    *setting = (Setting)i;
    return TRUE;
  }
  return FALSE;
}

gboolean setting_is_prose(Setting setting) {
  return setting == SETTING_SUMMARY || setting == SETTING_DESCRIPTION;
}

gboolean section_set(Section *section, Setting setting, const char *text, guint line,
                     GError **error) {
  const SettingRow *row = &settings[setting];
  if (!(row->where & (section->value != NULL ? OF_VALUE : OF_KEY)))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "\"%s\" is a setting of a %s", row->name,
                     section->value != NULL ? "key" : "value");
  if (section->lines[setting] && !row->repeats)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "\"%s\" was set in line %u", row->name,
                     section->lines[setting]);
  if (row->flag && text != NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "\"%s\" stands alone, without =", row->name);
  if (!row->flag && text == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "after \"%s\" comes = and its text",
                     row->name);
  /* Only the default of a multi-string may be empty: it is the empty list. */
  if (text != NULL && *text == '\0' && setting != SETTING_DEFAULT)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "\"%s\" has no text", row->name);
  section->lines[setting] = line;
  return row->set(section, text, error);
}

void section_continue(Section *section, Setting setting, const char *text) {
  char **prose =
      setting == SETTING_SUMMARY
          ? (section->value != NULL ? &section->value->summary : &section->key->summary)
          : (section->value != NULL ? &section->value->description : &section->key->description);
  gboolean paragraph = strcmp(text, ".") == 0;
  const char *joint = paragraph ? "\n\n" : g_str_has_suffix(*prose, "\n") ? "" : " ";
  char *longer = g_strconcat(*prose, joint, paragraph ? "" : text, NULL);
  g_free(*prose);
  *prose = longer;
}

/* ---- the section as a whole ---- */

static guint class_of_type(guint32 type) {
  switch (type) {
  case REGISTRY_SZ:
  case REGISTRY_EXPAND_SZ:
  case REGISTRY_LINK:
  case REGISTRY_MULTI_SZ:
    return WITH_STRINGS;
  case REGISTRY_DWORD:
  case REGISTRY_DWORD_BIG_ENDIAN:
  case REGISTRY_QWORD:
    return WITH_NUMBERS;
  default:
    return WITH_BYTES;
  }
}

static guint classes_of_value(const SchemaValue *value) {
  return class_of_type(value->type) |
         (value->has_other_type ? class_of_type(value->other_type) : 0);
}

/* A rule needs a type that it applies to. */
static gboolean check_types(const Section *section, guint *line, GError **error) {
  const SchemaValue *value = section->value;
  for (guint i = 0; i < N_SETTINGS; i++) {
    const SettingRow *row = &settings[i];
    if (!section->lines[i] || !row->types)
      continue;
    *line = section->lines[i];
    if (!value->typed)
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "\"%s\" needs a \"type\"", row->name);
    if (!((row->types & WITH_ANY) || (row->types & classes_of_value(value))))
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "\"%s\" says nothing about a %s",
                       row->name, registry_type_get_name(value->type));
  }
  return TRUE;
}

static RegistryValue *parse_number(guint32 type, const char *text, GError **error) {
  guint64 number = 0;
  guint64 maximum = type == REGISTRY_QWORD ? G_MAXUINT64 : G_MAXUINT32;
  if (!number_parse(text, maximum, &number)) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s is no number of the type", text);
    return NULL;
  }
  if (type == REGISTRY_QWORD)
    return registry_value_new_uint64(number);
  return registry_value_new_uint32(type, (guint32)number, error);
}

static RegistryValue *parse_strings(guint32 type, const char *text, GError **error) {
  if (type == REGISTRY_MULTI_SZ) {
    g_auto(GStrv) words = words_parse(text, error);
    return words != NULL ? registry_value_new_strings((const char *const *)words, error) : NULL;
  }
  g_autofree char *word = words_parse_one(text, error);
  return word != NULL ? registry_value_new_string(type, word, error) : NULL;
}

static RegistryValue *parse_bytes(guint32 type, const char *text, GError **error) {
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  while (g_ascii_isxdigit(text[0]) && g_ascii_isxdigit(text[1])) {
    guint8 byte = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
    g_byte_array_append(bytes, &byte, 1);
    text += 2;
    text += strspn(text, " ");
  }
  if (*text == '\0')
    return registry_value_new_bytes(type, bytes->data, bytes->len);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "bytes are pairs of hexadecimal digits, not %s",
            text);
  return NULL;
}

static RegistryValue *parse_default(guint32 type, const char *text, GError **error) {
  switch (class_of_type(type)) {
  case WITH_NUMBERS:
    return parse_number(type, text, error);
  case WITH_STRINGS:
    return parse_strings(type, text, error);
  default:
    return parse_bytes(type, text, error);
  }
}

/* If the rules refuse the default, one of the two is wrong. */
static gboolean finish_default(Section *section, guint *line, GError **error) {
  SchemaValue *value = section->value;
  if (section->default_text == NULL)
    return TRUE;
  *line = section->lines[SETTING_DEFAULT];
  value->default_value = parse_default(value->type, section->default_text, error);
  if (value->default_value == NULL)
    return FALSE;
  return schema_value_check(value, section->key->path, value->name, section->key->file,
                            value->default_value, error);
}

gboolean section_finish(Section *section, guint *line, GError **error) {
  if (section->value == NULL)
    return TRUE;
  return check_types(section, line, error) && finish_default(section, line, error);
}
