/* SPDX-License-Identifier: MIT */
/* A file that replaces another as a whole, or not at all. */
#ifndef CLIENT_CLI_NEW_FILE_H
#define CLIENT_CLI_NEW_FILE_H

#include <sys/types.h>

#include "client/registry.h"

typedef struct NewFile NewFile;

/* Something to write that will become @name; what @name holds stays until
 * new_file_keep(). A device or a pipe is written to as it is. @mode: of a file that
 * is not there yet, without what the umask takes away. FAILED. */
NewFile *new_file_open(const char *name, mode_t mode, GError **error);
/* Borrowed. */
int new_file_get_descriptor(const NewFile *file);
/* Puts it in its place, once it is on the disk. FAILED: the old one stands. */
gboolean new_file_keep(NewFile *file, GError **error);
/* What has not been kept is gone. */
void new_file_free(NewFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NewFile, new_file_free)

#endif
