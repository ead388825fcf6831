/* SPDX-License-Identifier: MIT */
/* Schemas in memory: what keys and values may be, and the checks. Pure. A SchemaSet is
 * immutable once loaded, and its references are counted atomically: the writer's thread
 * may hold the one it began with while another is loaded, and any number of threads may
 * use it at the same time.
 *
 * Paths given are canonical. A schema's path may say CurrentControlSet: it
 * holds for every control set (HKLM\SYSTEM\ControlSet<digits>); HKCU stands
 * for every direct sub-key of HKEY_USERS; HKCR and HKCC for what they link to.
 *
 * Several descriptions may hold for one key: the more exact path (fewer `*`)
 * comes first, of two with the same path the one added last; what the first
 * does not describe the next may. */
#ifndef SCHEMA_RULES_H
#define SCHEMA_RULES_H

#include "client/base/change.h"

typedef struct {
  char *name;     /* the described name; "" is the key's default value */
  GStrv aliases;  /* other names it is known by; NULL-terminated, never NULL */
  gboolean typed; /* whether `type` is demanded */
  guint32 type;
  gboolean has_other_type; /* `type` names two: a rule applies to the values of its own type */
  guint32 other_type;
  char *summary;                /* one line, or NULL */
  char *description;            /* paragraphs separated by empty lines, or NULL */
  RegistryValue *default_value; /* or NULL */
  GStrv allowed;                /* allowed strings, or NULL */
  char *pattern;                /* as written, or NULL; matches the whole string */
  GRegex *regex;                /* its compiled form; NULL only where pattern is */
  gboolean has_minimum, has_maximum;
  guint64 minimum, maximum;
  gboolean has_max_length;
  guint32 max_length; /* characters of a string, or bytes of binary data */
  gboolean required;
  gboolean secret;
} SchemaValue;

typedef struct {
  char *path; /* as written, long root */
  char *summary;
  char *description;
  gboolean closed;   /* takes only the values described */
  GPtrArray *values; /* of SchemaValue */
  char *file;        /* base name of the file it came from */
} SchemaKey;

typedef struct SchemaSet SchemaSet;
SchemaSet *schema_set_new(void);
SchemaSet *schema_set_ref(SchemaSet *set);
void schema_set_unref(SchemaSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SchemaSet, schema_set_unref)
/* Takes ownership. @key's path is one that path_parse() took. Only before the set is
 * shared. If two describe the same value, the one added last wins. */
void schema_set_add(SchemaSet *set, SchemaKey *key);

/* FALSE: nothing at or below @path is described. Cheaper than any other look-up. */
gboolean schema_set_reaches(const SchemaSet *set, const char *path);
/* NULL: not described. The more exact path (fewer `*`) wins. */
const SchemaKey *schema_set_find_key(const SchemaSet *set, const char *path);
/* By the described name or an alias, in any case; *@key (may be NULL) is where it was found. */
const SchemaValue *schema_set_find_value(const SchemaSet *set, const char *path, const char *name,
                                         const SchemaKey **key);
gboolean schema_set_is_secret(const SchemaSet *set, const char *path, const char *name);
/* The same; if the value is not described, *@key is the description that forbids other
 * values in this key, or NULL if the key may hold any. */
const SchemaValue *schema_set_find_rules(const SchemaSet *set, const char *path, const char *name,
                                         const SchemaKey **key);

/* SCHEMA_VIOLATION: the value, the rule, what was given (not for secrets) and
 * what is allowed, as `KEY: NAME: ...` with @ for the default value's name. */
gboolean schema_set_check(const SchemaSet *set, const char *path, const char *name,
                          const RegistryValue *value, GError **error);
/* The same for one value's rules (not those of its name): what schema_set_check()
 * does once it has found them. @path, @name and @file are for the message. */
gboolean schema_value_check(const SchemaValue *described, const char *path, const char *name,
                            const char *file, const RegistryValue *value, GError **error);
/* Names of required values that are in none of @names (NULL-terminated, names
 * or aliases); NULL-terminated, owned by the caller. */
char **schema_set_missing(const SchemaSet *set, const char *path, const char *const *names);

/* Compiles @pattern so that it matches whole strings only, and gives up on a string that
 * takes too long. INVALID_VALUE: the message says what is wrong with it. */
GRegex *schema_pattern_compile(const char *pattern, GError **error);

void schema_key_free(SchemaKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SchemaKey, schema_key_free)
void schema_value_free(SchemaValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SchemaValue, schema_value_free)

#endif
