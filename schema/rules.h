/* Schemas in memory: what keys and values are allowed to be, and the checks.
 * Pure. A SchemaSet is immutable once loaded and counted atomically, so the
 * writer's thread may hold the one it began with while another is read in.
 *
 * Paths given are canonical. A schema's path may say CurrentControlSet: it
 * holds for every control set (HKLM\SYSTEM\ControlSet<digits>); HKCU stands
 * for every direct sub-key of HKEY_USERS; HKCR and HKCC for what they link to. */
#ifndef REGISTRY_SCHEMA_RULES_H
#define REGISTRY_SCHEMA_RULES_H

#include "client/base/change.h"

typedef struct {
  char *name;     /* the described name */
  GStrv aliases;  /* other names it is known by; NULL-terminated, never NULL */
  gboolean typed; /* whether `type` is demanded */
  guint32 type;
  char *summary;
  char *description;
  RegistryValue *default_value; /* or NULL */
  GStrv allowed;                /* allowed strings, or NULL */
  char *pattern;                /* as written, or NULL; matches the whole string */
  GRegex *regex;                /* its compiled form */
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
/* Takes ownership. Where two describe the same value the one added last wins. */
void schema_set_add(SchemaSet *set, SchemaKey *key);

/* NULL: not described. The more exact path (fewer `*`) wins. */
const SchemaKey *schema_set_find_key(const SchemaSet *set, const char *path);
/* By the described name or an alias, in any case; *@key (may be NULL) is where it was found. */
const SchemaValue *schema_set_find_value(const SchemaSet *set, const char *path, const char *name,
                                         const SchemaKey **key);
gboolean schema_set_is_secret(const SchemaSet *set, const char *path, const char *name);

/* SCHEMA_VIOLATION: the value, the rule, what was given (not for secrets) and
 * what is allowed. */
gboolean schema_set_check(const SchemaSet *set, const char *path, const char *name,
                          const RegistryValue *value, GError **error);
/* Names of required values that are in none of @names (NULL-terminated, names
 * or aliases); NULL-terminated, owned by the caller. */
char **schema_set_missing(const SchemaSet *set, const char *path, const char *const *names);

void schema_key_free(SchemaKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SchemaKey, schema_key_free)
void schema_value_free(SchemaValue *value);

#endif
