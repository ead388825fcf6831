/* SPDX-License-Identifier: MIT */
/* From a walk to a printer (see export.h). */
#include "regd/files/export.h"

#include <string.h>

typedef struct {
  const ExportOptions *options;
  const ExportPrinter *format;
  gpointer printer;
  Spool *spool;
  Transfer *transfer;
  ExportReport *report;
  const TreeVisited *visited;
} Exporting;

static gboolean begin(const TreeVisited *visited, gpointer data, G_GNUC_UNUSED GError **error) {
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
                         .format = export_format_get_printer(options->format),
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
