/* SPDX-License-Identifier: MIT */
/* A regd of its own for one run of regctl, on a database that no daemon serves. */
#ifndef CLIENT_REGCTL_SESSION_OFFLINE_H
#define CLIENT_REGCTL_SESSION_OFFLINE_H

#include <glib.h>

typedef struct {
  GPid regd;     /* 0: none was started */
  char *address; /* of the bus that it serves on */
} Offline;

/* Starts regd on the database @file and waits until it serves. FAILED: it does
 * not; regd itself has said why on standard error. */
gboolean offline_start(Offline *offline, const char *file, GError **error);
/* Waits until regd has ended, so that the database is free again. It ends when regctl
 * leaves its bus. */
void offline_end(Offline *offline);

#endif
