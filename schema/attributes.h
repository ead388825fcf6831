/* SPDX-License-Identifier: MIT */
/* The settings of a schema file: `name = text` lines, checked one by one as they come, and
 * as a whole when their section ends. Pure; parse.c reads lines and sections. */
#ifndef SCHEMA_ATTRIBUTES_H
#define SCHEMA_ATTRIBUTES_H

#include "schema/rules.h"

typedef enum {
  SETTING_SUMMARY,
  SETTING_DESCRIPTION,
  SETTING_CLOSED,
  SETTING_TYPE,
  SETTING_ALIAS,
  SETTING_ALLOWED,
  SETTING_PATTERN,
  SETTING_RANGE,
  SETTING_MAX_LENGTH,
  SETTING_DEFAULT,
  SETTING_REQUIRED,
  SETTING_SECRET,
  N_SETTINGS
} Setting;

/* One section under construction. */
typedef struct {
  SchemaKey *key;          /* [key]: this one; [value]: the one it belongs to */
  SchemaValue *value;      /* [value]; NULL for [key] */
  char *default_text;      /* `default` as written, until the type is known */
  guint lines[N_SETTINGS]; /* the line where each was set; 0: it was not */
} Section;

/* FALSE for a word that names no setting. */
gboolean setting_parse(const char *word, Setting *setting);
const char *setting_get_name(Setting setting);
/* Whether lines that follow may continue its text. */
gboolean setting_is_prose(Setting setting);

/* @text: what stands behind the `=`, without blanks around it; NULL: no `=`.
 * INVALID_VALUE: the message says what is wrong and what is right. */
gboolean section_set(Section *section, Setting setting, const char *text, guint line,
                     GError **error);
/* Appends a line of prose; "." alone begins a new paragraph. */
void section_continue(Section *section, Setting setting, const char *text);
/* Checks that the settings go together. *@line is the line to blame. */
gboolean section_finish(Section *section, guint *line, GError **error);

#endif
