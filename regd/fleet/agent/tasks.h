/* SPDX-License-Identifier: MIT */
/* What administrators ask of the agent: to found a fleet, to join one, to read all of it again.
 * One at a time. */
#ifndef REGD_FLEET_AGENT_TASKS_H
#define REGD_FLEET_AGENT_TASKS_H

#include "regd/fleet/agent/link.h"
#include "regd/fleet/agent/submission.h"
#include "regd/fleet/etcd/cluster.h"

typedef struct Tasks Tasks;
Tasks *tasks_new(Link *link);
void tasks_free(Tasks *tasks);
/* Takes @task. @cluster: NULL: there is none; else it outlives the task, or tasks_abandon() is
 * called. */
void tasks_begin(Tasks *tasks, LinkTask *task, Cluster *cluster, const AgentConfig *config);
/* Whether nothing is to be followed until the task is over, which ends with link_attach(). */
gboolean tasks_are_pausing(const Tasks *tasks);
/* Ends what is under way, and tells so. @regd_is_gone: regd will answer nothing any more. */
void tasks_abandon(Tasks *tasks, gboolean regd_is_gone);

/* Tells regd how a transaction ended. */
void tasks_tell_end(Link *link, guint32 ticket, const SubmissionEnd *end);

#endif
