/* SPDX-License-Identifier: MIT */
/* Reading schema directories: the only I/O of this room. */
#ifndef SCHEMA_LOAD_H
#define SCHEMA_LOAD_H

#include "schema/rules.h"

/* Reads every *.schema of @directories (NULL-terminated) in order of name; a missing
 * directory is no problem. A bad file is left out and named in @problems (of char *, may
 * be NULL). Never fails. */
SchemaSet *schema_load(const char *const *directories, GPtrArray *problems);

#endif
