/* SPDX-License-Identifier: MIT */
/* What the files of the follower share: its states and calls (follower.c), the watch and what is
 * handed to regd (follower-watch.c), and what it tells (follower-tell.c). */
#ifndef REGD_FLEET_AGENT_FOLLOWER_PRIVATE_H
#define REGD_FLEET_AGENT_FOLLOWER_PRIVATE_H

#include "regd/fleet/agent/follower.h"
#include "regd/fleet/agent/snapshot.h"
#include "regd/fleet/stage/parts.h"
#include "regd/fleet/stage/upkeep.h"

/* One revision of etcd. */
typedef struct {
  Follower *follower;
  gint64 revision;
  GPtrArray *items;    /* of EtcdItem: records of keys and values */
  FleetHead *head;     /* or NULL */
  GBytes *head_record; /* or NULL */
  gboolean deletes_head, bad_head;
  gsize bytes; /* in memory, about */
} FollowerGroup;

struct Follower {
  Link *link;
  Cluster *cluster; /* this and the next: NULL while there is nothing to follow */
  const AgentConfig *config;
  Follow follow;
  GBytes *info;   /* the Fleet record, or NULL */
  GBytes *head;   /* the Head record of the comparison, or NULL */
  guint endpoint; /* grows without end */
  guint failures; /* one after the other */
  guint64 retries;
  gboolean silent;   /* the last failure was a member that said nothing */
  gboolean distrust; /* regd refused something: ask it what it holds */
  char **problems;   /* of each endpoint, or NULL */
  char *reason;      /* why not live */
  guint64 cluster_number;
  gint64 cluster_revision;
  gint64 last_contact; /* g_get_monotonic_time() */
  gint64 owed_since;   /* when a comparison found more than the watch has brought; 0: no */
  ClusterCall *comparison;
  Stream *watch;
  Snapshot *snapshot;
  Upkeep *upkeep;
  Parts *parts;             /* of `assembled` */
  FollowerGroup *assembled; /* its parts are being read; or NULL */
  guint timer;              /* that brings FOLLOW_DUE, or begins to read everything */
  guint pulse;              /* looks for signs of life */
  guint check;              /* compares now and then while live */
  GQueue groups;            /* of FollowerGroup, that wait to be handed to regd */
  GQueue handed;            /* of FollowerGroup, that regd has not answered yet */
  gsize waiting_bytes;      /* of @groups */
  gsize handed_bytes;       /* of @handed */
  gint64 passed;            /* the revision of the group that was judged last */
  gboolean held_up;         /* the watch was ended, and goes on once @groups is empty */
  guint postponed;          /* actions that wait until it has */
  gboolean renewed;         /* there are new connections, and the watch has an old one */
  guint resyncs;            /* that regd has not answered yet */
};

void follower_step(Follower *follower, FollowEvent event);
/* The step of a failure, whose text is kept as this endpoint's problem. */
void follower_fail(Follower *follower, FollowEvent event, const char *text);
void follower_set_reason(Follower *follower, const char *reason);

void follower_open_watch(Follower *follower);
/* On a new connection, from what regd has. FALSE: regd is still being handed something. */
gboolean follower_reopen_watch(Follower *follower);
/* Forgets what was not handed to regd yet. */
void follower_close_watch(Follower *follower);
/* Forgets what was, too: regd is gone. */
void follower_forget_handed(Follower *follower);
/* Whether regd owes an answer. */
gboolean follower_awaits_regd(const Follower *follower);
void follower_ask_for_life(Follower *follower);

void follower_tell(Follower *follower);
/* Why each endpoint did not answer; owned. */
char *follower_describe_problems(const Follower *follower);

#endif
