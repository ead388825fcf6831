/* SPDX-License-Identifier: MIT */
/* The .reg files of an export (see export-format.h). */
#include "client/regfile/regfile.h"
#include "regd/files/export-format.h"

static gpointer begin_regfile(const ExportOptions *options, G_GNUC_UNUSED const char *path,
                              GByteArray *out) {
  gboolean four = options->format == EXPORT_REG4;
  RegfilePrinter *printer =
      regfile_printer_new(four ? REGFILE_VERSION_4 : REGFILE_VERSION_5,
                          four || options->utf8 ? REGFILE_UTF8 : REGFILE_UTF16);
  regfile_printer_begin(printer, out);
  return printer;
}

static void write_regfile_key(gpointer printer, const char *path,
                              G_GNUC_UNUSED const VisitedKey *key, GByteArray *out) {
  regfile_printer_key(printer, path, out);
}

static void write_regfile_value(gpointer printer, const NamedValue *value, GByteArray *out) {
  regfile_printer_value(printer, value->name, value->value, out);
}

static void end_regfile(gpointer printer, GByteArray *out) {
  regfile_printer_end(printer, out);
}

static void free_regfile(gpointer printer) {
  regfile_printer_free(printer);
}

const ExportPrinter export_regfile = {begin_regfile, write_regfile_key, write_regfile_value,
                                      end_regfile, free_regfile};
