/* SPDX-License-Identifier: MIT */
/* The agent: puts together what regd wants (link.h), the cluster (cluster.h), the follower and
 * the one commit that is on its way. */
#ifndef REGD_FLEET_AGENT_AGENT_H
#define REGD_FLEET_AGENT_AGENT_H

#include <glib.h>

typedef struct Agent Agent;
/* @bus is waited for if it is not there yet. */
Agent *agent_new(const char *bus);
void agent_free(Agent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Agent, agent_free)

#endif
