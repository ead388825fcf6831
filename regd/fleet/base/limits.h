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
/* Records that can't be used, of which each is kept. */
#define FLEET_LIMIT_PROBLEMS 1000U

/* Keys and records that a re-sync has at most, and their bytes. */
#define FLEET_LIMIT_STREAM_BYTES (1024ULL * 1024U * 1024U)
#define FLEET_LIMIT_STREAM_RECORDS 4000000U

/* Keys and records of one call of Apply, bytes; more goes as a whole by Resync. */
#define FLEET_LIMIT_APPLY_BYTES (8U * 1024U * 1024U)
/* Of the commits that the agent has handed to regd and that regd has not answered yet, bytes. */
#define FLEET_LIMIT_HANDED_BYTES (16U * 1024U * 1024U)
/* Of those that wait in the agent to be handed over, bytes: if there are more, it ends its watch
 * until nothing waits. */
#define FLEET_LIMIT_WAITING_BYTES (16U * 1024U * 1024U)
/* Operations of one proposal. */
#define FLEET_LIMIT_OPERATIONS 4096U

#endif
