/* SPDX-License-Identifier: MIT */
/* The fleet's desk: between callers who change what is the fleet's, the agent that talks to the
 * cluster, and the writer. Knows no D-Bus. Belongs to the thread of the main context.
 *
 * A change of the fleet's keys comes from the writer as a proposal. The agent puts it before the
 * cluster, and its caller is answered when it has come back as a commit of this host. */
#ifndef REGD_FLEET_DESK_DESK_H
#define REGD_FLEET_DESK_DESK_H

#include "regd/fleet/desk/fleet-settings.h"
#include "regd/fleet/local/order.h"
#include "regd/service/service.h"

typedef struct FleetDesk FleetDesk;

/* What the agent is asked for besides proposals. */
typedef enum {
  FLEET_TASK_INIT,
  FLEET_TASK_JOIN,
  FLEET_TASK_LEAVE,
  FLEET_TASK_RESYNC,
  FLEET_TASK_FORGET
} FleetTaskKind;
typedef struct {
  FleetTaskKind kind;
  /* init: from what is here; join: in place of it; leave: drop it; resync, forget: do it. */
  gboolean agreed;
  gboolean dry_run; /* resync */
  /* Borrowed for the call that it begins with. */
  Identity *who;    /* init, join: who asks for it */
  const char *host; /* forget: whom */
} FleetTask;

/* How the desk reaches the agent and the world; @data is fleet_desk_new()'s. */
typedef struct {
  /* Settings, or what this host has of the fleet, are other ones now. */
  void (*configure)(gpointer data);
  /* @guard may be NULL. Of @operations, the ticket of Outcome. */
  void (*propose)(guint32 ticket, GBytes *guard, GBytes *head, const GPtrArray *operations,
                  gpointer data);
  /* @info, @head, @operations: init only, else NULL. */
  void (*task)(guint32 ticket, const FleetTask *task, GBytes *info, GBytes *head,
               const GPtrArray *operations, gpointer data);
  /* Which hosts are there? Answered with fleet_desk_note_hosts(). */
  void (*list_hosts)(guint32 ticket, gpointer data);
  void (*state_changed)(const char *before, gpointer data);
} FleetLine;

/* What it works with; borrowed. */
typedef struct {
  Service *service;
  Writer *writer;
  const char *database; /* its file */
} FleetParts;
FleetDesk *fleet_desk_new(const FleetParts *parts, const FleetLine *line, gpointer data);
/* Answers all who wait; nothing is written through it from then on. */
void fleet_desk_stop(FleetDesk *desk);
/* After the writer has been stopped. */
void fleet_desk_free(FleetDesk *desk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetDesk, fleet_desk_free)

const FleetSettings *fleet_desk_get_settings(const FleetDesk *desk);
/* NULL: this host is in no fleet. */
const FleetState *fleet_desk_get_joined(const FleetDesk *desk);

/* What the agent tells of its connection. */
typedef struct {
  char *state, *reason, *member;
  char *warning; /* of this host's certificate; "" or NULL: there is none */
  guint64 cluster_revision, cluster_number, last_contact, retries, bytes;
} FleetStatus;
/* Borrowed; empty without an agent. */
const FleetStatus *fleet_desk_get_status(const FleetDesk *desk);
/* "off", "unjoined", or what the agent says; *@reason is "" only for "live". Borrowed. */
const char *fleet_desk_get_state(const FleetDesk *desk, const char **reason);
/* Since when, in us since 1970. */
gint64 fleet_desk_get_since(const FleetDesk *desk);

/* ---- the agent ---- */

void fleet_desk_attach(FleetDesk *desk);
void fleet_desk_detach(FleetDesk *desk);
/* Takes what is in @status. */
void fleet_desk_note_status(FleetDesk *desk, FleetStatus *status);
typedef void (*FleetDone)(const FleetOrder *order, const WriteResult *result, gpointer data);
/* Does apply, re-sync and list; @done is called once. References @order. */
void fleet_desk_carry_out(FleetDesk *desk, FleetOrder *order, FleetDone done, gpointer data);
/* The answer to a proposal or a task. */
typedef struct {
  guint32 ticket;
  const char *what; /* "done", "behind", or why not */
  guint64 revision;
  const char *message;
  GBytes *info; /* join: the fleet's record; or NULL */
} FleetOutcome;
/* What a dry run of a re-sync has found since a task began, of FleetDifference; borrowed. NULL:
 * there was none. */
const GPtrArray *fleet_desk_get_differences(const FleetDesk *desk);
void fleet_desk_note_outcome(FleetDesk *desk, const FleetOutcome *outcome);

/* ---- administrators ---- */

/* @text: what there is to say of it; NULL with @error. */
typedef void (*FleetTaskDone)(const char *text, const GError *error, gpointer data);
/* One at a time: CONFLICT. @done is called once. */
void fleet_desk_begin_task(FleetDesk *desk, const FleetTask *task, FleetTaskDone done,
                           gpointer data);
/* Proposes every secret value below the mounts again, sealed with the first key of the Key File, as
 * a change of @who. The same errors as of any change. */
void fleet_desk_reseal(FleetDesk *desk, Identity *who, FleetTaskDone done, gpointer data);

#endif
