/* SPDX-License-Identifier: MIT */
/* The schema file format: text in, SchemaKeys out. Pure. */
#ifndef SCHEMA_PARSE_H
#define SCHEMA_PARSE_H

#include "schema/rules.h"

/* Parses the whole of one file and adds its keys to @set, or adds nothing:
 * INVALID_VALUE names @file and the line. */
gboolean schema_parse(SchemaSet *set, const char *file, const char *text, gsize size,
                      GError **error);

#endif
