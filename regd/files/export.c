/* SPDX-License-Identifier: MIT */
/* From a walk to a printer (see export.h), and the printer of .reg files. */
#include "regd/files/export.h"

#include <string.h>

#include "client/base/regfile.h"
#include "regd/files/export-format.h"

/* ---- .reg ---- */

static gpointer begin_regfile(const ExportOptions *options, const char *path, GByteArray *out) {
  (void)path;
  gboolean four = options->format == EXPORT_REG4;
  RegfilePrinter *printer =
      regfile_printer_new(four ? REGFILE_VERSION_4 : REGFILE_VERSION_5,
                          four || options->utf8 ? REGFILE_UTF8 : REGFILE_UTF16);
  regfile_printer_begin(printer, out);
  return printer;
}

static void write_regfile_key(gpointer printer, const char *path, const VisitedKey *key,
                              GByteArray *out) {
  (void)key;
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

static const struct {
  const char *word;
  const ExportPrinter *printer;
} formats[EXPORT_FORMATS] = {
    [EXPORT_REG5] = {"reg5", &export_regfile},
    [EXPORT_REG4] = {"reg4", &export_regfile},
    [EXPORT_JSON] = {"json", &export_json},
};

gboolean export_format_parse(const char *word, ExportFormat *format) {
  for (ExportFormat i = 0; i < EXPORT_FORMATS; i++) {
    if (strcmp(formats[i].word, word) != 0)
      continue;
    *format = i;
    return TRUE;
  }
  return FALSE;
}

/* ---- the walk ---- */

typedef struct {
  const ExportOptions *options;
  const ExportPrinter *format;
  gpointer printer;
  Spool *spool;
  Transfer *transfer;
  ExportReport *report;
  const TreeVisited *visited;
} Exporting;

static gboolean begin(const TreeVisited *visited, gpointer data, GError **error) {
  (void)error;
  Exporting *exporting = data;
  exporting->visited = visited;
  exporting->printer = exporting->format->begin(exporting->options, visited->asked,
                                                spool_get_buffer(exporting->spool));
  return TRUE;
}

static gboolean visit(const VisitedKey *key, gpointer data, GError **error) {
  Exporting *exporting = data;
  const TreeVisited *visited = exporting->visited;
  GByteArray *out = spool_get_buffer(exporting->spool);
  g_autofree char *path = g_strconcat(visited->asked, key->path + strlen(visited->path), NULL);
  exporting->format->key(exporting->printer, path, key, out);
  for (guint i = 0; i < key->values->len; i++) {
    exporting->format->value(exporting->printer, key->values->pdata[i], out);
    if (!spool_settle(exporting->spool, error))
      return FALSE;
  }
  exporting->report->keys++;
  exporting->report->values += key->values->len;
  return spool_settle(exporting->spool, error) &&
         transfer_note_progress(exporting->transfer, error);
}

gboolean export_read(Reader *reader, const Identity *who, const char *key,
                     const ExportOptions *options, Spool *spool, Transfer *transfer,
                     ExportReport *report, GError **error) {
  g_auto(TreeVisited) visited = {.begin = begin};
  const TreeOptions tree = {.has_at = options->has_at,
                            .at = options->at,
                            .skip_unreadable = options->skip_unreadable,
                            .no_follow = options->no_follow};
  Exporting exporting = {.options = options,
                         .format = formats[options->format].printer,
                         .spool = spool,
                         .transfer = transfer,
                         .report = report};
  gboolean read = reader_visit_tree(reader, who, key, &tree, visit, &exporting, &visited, error);
  if (read)
    exporting.format->end(exporting.printer, spool_get_buffer(spool));
  if (exporting.printer != NULL)
    exporting.format->free(exporting.printer);
  report->left_out = visited.left_out;
  report->revision = options->has_at ? options->at : visited.revision;
  report->bytes = spool_get_size(spool);
  return read;
}
