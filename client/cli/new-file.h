/* SPDX-License-Identifier: MIT */
/* A file that replaces another as a whole, or not at all. */
#ifndef CLIENT_CLI_NEW_FILE_H
#define CLIENT_CLI_NEW_FILE_H

#include <sys/types.h>

#include "client/registry.h"

typedef struct NewFile NewFile;

typedef enum {
  NEW_FILE_ORDINARY, /* owner, group and mode of the file that it replaces, as far as the caller may
                        give them; else 0666 less the umask */
  NEW_FILE_SECRET,   /* 0600 and the caller's, whatever it replaces */
} NewFileKind;

/* Opens a new file that will become @name; the old one stays until new_file_keep(). A
 * device or a pipe is written to directly. FAILED. */
NewFile *new_file_open(const char *name, NewFileKind kind, GError **error);
/* Borrowed. */
int new_file_get_descriptor(const NewFile *file);
/* Flushes it to disk and puts it in its place. FAILED: the old one stays. */
gboolean new_file_keep(NewFile *file, GError **error);
/* A file that was not kept is gone. */
void new_file_free(NewFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NewFile, new_file_free)

#endif
