/* SPDX-License-Identifier: MIT */
/* Checks a value against its description. Each rule is a row of a table; the first broken
 * rule makes the message. */
#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "schema/rules.h"

typedef struct {
  const SchemaValue *described;
  const char *path, *name, *file; /* for the message */
  const RegistryValue *value;
  GStrv texts; /* the strings of a string or multi-string; NULL for other forms */
} Subject;

/* ---- messages ---- */

static const char *shown_name(const char *name) {
  return *name ? name : "@";
}

static char *show_text(const char *text) {
  g_autofree char *shown = text_for_message(text, -1);
  return g_strdup_printf("\"%s\"", shown);
}

static char *show_type(guint32 type) {
  const char *name = registry_type_get_name(type);
  return name != NULL ? g_strdup(name) : g_strdup_printf("type %u", type);
}

static char *show_types(const SchemaValue *described) {
  g_autofree char *first = show_type(described->type);
  if (!described->has_other_type)
    return g_steal_pointer(&first);
  g_autofree char *other = show_type(described->other_type);
  return g_strdup_printf("%s or %s", first, other);
}

static char *show_allowed(char *const *allowed) {
  g_autoptr(GString) shown = g_string_new(NULL);
  for (char *const *word = allowed; *word != NULL; word++) {
    g_autofree char *text = show_text(*word);
    g_string_append_printf(shown, "%s%s",
                           word == allowed   ? ""
                           : word[1] != NULL ? ", "
                                             : " or ",
                           text);
  }
  return g_string_free(g_steal_pointer(&shown), FALSE);
}

/* @given is what was given, @right what is allowed. A secret is not repeated. */
static gboolean violates(const Subject *subject, const char *rule, const char *given,
                         const char *right, GError **error) {
  const char *summary = subject->described->summary;
  return error_set(error, REGISTRY_ERROR_SCHEMA_VIOLATION,
                   "%s: %s: %s breaks the rule \"%s\" of %s: it must be %s%s%s%s", subject->path,
                   shown_name(subject->name), subject->described->secret ? "what was given" : given,
                   rule, subject->file, right, summary != NULL ? " (" : "",
                   summary != NULL ? summary : "", summary != NULL ? ")" : "");
}

/* ---- rules ---- */

static gboolean has_type(const SchemaValue *described, guint32 type) {
  return type == described->type || (described->has_other_type && type == described->other_type);
}

/* If two types are allowed, a rule applies only to its own. */
static gboolean is_of_other_type(const Subject *subject) {
  return subject->described->has_other_type;
}

static gboolean check_type(const Subject *subject, GError **error) {
  guint32 type = registry_value_get_type(subject->value);
  if (!subject->described->typed || has_type(subject->described, type))
    return TRUE;
  g_autofree char *given = show_type(type);
  g_autofree char *right = show_types(subject->described);
  return violates(subject, "type", given, right, error);
}

static gboolean takes_bytes(guint32 type) {
  switch (type) {
  case REGISTRY_SZ:
  case REGISTRY_EXPAND_SZ:
  case REGISTRY_LINK:
  case REGISTRY_MULTI_SZ:
  case REGISTRY_DWORD:
  case REGISTRY_DWORD_BIG_ENDIAN:
  case REGISTRY_QWORD:
    return FALSE;
  default:
    return TRUE;
  }
}

/* The registry keeps malformed data, except where a schema demands a type. */
static gboolean check_form(const Subject *subject, GError **error) {
  gsize size = 0;
  guint32 type = registry_value_get_type(subject->value);
  if (!subject->described->typed || takes_bytes(type))
    return TRUE;
  if (registry_value_get_form(subject->value) != REGISTRY_FORM_BYTES)
    return TRUE;
  registry_value_get_bytes(subject->value, &size);
  g_autofree char *given = g_strdup_printf("malformed data of %" G_GSIZE_FORMAT " bytes", size);
  g_autofree char *name = show_type(type);
  g_autofree char *right = g_strdup_printf("well-formed %s", name);
  return violates(subject, "type", given, right, error);
}

static gboolean check_max_length(const Subject *subject, GError **error) {
  gsize limit = subject->described->max_length, length = 0;
  if (!subject->described->has_max_length)
    return TRUE;
  if (subject->texts == NULL && is_of_other_type(subject))
    return TRUE;
  if (subject->texts == NULL)
    registry_value_get_bytes(subject->value, &length);
  for (char **text = subject->texts; text != NULL && *text != NULL; text++)
    length = MAX(length, (gsize)g_utf8_strlen(*text, -1));
  if (length <= limit)
    return TRUE;
  const char *unit = subject->texts != NULL ? "characters" : "bytes";
  g_autofree char *given = g_strdup_printf("a length of %" G_GSIZE_FORMAT " %s", length, unit);
  g_autofree char *right = g_strdup_printf("at most %" G_GSIZE_FORMAT " %s", limit, unit);
  return violates(subject, "max-length", given, right, error);
}

static char *show_range(const SchemaValue *described) {
  if (!described->has_maximum)
    return g_strdup_printf("%" G_GUINT64_FORMAT " or more", described->minimum);
  return g_strdup_printf("%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                         described->has_minimum ? described->minimum : 0, described->maximum);
}

static gboolean check_range(const Subject *subject, GError **error) {
  const SchemaValue *described = subject->described;
  guint32 small = 0;
  guint64 number = 0;
  if (!described->has_minimum && !described->has_maximum)
    return TRUE;
  if (registry_value_get_uint32(subject->value, &small))
    number = small;
  else if (!registry_value_get_uint64(subject->value, &number))
    return is_of_other_type(subject) ||
           violates(subject, "range", "what is no number", "a number", error);
  if ((!described->has_minimum || number >= described->minimum) &&
      (!described->has_maximum || number <= described->maximum))
    return TRUE;
  g_autofree char *given = g_strdup_printf("%" G_GUINT64_FORMAT, number);
  g_autofree char *right = show_range(described);
  return violates(subject, "range", given, right, error);
}

static gboolean check_allowed(const Subject *subject, GError **error) {
  const char *const *allowed = (const char *const *)subject->described->allowed;
  if (allowed == NULL)
    return TRUE;
  g_autofree char *right = NULL;
  for (char **text = subject->texts; text != NULL && *text != NULL; text++) {
    if (g_strv_contains(allowed, *text))
      continue;
    g_autofree char *given = show_text(*text);
    right = show_allowed(subject->described->allowed);
    return violates(subject, "allowed", given, right, error);
  }
  if (subject->texts != NULL || is_of_other_type(subject))
    return TRUE;
  right = show_allowed(subject->described->allowed);
  return violates(subject, "allowed", "what is no string", right, error);
}

/* A string on which matching would take too long is refused, and told so. */
static gboolean refuse_long_match(const Subject *subject, GError **error) {
  g_autofree char *right = g_strdup_printf("what can be compared with %s in %u steps",
                                           subject->described->pattern, LIMIT_PATTERN_STEPS);
  return violates(subject, "pattern", "a string that takes too long to compare", right, error);
}

static gboolean check_text_pattern(const Subject *subject, const char *text, GError **error) {
  g_autoptr(GError) gave_up = NULL;
  if (g_regex_match_full(subject->described->regex, text, -1, 0, 0, NULL, &gave_up))
    return TRUE;
  if (gave_up != NULL)
    return refuse_long_match(subject, error);
  g_autofree char *right = g_strdup_printf("what matches %s", subject->described->pattern);
  g_autofree char *given = show_text(text);
  return violates(subject, "pattern", given, right, error);
}

static gboolean check_pattern(const Subject *subject, GError **error) {
  if (subject->described->regex == NULL)
    return TRUE;
  for (char **text = subject->texts; text != NULL && *text != NULL; text++)
    if (!check_text_pattern(subject, *text, error))
      return FALSE;
  if (subject->texts != NULL || is_of_other_type(subject))
    return TRUE;
  g_autofree char *right = g_strdup_printf("what matches %s", subject->described->pattern);
  return violates(subject, "pattern", "what is no string", right, error);
}

typedef gboolean (*Rule)(const Subject *subject, GError **error);
static const Rule rules[] = {
    check_type, check_form, check_max_length, check_range, check_allowed, check_pattern,
};

/* Strings are extracted from the value once, and only if a rule needs them. */
static GStrv dup_texts(const SchemaValue *described, const RegistryValue *value) {
  if (!described->has_max_length && described->allowed == NULL && described->regex == NULL)
    return NULL;
  char *text = registry_value_dup_string(value);
  if (text == NULL)
    return registry_value_dup_strings(value);
  GStrv texts = g_new0(char *, 2);
  texts[0] = text;
  return texts;
}

gboolean schema_value_check(const SchemaValue *described, const char *path, const char *name,
                            const char *file, const RegistryValue *value, GError **error) {
  g_auto(GStrv) texts = dup_texts(described, value);
  Subject subject = {described, path, name, file, value, texts};
  for (gsize i = 0; i < G_N_ELEMENTS(rules); i++)
    if (!rules[i](&subject, error))
      return FALSE;
  return TRUE;
}

static char *show_names(const SchemaKey *key) {
  g_autoptr(GString) names = g_string_new(NULL);
  for (guint i = 0; i < key->values->len; i++) {
    const SchemaValue *value = g_ptr_array_index(key->values, i);
    g_string_append_printf(names, "%s%s", i == 0 ? "" : ", ", shown_name(value->name));
  }
  gboolean nothing = names->len == 0;
  return g_string_free(g_steal_pointer(&names), nothing);
}

static gboolean refuse_undescribed(const SchemaKey *closed, const char *path, const char *name,
                                   GError **error) {
  g_autofree char *names = show_names(closed);
  return error_set(error, REGISTRY_ERROR_SCHEMA_VIOLATION,
                   "%s: %s: this name breaks the rule \"closed\" of %s: the key takes only %s",
                   path, shown_name(name), closed->file, names != NULL ? names : "sub-keys");
}

gboolean schema_set_check(const SchemaSet *set, const char *path, const char *name,
                          const RegistryValue *value, GError **error) {
  const SchemaKey *key = NULL;
  const SchemaValue *described = schema_set_find_rules(set, path, name, &key);
  if (described != NULL)
    return schema_value_check(described, path, name, key->file, value, error);
  return key == NULL || refuse_undescribed(key, path, name, error);
}

/* ---- patterns ---- */

static gboolean pattern_fails(const char *pattern, const GError *problem, GError **error) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the pattern %s can't be used: %s", pattern,
                   problem->message);
}

GRegex *schema_pattern_compile(const char *pattern, GError **error) {
  g_autoptr(GError) problem = NULL;
  /* By itself first, so that `a)|(b` is not made well formed by what is put around it. */
  g_autoptr(GRegex) alone = g_regex_new(pattern, G_REGEX_NO_AUTO_CAPTURE, 0, &problem);
  if (alone == NULL) {
    pattern_fails(pattern, problem, error);
    return NULL;
  }
  /* The limits end a match that backtracks without measure. */
  g_autofree char *whole = g_strdup_printf("(*LIMIT_MATCH=%u)(*LIMIT_DEPTH=%u)\\A(?:%s)\\z",
                                           LIMIT_PATTERN_STEPS, LIMIT_PATTERN_DEPTH, pattern);
  GRegex *regex = g_regex_new(whole, G_REGEX_NO_AUTO_CAPTURE, 0, &problem);
  if (regex == NULL)
    pattern_fails(pattern, problem, error);
  return regex;
}
