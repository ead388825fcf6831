/* SPDX-License-Identifier: MIT */
/* A database without checksums is copied into one with them, which takes its place. */
#ifndef REGD_UPKEEP_UPGRADE_H
#define REGD_UPKEEP_UPGRADE_H

#include <glib.h>

/* Does nothing where @database is missing or has checksums. It takes room for the copy beside the
 * database. A power cut leaves the old one or the new one, whole. STORAGE_FAILURE, STORAGE_FULL. */
gboolean upgrade_run(const char *database, GError **error);

#endif
