/* SPDX-License-Identifier: MIT */
/* Syncing: one round trip to the daemon that brings in all that was answered
 * before it, shared by all who ask before it is sent. Not installed. */
#ifndef CLIENT_VIEW_SYNC_H
#define CLIENT_VIEW_SYNC_H

#include "client/registry.h"

/* Of one connection: the views on it, and those who wait. */
typedef struct SyncQueue SyncQueue;

/* Made when it is first asked for. The connection owns it. */
SyncQueue *sync_queue_of(RegistryConnection *connection);

void sync_queue_add_view(SyncQueue *queue, RegistryView *view);
/* Forgets who waits for this view alone; others no longer wait for it. */
void sync_queue_remove_view(SyncQueue *queue, RegistryView *view);

/* One of @view and @connection_synced is NULL: for one view, or for all. */
void sync_queue_ask(SyncQueue *queue, RegistryView *view, RegistryViewSynced view_synced,
                    RegistryConnectionSynced connection_synced, gpointer data);

/* To be called when a view has caught up further, or can't. May call who waits. */
void sync_queue_settle(SyncQueue *queue);

#endif
