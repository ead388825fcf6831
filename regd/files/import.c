/* SPDX-License-Identifier: MIT */
/* A thread reads and parses (see transfer.h for what holds it up). */
#include "regd/files/import.h"

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/files/process.h"
#include "regd/files/transfer.h"

#define CHUNK_BYTES (64U * 1024U)

typedef struct {
  guint32 writer;
  guint most_operations;
  RegfileParser *parser;
  char *encoding;
  Spool *copy;
  Change *change;
  ImportRead done;
  gpointer data;
  GDestroyNotify released;
  gpointer release_data;
} Reading;

static void reading_free(gpointer data) {
  Reading *reading = data;
  regfile_parser_free(reading->parser);
  g_free(reading->encoding);
  spool_free(reading->copy);
  change_free(reading->change);
  reading->released(reading->release_data);
  g_free(reading);
}

/* A change that would be refused for its size is not held in memory before. */
static gboolean check_number(const Reading *reading, GError **error) {
  return regfile_parser_get_report(reading->parser)->operations <= reading->most_operations ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "the file to import takes more than %u steps (Steps Per Change): import it in "
                   "several parts",
                   reading->most_operations);
}

static gboolean keep(Spool *copy, const char *bytes, gsize size, GError **error) {
  if (copy == NULL)
    return TRUE;
  g_byte_array_append(spool_get_buffer(copy), (const guint8 *)bytes, (guint)size);
  return spool_settle(copy, error);
}

static gboolean read_all(Transfer *transfer, const Reading *reading, GError **error) {
  g_autofree char *chunk = g_malloc(CHUNK_BYTES);
  guint64 total = 0;
  gssize size;
  while ((size = transfer_read(transfer, chunk, CHUNK_BYTES, error)) > 0) {
    total += (guint64)size;
    if (total > LIMIT_FILE_BYTES)
      return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                       "the file to import is larger than %" G_GUINT64_FORMAT " bytes",
                       (guint64)LIMIT_FILE_BYTES);
    if (!regfile_parser_push(reading->parser, chunk, (gsize)size, error) ||
        !check_number(reading, error) || !keep(reading->copy, chunk, (gsize)size, error))
      return FALSE;
  }
  return size == 0;
}

/* A writer that is killed closes its pipe exactly like one that has finished. */
static gboolean check_writer(guint32 writer, GError **error) {
  return !process_is_leaving(writer) ||
         error_set(error, REGISTRY_ERROR_FAILED,
                   "the process that wrote the file to import has ended; nothing is imported");
}

static gboolean run(Transfer *transfer, gpointer data, GError **error) {
  Reading *reading = data;
  if (reading->encoding != NULL &&
      !regfile_parser_set_encoding(reading->parser, reading->encoding, error))
    return FALSE;
  if (read_all(transfer, reading, error) && check_writer(reading->writer, error))
    reading->change = regfile_parser_finish(reading->parser, error);
  return reading->change != NULL;
}

static void finished(gpointer data, const GError *error) {
  Reading *reading = data;
  if (error != NULL)
    reading->done(NULL, NULL, NULL, error, reading->data);
  else
    reading->done(g_steal_pointer(&reading->change), regfile_parser_get_report(reading->parser),
                  g_steal_pointer(&reading->copy), NULL, reading->data);
}

void import_read(Workers *workers, const ImportFile *file, ImportRead done, gpointer data,
                 GDestroyNotify released, gpointer release_data) {
  Reading *reading = g_new0(Reading, 1);
  reading->writer = file->writer;
  reading->most_operations = file->most_operations;
  reading->parser = regfile_parser_new(file->strict);
  reading->encoding = g_strdup(file->encoding);
  reading->copy = file->copy;
  reading->done = done;
  reading->data = data;
  reading->released = released;
  reading->release_data = release_data;
  transfer_start(workers, file->descriptor, "the file to import", file->stall_seconds, run,
                 finished, reading, reading_free);
}

static gboolean adds(OperationKind kind) {
  return kind == OPERATION_SET_VALUE || kind == OPERATION_CREATE_KEY ||
         kind == OPERATION_CREATE_LINK;
}

void import_only_missing(Change *change) {
  GPtrArray *operations = change->operations;
  guint kept = 0;
  for (guint i = 0; i < operations->len; i++) {
    Operation *operation = operations->pdata[i];
    if (!adds(operation->kind))
      continue;
    operation->flags |= OPERATION_ONLY_MISSING;
    operations->pdata[i] = operations->pdata[kept];
    operations->pdata[kept++] = operation;
  }
  g_ptr_array_set_size(operations, (gint)kept);
}
