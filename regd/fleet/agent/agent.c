/* SPDX-License-Identifier: MIT */
/* See agent.h. */
#include "regd/fleet/agent/agent.h"

#include <string.h>

#include "regd/fleet/agent/committing.h"
#include "regd/fleet/agent/follower.h"
#include "regd/fleet/agent/tasks.h"
#include "regd/fleet/report/report.h"
#include "regd/fleet/report/roll.h"

/* A commit on its way. There may be two: regd proposes the next when the watch has brought the
 * last, which may be before etcd has answered it. */
typedef struct {
  struct Agent *agent;
  guint32 ticket;
  Committing *committing;
} Commit;

struct Agent {
  Link *link;
  Follower *follower;
  AgentConfig *config; /* NULL: regd has told nothing yet */
  Cluster *cluster;    /* NULL: not enabled, or no endpoint is set */
  GPtrArray *commits;  /* of Commit */
  Tasks *tasks;
  Report *report;
  Roll *roll; /* under way, or NULL */
  guint32 roll_ticket;
};

/* ---- commits ---- */

static void tell(Agent *agent, guint32 ticket, const char *what, const char *message) {
  const LinkOutcome outcome = {.ticket = ticket, .what = what, .message = message};
  link_tell_outcome(agent->link, &outcome);
}

static void on_committed(const SubmissionEnd *end, gpointer data) {
  Commit *commit = data;
  tasks_tell_end(commit->agent->link, commit->ticket, end);
  if (end->answer == PROPOSE_TELL_DONE && committing_is_staged(commit->committing))
    follower_settle(commit->agent->follower);
  g_ptr_array_remove_fast(commit->agent->commits, commit);
}

static void propose(Agent *agent, const LinkProposal *proposal, const Follow *place) {
  g_autofree Commit *commit = g_new0(Commit, 1);
  const CommittingPlan plan = {.content = {.info = follower_get_info(agent->follower),
                                           .modified = place->modified,
                                           .head = proposal->head,
                                           .steps = proposal->steps},
                               .is_held_up = follower_take_over_pending(agent->follower),
                               .endpoint = follower_get_endpoint(agent->follower),
                               .done = on_committed,
                               .data = commit};
  commit->agent = agent;
  commit->ticket = proposal->ticket;
  commit->committing = committing_start(agent->cluster, agent->config, &plan);
  if (commit->committing == NULL)
    tell(agent, proposal->ticket, "failed", "the commit's head can't be read");
  else
    g_ptr_array_add(agent->commits, g_steal_pointer(&commit));
}

static void on_proposed(LinkProposal *given, gpointer data) {
  Agent *agent = data;
  g_autoptr(LinkProposal) proposal = given;
  const char *why = NULL;
  const Follow *place = agent->cluster != NULL ? follower_get_place(agent->follower, &why) : NULL;
  if (place == NULL)
    tell(agent, proposal->ticket, "unavailable", why != NULL ? why : "the fleet is off");
  else if (memcmp(proposal->guard, place->handed_id, FLEET_ID_BYTES) != 0 ||
           memcmp(proposal->guard, place->id, FLEET_ID_BYTES) != 0)
    tell(agent, proposal->ticket, "behind", "");
  else
    propose(agent, proposal, place);
}

/* While everything is read anew nothing is followed: what is read is then not older than what regd
 * has been handed, and nothing comes in between. */
static void pause_following(Agent *agent) {
  const LinkState state = {.state = "resync", .reason = "everything is being read", .member = ""};
  follower_stop(agent->follower, FALSE);
  link_tell_state(agent->link, &state);
}

static void on_tasked(LinkTask *task, gpointer data) {
  Agent *agent = data;
  tasks_begin(agent->tasks, task, agent->cluster, agent->config);
  if (tasks_are_pausing(agent->tasks))
    pause_following(agent);
}

/* ---- this host and the others ---- */

static void on_changed(gpointer data) {
  Agent *agent = data;
  report_note(agent->report);
}

static void on_reported(GBytes *record, gpointer data) {
  Agent *agent = data;
  report_take(agent->report, record);
}

static void ask_report(gpointer data) {
  Agent *agent = data;
  link_ask_report(agent->link, on_reported, agent);
}

static guint get_endpoint(gpointer data) {
  const Agent *agent = data;
  return follower_get_endpoint(agent->follower);
}

static void on_roll(const GPtrArray *hosts, const TransportEnd *end, gpointer data) {
  Agent *agent = data;
  agent->roll = NULL;
  link_tell_hosts(agent->link, agent->roll_ticket, hosts, hosts != NULL ? "" : end->text);
}

/* A new question takes the place of one under way, which regd has given up. */
static void on_hosts_asked(guint32 ticket, gpointer data) {
  Agent *agent = data;
  g_clear_pointer(&agent->roll, roll_cancel);
  agent->roll_ticket = ticket;
  if (agent->cluster != NULL)
    agent->roll = roll_start(agent->cluster, get_endpoint(agent), on_roll, agent);
  else
    link_tell_hosts(agent->link, ticket, NULL, "the fleet is off");
}

/* ---- regd comes and goes ---- */

/* What is on its way by the old connections ends. */
static void leave_cluster(Agent *agent, gboolean regd_is_gone) {
  report_stop(agent->report);
  if (agent->roll != NULL)
    link_tell_hosts(agent->link, agent->roll_ticket, NULL, "the fleet's settings have changed");
  g_clear_pointer(&agent->roll, roll_cancel);
  follower_stop(agent->follower, regd_is_gone);
  while (agent->commits->len > 0)
    committing_abandon(((const Commit *)agent->commits->pdata[0])->committing);
  tasks_abandon(agent->tasks, regd_is_gone);
  g_clear_pointer(&agent->cluster, cluster_free);
}

static void tell_unjoined(Agent *agent) {
  const LinkState state = {.state = "unjoined",
                           .reason = "this host has joined no fleet: regctl fleet join",
                           .member = ""};
  link_tell_state(agent->link, &state);
}

static void on_configured(AgentConfig *config, gpointer data) {
  Agent *agent = data;
  gboolean usable = config->enabled && config->endpoints[0] != NULL;
  if (agent->cluster != NULL && (!usable || !cluster_fits(agent->cluster, config)))
    leave_cluster(agent, FALSE);
  follower_stop(agent->follower, FALSE);
  config_free(agent->config);
  agent->config = config;
  if (agent->cluster == NULL && usable)
    agent->cluster = cluster_new(config);
  if (agent->cluster != NULL && config->joined) {
    if (!tasks_are_pausing(agent->tasks))
      follower_start(agent->follower, agent->cluster, config);
    report_start(agent->report, agent->cluster, config);
    return;
  }
  report_withdraw(agent->report);
  if (config->enabled)
    tell_unjoined(agent);
}

static void on_lost(gpointer data) {
  Agent *agent = data;
  leave_cluster(agent, TRUE);
}

Agent *agent_new(const char *bus) {
  Agent *agent = g_new0(Agent, 1);
  const LinkEvents events = {.configured = on_configured,
                             .proposed = on_proposed,
                             .tasked = on_tasked,
                             .hosts_asked = on_hosts_asked,
                             .changed = on_changed,
                             .lost = on_lost,
                             .data = agent};
  agent->link = link_new(bus, &events);
  agent->follower = follower_new(agent->link);
  agent->tasks = tasks_new(agent->link);
  agent->report = report_new(&(ReportEvents){ask_report, get_endpoint, agent});
  agent->commits = g_ptr_array_new_with_free_func(g_free);
  return agent;
}

void agent_free(Agent *agent) {
  if (agent == NULL)
    return;
  leave_cluster(agent, TRUE);
  g_ptr_array_unref(agent->commits);
  tasks_free(agent->tasks);
  report_free(agent->report);
  follower_free(agent->follower);
  link_free(agent->link);
  config_free(agent->config);
  g_free(agent);
}
