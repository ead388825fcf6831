/* SPDX-License-Identifier: MIT */
/* See header.h. */
#include "client/regfile/header.h"

#include <string.h>

#define HEADER_VERSION_4 "REGEDIT4"
#define HEADER_VERSION_5 "Windows Registry Editor Version 5.00"
#define HEADER_WINDOWS_31 "REGEDIT"

/* What people take for registry files: the beginning, and what it is. */
static const struct {
  const char *beginning;
  const char *what;
} other_files[] = {
    {"regf", "it is a hive, Windows' own form; regctl import --at=KEY reads it"},
    {"WINE REGISTRY ",
     "it is the form in which Wine keeps its registry; make a .reg file of it (wine regedit /E)"},
    {"{", "it looks like JSON; regctl export writes .reg files with --format=reg5"},
    {"<", "it looks like XML"},
    {"[", "the first line must be the header, \"" HEADER_VERSION_5 "\""},
    {";", "the first line must be the header, \"" HEADER_VERSION_5 "\""},
    {"PReg", "it is a group policy (Registry.pol); export the keys that it has set"},
    {"SQLite format 3", "it is a database, perhaps a backup: regd --restore=FILE puts one back"},
    {"PK\003\004", "it is packed (zip): unpack it first"},
    {"\037\213", "it is packed (gzip): unpack it first"},
};

static gboolean has_beginning(Slice line, const char *beginning) {
  Cursor cursor = {line.text, line.text + line.length};
  return cursor_skip_prefix(&cursor, beginning);
}

static gboolean has_header_in_any_case(Slice line) {
  static const char *const headers[] = {HEADER_VERSION_4, HEADER_VERSION_5};
  for (gsize i = 0; i < G_N_ELEMENTS(headers); i++)
    if (line.length >= strlen(headers[i]) &&
        g_ascii_strncasecmp(line.text, headers[i], strlen(headers[i])) == 0)
      return TRUE;
  return FALSE;
}

/* What is wrong with the first line of a file that is refused; static. */
static const char *find_header_fault(Slice line, gboolean has_nul) {
  for (gsize i = 0; i < G_N_ELEMENTS(other_files); i++)
    if (has_beginning(line, other_files[i].beginning))
      return other_files[i].what;
  if (has_nul)
    return "it has NUL characters: UTF-16 needs a byte-order mark (FF FE) at its start";
  if (has_beginning(line, HEADER_VERSION_5))
    return "something follows the header on its line, perhaps a blank; nothing may";
  if (has_header_in_any_case(line))
    return "the header must be spelled \"" HEADER_VERSION_5 "\" or \"" HEADER_VERSION_4 "\"";
  if (line.length == 0)
    return "an empty line stands before the header";
  return "it begins with neither \"" HEADER_VERSION_4 "\" nor \"" HEADER_VERSION_5 "\"";
}

/* Windows takes these for files of a version that it does not know: nothing is read, and it
 * is no error. */
static const char *find_version_fault(Slice header) {
  if (has_beginning(header, HEADER_VERSION_4))
    return "something follows " HEADER_VERSION_4 " on its line, perhaps a blank, so nothing is "
           "read; nothing may";
  return "the header names a version that is not known, so nothing is read; known "
         "are " HEADER_VERSION_4 " and " HEADER_VERSION_5;
}

Header header_read(Slice line, gboolean has_nul, const char **fault) {
  Cursor cursor = {line.text, line.text + line.length};
  cursor_skip_blanks(&cursor);
  const Slice header = {cursor.at, (gsize)(cursor.end - cursor.at)};
  *fault = NULL;
  if (slice_is(header, HEADER_VERSION_5))
    return HEADER_REGEDIT5;
  if (slice_is(header, HEADER_VERSION_4))
    return HEADER_REGEDIT4;
  if (slice_is(header, HEADER_WINDOWS_31))
    return HEADER_REGEDIT3;
  if (has_beginning(header, HEADER_WINDOWS_31)) {
    *fault = find_version_fault(header);
    return HEADER_UNKNOWN_VERSION;
  }
  *fault = find_header_fault(header, has_nul);
  return HEADER_NONE;
}
