/* SPDX-License-Identifier: MIT */
/* Syncing: one round trip to the daemon, after which the views hold every write that was
 * answered before. Syncs share it if they are asked for before it is sent. Not installed. */
#ifndef CLIENT_VIEW_SYNC_H
#define CLIENT_VIEW_SYNC_H

#include "client/registry.h"

/* The views on one connection, and the syncs that wait. */
typedef struct SyncQueue SyncQueue;

/* Made when it is first asked for. The connection owns it. */
SyncQueue *sync_queue_of(RegistryConnection *connection);

void sync_queue_add_view(SyncQueue *queue, RegistryView *view);
/* Drops the syncs of this view; syncs of all views no longer wait for it. */
void sync_queue_remove_view(SyncQueue *queue, RegistryView *view);

/* One of @view and @connection_synced is NULL: for one view, or for all. */
void sync_queue_ask(SyncQueue *queue, RegistryView *view, RegistryViewSynced view_synced,
                    RegistryConnectionSynced connection_synced, gpointer data);

/* Call it when a view has caught up further, or can't. Answers the syncs that are
 * complete. */
void sync_queue_settle(SyncQueue *queue);

#endif
