/* SPDX-License-Identifier: MIT */
/* The formats of an export, and how each lays out a file: one printer for each,
 * fed key by key. Pure. */
#ifndef REGD_FILES_EXPORT_FORMAT_H
#define REGD_FILES_EXPORT_FORMAT_H

#include "regd/read/reader.h"

typedef enum { EXPORT_REG5, EXPORT_REG4, EXPORT_JSON, EXPORT_FORMATS } ExportFormat;

typedef struct {
  ExportFormat format;
  gboolean utf8; /* else UTF-16LE; JSON is always UTF-8, REGEDIT4 8-bit text */
  gboolean has_at;
  guint64 at;
  gboolean skip_unreadable;
  gboolean no_follow;
} ExportOptions;

/* "reg5", "reg4", "json"; FALSE for anything else. */
gboolean export_format_parse(const char *word, ExportFormat *format);

typedef struct {
  /* @path: the key that is exported, as it was asked for. */
  gpointer (*begin)(const ExportOptions *options, const char *path, GByteArray *out);
  /* @path: how the key is named in the file. */
  void (*key)(gpointer printer, const char *path, const VisitedKey *key, GByteArray *out);
  void (*value)(gpointer printer, const NamedValue *value, GByteArray *out);
  void (*end)(gpointer printer, GByteArray *out);
  void (*free)(gpointer printer);
} ExportPrinter;

const ExportPrinter *export_format_get_printer(ExportFormat format);

extern const ExportPrinter export_regfile; /* export-regfile.c */
extern const ExportPrinter export_json;    /* export-json.c */

#endif
