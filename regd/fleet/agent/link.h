/* SPDX-License-Identifier: MIT */
/* The agent's end of org.regd.FleetEngine1: its connection to the bus and to regd, the calls that
 * it makes and the signals that it takes. It goes on by itself after the bus or regd was away. */
#ifndef REGD_FLEET_AGENT_LINK_H
#define REGD_FLEET_AGENT_LINK_H

#include "regd/fleet/base/part.h"
#include "regd/fleet/etcd/config.h"
#include "regd/fleet/etcd/messages.h"

/* A commit to propose. */
typedef struct {
  guint32 ticket;
  guint8 guard[FLEET_ID_BYTES]; /* the head at which it was evaluated */
  GBytes *head;                 /* its Head record */
  GPtrArray *steps;             /* of FleetStep */
} LinkProposal;
void link_proposal_free(LinkProposal *proposal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkProposal, link_proposal_free)

typedef enum {
  LINK_TASK_INIT,
  LINK_TASK_JOIN,
  LINK_TASK_RESYNC,
  LINK_TASK_FORGET,
  N_LINK_TASKS
} LinkTaskKind;
typedef struct {
  guint32 ticket;
  LinkTaskKind kind;
  GBytes *info; /* init: this and the next two */
  GBytes *head;
  GPtrArray *steps;
  gboolean dry_run; /* resync */
  gboolean force;   /* resync, forget */
  char *host;       /* forget */
} LinkTask;
void link_task_free(LinkTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkTask, link_task_free)

typedef struct {
  /* Each takes what it is handed. */
  void (*configured)(AgentConfig *config, gpointer data);
  void (*proposed)(LinkProposal *proposal, gpointer data);
  void (*tasked)(LinkTask *task, gpointer data);
  /* Which hosts are there? Answered with link_tell_hosts(). */
  void (*hosts_asked)(guint32 ticket, gpointer data);
  /* What a report of this host holds may be another now. */
  void (*changed)(gpointer data);
  /* regd is away: nothing that was asked will be answered. */
  void (*lost)(gpointer data);
  gpointer data;
} LinkEvents;

typedef struct Link Link;
/* @bus is waited for if it is not there yet. */
Link *link_new(const char *bus, const LinkEvents *events);
void link_free(Link *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Link, link_free)

/* Asks regd again what it holds; `configured` is called with the answer. */
void link_attach(Link *link);

/* @error NULL: done. It is not called once regd was lost. */
typedef void (*LinkDone)(const GError *error, gpointer data);
/* One revision of etcd. */
typedef struct {
  gint64 revision;
  GBytes *head;           /* the Head record, or NULL */
  const GPtrArray *items; /* of EtcdItem: records of keys and values */
  gsize prefix_bytes;     /* of each key, that regd does not see */
} LinkGroup;
/* FALSE: it is too large for a message. */
gboolean link_apply(Link *link, const LinkGroup *group, LinkDone done, gpointer data);

/* What regd found: @refused is not NULL if it would delete too much; @text tells what differs. */
typedef void (*LinkResynced)(const GError *error, const char *refused, const char *text,
                             gpointer data);
typedef struct {
  gint64 revision;
  GBytes *head;
  int records; /* still the caller's */
  gboolean dry_run, force;
} LinkSnapshot;
void link_resync(Link *link, const LinkSnapshot *snapshot, LinkResynced done, gpointer data);

typedef struct {
  const char *state; /* "connecting", "resync", "live", "disconnected", "stale", "blocked",
                        "unjoined" */
  const char *reason, *member;
  const char *warning; /* of this host's certificate; "" or NULL: there is none */
  gint64 cluster_revision, last_contact;
  guint64 cluster_number, retries, bytes;
} LinkState;
void link_tell_state(Link *link, const LinkState *state);

typedef struct {
  guint32 ticket;
  const char *what;    /* "done", "behind", "unavailable", "uncertain", "access-denied", "full",
                          "too-large", "conflict", "not-found", "failed" */
  const char *message; /* a sentence, or "" */
  gint64 revision;     /* of "done" */
  GBytes *info;        /* join: the Fleet record, or NULL */
} LinkOutcome;
void link_tell_outcome(Link *link, const LinkOutcome *outcome);

/* What this host tells of itself: a Host record, or NULL. */
typedef void (*LinkReported)(GBytes *record, gpointer data);
void link_ask_report(Link *link, LinkReported done, gpointer data);
/* @hosts: of RollHost; NULL: they can't be read, @message says why. */
void link_tell_hosts(Link *link, guint32 ticket, const GPtrArray *hosts, const char *message);

#endif
