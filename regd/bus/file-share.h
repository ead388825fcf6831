/* SPDX-License-Identifier: MIT */
/* Files that callers hand over: each user may have a few under way at once; further ones wait
 * their turn, as calls that wait. Belongs to the thread of the main context. */
#ifndef REGD_BUS_FILE_SHARE_H
#define REGD_BUS_FILE_SHARE_H

#include "client/bus/dispatch.h"
#include "regd/service/service.h"

typedef struct FileShares FileShares;

/* @service is borrowed. */
FileShares *file_shares_new(Service *service);
/* Those that wait are dropped. Shares can still be given back. */
void file_shares_free(FileShares *shares);

/* One of the files that a user may have under way at once. */
typedef struct FileShare FileShare;

typedef struct {
  /* Takes @share and @data: now, or once another file of this user is done. */
  void (*start)(FileShare *share, gpointer data);
  /* In its place, if that never comes. */
  GDestroyNotify drop;
} FileStartKind;

/* @kind is a constant. */
void file_shares_request(FileShares *shares, Identity *who, const FileStartKind *kind,
                         gpointer data);
/* @data: a FileShare. */
void file_share_give_back(gpointer data);

/* The descriptor at @iter, which moves on; owned by the caller. -1 with @error. */
int file_share_take_descriptor(DispatchCall *call, DBusMessageIter *iter, GError **error);

#endif
