/* SPDX-License-Identifier: MIT */
/* See hive-file.h. */
#include "client/regctl/branch/hive-file.h"

#include <string.h>
#include <unistd.h>

#include "client/base/path.h"
#include "client/cli/data.h"
#include "client/cli/nameless-file.h"
#include "client/cli/reply.h"
#include "client/hive/hive.h"
#include "client/regctl/branch/tree-pages.h"

/* ---- reading ---- */

gboolean hive_file_is_one(const Session *session, int descriptor) {
  return session_has(session, OPTION_HIVE) || hive_is_one(descriptor);
}

static void note_report(const Session *session, const char *name, const HiveReport *report) {
  if (report->damaged > 0)
    session_note(session, "%s: %u keys and values could not be read, and are left out", name,
                 report->damaged);
  if (report->nameless > 0)
    session_note(session,
                 "%s: %u keys and values are left out: the registry can't hold their names", name,
                 report->nameless);
}

static gboolean check_place(const char *name, const char *key, int descriptor, GError **error) {
  if (!hive_is_one(descriptor))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: it is no hive: a hive begins with \"regf\"", name);
  return *key != '\0' ||
         error_set(error, REGISTRY_ERROR_INVALID_PATH,
                   "%s: a hive can't stand above the roots: name a key with --at=KEY", name);
}

int hive_file_open_as_regfile(Session *session, const char *name, int descriptor, GError **error) {
  HiveReport report;
  const char *at = session->line->texts[OPTION_AT];
  if (at == NULL) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "%s: a hive does not say where it belongs: name the key with --at=KEY", name);
    return -1;
  }
  g_autofree char *key = data_parse_key(at, error);
  if (key == NULL || !check_place(name, key, descriptor, error))
    return -1;
  int text = nameless_file_new(name, error);
  if (text < 0)
    return -1;
  if (hive_to_regfile(descriptor, text, key, session_has(session, OPTION_SALVAGE), &report,
                      error) &&
      nameless_file_rewind(text)) {
    note_report(session, name, &report);
    return text;
  }
  g_prefix_error(error, "%s: ", name);
  close(text);
  return -1;
}

/* ---- writing ---- */

typedef struct {
  HiveWriter *writer;
  char *path;         /* of the key that was added last */
  guint depth;        /* of the first */
  guint keys, values; /* written */
} Writing;

static gboolean add_key(G_GNUC_UNUSED Session *session, const char *path, const GPtrArray *values,
                        gpointer data, GError **error) {
  Writing *writing = data;
  gboolean again = g_strcmp0(writing->path, path) == 0;
  if (writing->path == NULL)
    writing->depth = path_count_depth(path);
  if (!again && !hive_writer_add_key(writing->writer, path_count_depth(path) - writing->depth,
                                     path_get_leaf(path), error))
    return FALSE;
  writing->keys += !again;
  writing->values += values->len;
  g_free(writing->path);
  writing->path = g_strdup(path);
  for (guint i = 0; i < values->len; i++) {
    const ListedValue *listed = g_ptr_array_index(values, i);
    hive_writer_add_value(writing->writer, listed->name, listed->value);
  }
  return TRUE;
}

static gboolean walk(Session *session, const char *key, guint64 at, Writing *writing,
                     GError **error) {
  return session_has(session, OPTION_SKIP_UNREADABLE)
             ? tree_walk_at(session, key, &at, add_key, writing, error)
             : tree_walk_whole(session, key, at, add_key, writing, error);
}

static void report(Session *session, const Writing *writing) {
  if (!session_has(session, OPTION_JSON))
    return;
  json_begin(&session->json, '{');
  json_member_number(&session->json, "keys", writing->keys);
  json_member_number(&session->json, "values", writing->values);
  json_end(&session->json, '}');
  g_string_append_c(session_out(session), '\n');
}

gboolean hive_file_write(Session *session, const char *key, const guint64 *at, int descriptor,
                         GError **error) {
  guint64 revision = at != NULL ? *at : 0;
  g_autoptr(HiveWriter) writer = hive_writer_new(error);
  Writing writing = {.writer = writer};
  /* Pages of one revision are one state. */
  gboolean written = writer != NULL &&
                     (at != NULL || session_read_revision(session, &revision, error)) &&
                     walk(session, key, revision, &writing, error);
  g_free(writing.path);
  if (!written || !hive_writer_finish(writer, descriptor, error))
    return FALSE;
  report(session, &writing);
  return TRUE;
}
