/* SPDX-License-Identifier: MIT */
/* How much of a fleet is kept at a time, by regd and by its agent. */
#ifndef REGD_FLEET_BASE_LIMITS_H
#define REGD_FLEET_BASE_LIMITS_H

/* Of one record, bytes: etcd takes requests of up to 1.5 MiB. */
#define FLEET_LIMIT_RECORD_BYTES 1310720U
/* Host, user, program and spelling of a mount in a record, bytes. */
#define FLEET_LIMIT_WORD_BYTES 255U
/* How many mounts a fleet has. */
#define FLEET_LIMIT_MOUNTS 64U
/* Commits on trial at a time. */
#define FLEET_LIMIT_TRIALS 64U
/* Records that can't be used, of which each is kept. */
#define FLEET_LIMIT_PROBLEMS 1000U
/* What is kept of the key of such a record, and of why, bytes. */
#define FLEET_LIMIT_PROBLEM_BYTES 1024U

/* Keys and records that a re-sync has at most, and their bytes. */
#define FLEET_LIMIT_STREAM_BYTES (1024ULL * 1024U * 1024U)
#define FLEET_LIMIT_STREAM_RECORDS 4000000U

/* Keys and records of one commit, and their bytes; if etcd has a larger revision, everything is
 * read in its place. */
#define FLEET_LIMIT_COMMIT_BYTES (16U * 1024U * 1024U)
#define FLEET_LIMIT_OPERATIONS 50000U
/* Of one part of a commit that is larger than a transaction, bytes: a key and a record of the
 * largest kind fit into it, and it into a request. */
#define FLEET_LIMIT_PART_BYTES 1500000U
/* Parts of a commit. */
#define FLEET_LIMIT_PARTS 20000U
/* Of the commits that the agent has handed to regd and that regd has not answered yet, bytes. */
#define FLEET_LIMIT_HANDED_BYTES (16U * 1024U * 1024U)
/* Of those that wait in the agent to be handed over, bytes: if there are more, it ends its watch
 * until nothing waits. */
#define FLEET_LIMIT_WAITING_BYTES (16U * 1024U * 1024U)
#endif
