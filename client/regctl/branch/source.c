/* SPDX-License-Identifier: MIT */
/* Reading branches and .reg files. */
#include "client/regctl/branch/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/base/path.h"
#include "client/regctl/branch/tree-pages.h"
#include "client/regfile/regfile.h"

#define CHUNK_BYTES (64U * 1024U)

/* ---- the daemon's ---- */

typedef struct {
  Branch *branch;
  const char *asked;
} Reading;

static gboolean add_tree_key(G_GNUC_UNUSED Session *session, const char *path,
                             const GPtrArray *values, gpointer data, G_GNUC_UNUSED GError **error) {
  Reading *reading = data;
  if (reading->branch == NULL)
    reading->branch = branch_new(path, reading->asked);
  BranchKey *key = branch_add_key(reading->branch, path);
  for (guint i = 0; i < values->len; i++) {
    const ListedValue *listed = g_ptr_array_index(values, i);
    branch_set_value(key, listed->name, listed->value);
  }
  return TRUE;
}

Branch *source_read_key(Session *session, const char *key, const guint64 *at, GError **error) {
  g_autoptr(Path) path = path_parse(key, error);
  g_autofree char *asked = path != NULL ? path_to_string(path) : NULL;
  Reading reading = {.asked = asked};
  if (asked != NULL && tree_walk_at(session, key, at, add_tree_key, &reading, error))
    return reading.branch != NULL ? reading.branch : branch_new(asked, NULL);
  branch_free(reading.branch);
  return NULL;
}

/* ---- files ---- */

static gboolean push_all(RegfileParser *parser, int descriptor, GError **error) {
  g_autofree char *chunk = g_malloc(CHUNK_BYTES);
  for (;;) {
    ssize_t size = read(descriptor, chunk, CHUNK_BYTES);
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0)
      return error_set(error, REGISTRY_ERROR_FAILED, "%s", g_strerror(errno));
    if (size == 0)
      return TRUE;
    if (!regfile_parser_push(parser, chunk, (gsize)size, error))
      return FALSE;
  }
}

void source_note_report(const Session *session, const char *name, const RegfileReport *report) {
  if (report->lines_ignored > 0)
    session_note(session, "%s: line %u: %s; %u %s left out", name, report->first_ignored_line,
                 report->first_reason != NULL ? report->first_reason : "it can't be read",
                 report->lines_ignored, report->lines_ignored == 1 ? "line was" : "lines were");
  if (report->lines_guessed > 0)
    session_note(session,
                 "%s: line %u is not UTF-8; %u %s read as Windows-1252, which --encoding=NAME "
                 "overrules",
                 name, report->first_guessed_line, report->lines_guessed,
                 report->lines_guessed == 1 ? "line was" : "lines were");
}

static void judge(const char *name, gboolean imports, GError **error) {
  if (error == NULL)
    return;
  if (imports && regfile_error_is_of_head(*error))
    (*error)->code = REGISTRY_ERROR_FAILED;
  g_prefix_error(error, "%s: ", name);
}

static void copy_report(const RegfileReport *from, RegfileReport *to) {
  *to = *from;
  to->first_reason = g_strdup(from->first_reason);
}

static Change *read_descriptor(Session *session, const char *name, int descriptor,
                               const SourceReading *how, GError **error) {
  g_autoptr(RegfileParser) parser = regfile_parser_new(how->strict);
  const char *encoding = session->line->texts[OPTION_ENCODING];
  gboolean read = (encoding == NULL || regfile_parser_set_encoding(parser, encoding, error)) &&
                  push_all(parser, descriptor, error);
  g_autoptr(Change) change = read ? regfile_parser_finish(parser, error) : NULL;
  const RegfileReport *report = regfile_parser_get_report(parser);
  if (change == NULL)
    judge(name, how->imports, error);
  else if (how->report != NULL)
    copy_report(report, how->report);
  else
    source_note_report(session, name, report);
  return g_steal_pointer(&change);
}

Change *source_read_file(Session *session, const char *file, const SourceReading *how,
                         GError **error) {
  if (strcmp(file, "-") == 0)
    return read_descriptor(session, "standard input", STDIN_FILENO, how, error);
  int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", file, g_strerror(errno));
    return NULL;
  }
  Change *change = read_descriptor(session, file, descriptor, how, error);
  close(descriptor);
  return change;
}

Change *source_parse(const char *name, const char *text, gsize size, GError **error) {
  g_autoptr(RegfileParser) parser = regfile_parser_new(TRUE);
  Change *change =
      regfile_parser_push(parser, text, size, error) ? regfile_parser_finish(parser, error) : NULL;
  if (change == NULL)
    g_prefix_error(error, "%s: ", name);
  return change;
}
