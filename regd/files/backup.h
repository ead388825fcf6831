/* SPDX-License-Identifier: MIT */
/* A complete copy of the database, taken while it is in use, for a descriptor. */
#ifndef REGD_FILES_BACKUP_H
#define REGD_FILES_BACKUP_H

#include "regd/files/transfer.h"

typedef struct {
  guint64 bytes;
  guint64 revision; /* the newest one in it */
} BackupReport;

/* On a thread. The copy is a database of one file: what regd --restore takes.
 * What has been deleted is not in it. */
gboolean backup_run(const char *database, Transfer *transfer, BackupReport *report, GError **error);

#endif
