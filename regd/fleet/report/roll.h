/* SPDX-License-Identifier: MIT */
/* Reads what all hosts of the fleet have told, for `regctl fleet hosts`. */
#ifndef REGD_FLEET_REPORT_ROLL_H
#define REGD_FLEET_REPORT_ROLL_H

#include "regd/fleet/etcd/cluster.h"

/* Hosts that are read; more are left out. */
#define ROLL_LIMIT_HOSTS 20000
/* Of one record; a larger one is no host's. */
#define ROLL_LIMIT_RECORD_BYTES 4096U
/* Of all records: with the names they go to regd in one message. */
#define ROLL_LIMIT_BYTES (8U * 1024U * 1024U)

/* One host; any bytes. */
typedef struct {
  GBytes *name;   /* at most FLEET_LIMIT_WORD_BYTES; a longer one is no host's, and is left out */
  GBytes *record; /* empty: it is not there, or over a limit */
  gboolean alive;
} RollHost;

/* @hosts: of RollHost, by name; NULL: no endpoint has answered, @end is of the last. */
typedef void (*RollDone)(const GPtrArray *hosts, const TransportEnd *end, gpointer data);
typedef struct Roll Roll;
/* It is freed when @done has been called. */
Roll *roll_start(Cluster *cluster, guint endpoint, RollDone done, gpointer data);
/* @done is not called. NULL is fine. */
void roll_cancel(Roll *roll);

#endif
