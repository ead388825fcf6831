/* SPDX-License-Identifier: MIT */
/* Files that callers hand over: each user may have a few under way at once. */
#ifndef REGD_BUS_FILE_SHARE_H
#define REGD_BUS_FILE_SHARE_H

#include "client/bus/dispatch.h"
#include "regd/service/service.h"

/* One of the files that a user may have under way at once. */
typedef struct FileShare FileShare;
FileShare *file_share_take(Service *service, const Identity *who, GError **error);
void file_share_give_back(gpointer data);
/* The descriptor at @iter, which moves on; owned by the caller. -1 with @error. */
int file_share_take_descriptor(DispatchCall *call, DBusMessageIter *iter, GError **error);

#endif
