/* SPDX-License-Identifier: MIT */
/* What the parts of the desk share: desk.c, proposals.c, tasks.c. For nobody else. */
#ifndef REGD_FLEET_DESK_DESK_PRIVATE_H
#define REGD_FLEET_DESK_DESK_PRIVATE_H

#include "regd/fleet/desk/desk.h"
#include "regd/fleet/local/member.h"

/* How much later than the agent regd gives up, in ms. */
#define FLEET_GRACE_MS 5000U

typedef struct Waiting Waiting;
typedef struct RunningTask RunningTask;
typedef struct FleetHosts FleetHosts;

struct FleetDesk {
  Service *service;
  Writer *writer;
  FleetLine line;
  gpointer data;
  FleetMember *member;
  Identity *who; /* regd itself */
  FleetSettings *settings;
  FleetState *joined; /* as it is committed; NULL: in no fleet */
  FleetStatus status;
  gboolean attached, stopping;
  guint32 ticket;    /* the newest */
  Waiting *current;  /* the proposal that is before the cluster, or judged again; or NULL */
  GQueue waiting;    /* of Waiting */
  RunningTask *task; /* or NULL */
  FleetHosts *hosts;
  GPtrArray *differences; /* of FleetDifference: what a dry run of a re-sync has found since a task
                             began */
  gint64 since;           /* us since 1970: when its state became what it is */
  Trial next_trial;       /* the fleet's that ends first; revision 0: there is none */
  guint trial_timer;
  gboolean is_undoing; /* the writer, or the cluster, has the undoing of a trial */
  guint64 undone;      /* which one */
};

/* proposals.c. */
void fleet_proposals_take(const WriteResult *result, WriteDone done, gpointer data, gpointer desk);
/* Another commit is in. @head: its id; NULL: it was not made by regd. */
void fleet_proposals_note_commit(FleetDesk *desk, const FleetHead *head, const WriteResult *result);
/* TRUE: the ticket was the current proposal's. */
gboolean fleet_proposals_note_outcome(FleetDesk *desk, const FleetOutcome *outcome);
/* The agent has gone, or no longer follows the fleet. Those that were sent may still be made. */
void fleet_proposals_give_up(FleetDesk *desk);

/* trials.c */
/* What is on trial was looked up anew. */
void fleet_trials_note(FleetDesk *desk, const Trial *next);
void fleet_trials_look(FleetDesk *desk);
/* What the writer must know for a commit that is on trial. */
void fleet_trials_fill(const FleetDesk *desk, FleetOrder *order);
void fleet_trials_stop(FleetDesk *desk);

/* tasks.c */
gboolean fleet_tasks_note_outcome(FleetDesk *desk, const FleetOutcome *outcome);
/* What the agent says has changed, or it has gone. */
void fleet_tasks_note_state(FleetDesk *desk);
void fleet_tasks_give_up(FleetDesk *desk, const char *why);

/* hosts.c */
FleetHosts *fleet_hosts_new(FleetDesk *desk);
void fleet_hosts_note_state(FleetHosts *hosts);
void fleet_hosts_stop(FleetHosts *hosts);
void fleet_hosts_free(FleetHosts *hosts);

/* desk.c: NULL or an error that says what @what, an Outcome's word, means. */
GError *fleet_desk_new_error(const char *what, const char *prefix, const char *message);
void fleet_desk_set_joined(FleetDesk *desk, const FleetState *joined);
/* Calls line.state_changed if the state differs from @before, which is freed. */
void fleet_desk_tell_state(FleetDesk *desk, char *before);

#endif
