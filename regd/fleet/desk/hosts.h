/* SPDX-License-Identifier: MIT */
/* The hosts of the fleet, as they tell of themselves: lists them, and waits until they have a
 * commit. Part of the desk. */
#ifndef REGD_FLEET_DESK_HOSTS_H
#define REGD_FLEET_DESK_HOSTS_H

#include "regd/fleet/desk/desk.h"

/* A host; what it says is a stranger's word. */
typedef struct {
  char *name;
  gboolean alive;
  FleetHost *host; /* NULL: it has told nothing yet, or what can't be read */
} FleetHostEntry;
void fleet_host_entry_free(gpointer data);

/* @hosts: of FleetHostEntry, by name; NULL with @error. */
typedef void (*FleetHostsDone)(const GPtrArray *hosts, const GError *error, gpointer data);
/* FLEET_UNAVAILABLE: the cluster can't be asked. @done is called once. */
void fleet_desk_list_hosts(FleetDesk *desk, FleetHostsDone done, gpointer data);
/* What the agent has found; @entries: of FleetHostEntry, or NULL with @message. Another ticket than
 * the one that was asked with is dropped. */
void fleet_desk_note_hosts(FleetDesk *desk, guint32 ticket, const GPtrArray *entries,
                           const char *message);

/* What a report of this host says. @problems: records that it can't use. */
GBytes *fleet_desk_encode_report(const FleetDesk *desk, guint32 problems);

/* ---- waiting ---- */

typedef struct {
  guint64 commit;     /* 0: this host's newest */
  guint32 hosts;      /* so many are enough; 0: see `share` */
  guint32 share;      /* percent of all that are known */
  guint32 timeout;    /* s */
  const char *caller; /* by the name on the bus; borrowed */
} FleetWait;
typedef struct {
  guint64 commit;
  gboolean reached;
  guint32 hosts, have;      /* that are known, and that have it */
  const GPtrArray *missing; /* of FleetHostEntry; borrowed */
} FleetWaited;
/* NULL with @error: the hosts could not be listed once, or this host has no commit. A time that is
 * over is no error. */
typedef void (*FleetWaitDone)(const FleetWaited *waited, const GError *error, gpointer data);
void fleet_desk_wait(FleetDesk *desk, const FleetWait *given, FleetWaitDone done, gpointer data);
/* The caller has left the bus: it waits no more. */
void fleet_desk_forget_waits(FleetDesk *desk, const char *caller);

#endif
