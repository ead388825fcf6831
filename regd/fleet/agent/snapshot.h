/* SPDX-License-Identifier: MIT */
/* Reads all records of a layer at one revision, by pages, into a file in memory that regd is
 * handed: for each record the lengths of key and record (u32, little-endian), its revision of
 * creation (u64), key and record; at the end 0xFFFFFFFF, 0 and the number of records (u64). */
#ifndef REGD_FLEET_AGENT_SNAPSHOT_H
#define REGD_FLEET_AGENT_SNAPSHOT_H

#include "regd/fleet/etcd/cluster.h"

typedef struct Snapshot Snapshot;
/* @records: a descriptor at its start, which the snapshot closes; -1: @end tells why not
 * (@compacted: the revision is no longer there). The snapshot is freed afterwards. */
typedef void (*SnapshotDone)(int records, gboolean compacted, const TransportEnd *end,
                             gpointer data);
Snapshot *snapshot_start(Cluster *cluster, guint endpoint, gint64 revision, SnapshotDone done,
                         gpointer data);
/* @done is not called. NULL is fine. */
void snapshot_cancel(Snapshot *snapshot);

#endif
