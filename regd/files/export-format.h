/* SPDX-License-Identifier: MIT */
/* How a file is laid out: one printer for each format, fed key by key. Pure. For
 * export.c alone. */
#ifndef REGD_FILES_EXPORT_FORMAT_H
#define REGD_FILES_EXPORT_FORMAT_H

#include "regd/files/export.h"

typedef struct {
  gpointer (*begin)(const ExportOptions *options, const char *path, GByteArray *out);
  /* @path: how the key is named in the file. */
  void (*key)(gpointer printer, const char *path, const VisitedKey *key, GByteArray *out);
  void (*value)(gpointer printer, const NamedValue *value, GByteArray *out);
  void (*end)(gpointer printer, GByteArray *out);
  void (*free)(gpointer printer);
} ExportPrinter;

extern const ExportPrinter export_regfile;
extern const ExportPrinter export_json;

#endif
