/* SPDX-License-Identifier: MIT */
/* What putting another file in a database's place takes, so that a power cut leaves the one or the
 * other, whole. For one process at a time, which holds the database's lock. */
#ifndef REGD_UPKEEP_INSTALL_H
#define REGD_UPKEEP_INSTALL_H

#include <glib.h>

/* STORAGE_FULL or STORAGE_FAILURE by errno: "@file: @what: why". Returns FALSE. */
gboolean install_fail(const char *what, const char *file, GError **error);
/* Takes the database's log into its file. */
gboolean install_settle(const char *database, GError **error);
/* Gives the open @file the owner that the old database, or its directory, has: root restores, the
 * daemon's user serves. FALSE: errno says why. */
gboolean install_take_owner(const char *database, int file);
gboolean install_sync_directory(const char *file, GError **error);
/* Renames @name, which has been flushed, to @database. */
gboolean install_put(const char *database, const char *name, GError **error);

#endif
