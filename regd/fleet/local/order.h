/* SPDX-License-Identifier: MIT */
/* What the writer is to do for the fleet, and what came of it: the contents of OPERATION_FLEET.
 * Made on the main thread, carried out on the writer's (member.h), and read again on the main
 * thread when that is done. */
#ifndef REGD_FLEET_LOCAL_ORDER_H
#define REGD_FLEET_LOCAL_ORDER_H

#include "regd/edit/edit.h"
#include "regd/fleet/base/record.h"
#include "regd/fleet/local/state.h"
#include "regd/history/trials.h"

typedef enum {
  FLEET_ORDER_PLAN,        /* checks whether this host may be `state`'s; init: makes `proposal` */
  FLEET_ORDER_JOIN,        /* stores `state` */
  FLEET_ORDER_LEAVE,       /* forgets the fleet */
  FLEET_ORDER_APPLY,       /* one revision of the cluster */
  FLEET_ORDER_RESYNC,      /* `records` are all that the fleet has */
  FLEET_ORDER_PROBLEMS,    /* lists them */
  FLEET_ORDER_TRIALS,      /* looks for `next_trial`, after it has put off `postponed` */
  FLEET_ORDER_RESEAL,      /* proposes the secret values as they are */
  FLEET_ORDER_ACKNOWLEDGE, /* forgets foreign writes */
} FleetOrderKind;

/* What a re-sync would change. */
typedef struct {
  ChangeKind kind;
  char *key;
  char *name; /* of a value; "" for keys */
} FleetDifference;
void fleet_difference_free(gpointer data);

/* A record as the cluster has it. */
typedef struct {
  char *key; /* without the layer's prefix; any bytes */
  gsize key_size;
  GBytes *record;  /* NULL: it has been deleted */
  guint64 created; /* the revision of the cluster that made it */
} FleetRecord;
void fleet_record_free(gpointer data);

typedef struct {
  gatomicrefcount references;
  FleetOrderKind kind;
  Identity *who;     /* plan: who asks for it; NULL: regd itself does */
  FleetState *state; /* plan, join */
  /* plan: what is stored below the mounts becomes the fleet's (init), or is replaced by it (join);
   * leave: it is deleted; resync: it is done whatever it deletes. */
  gboolean agreed;
  gboolean is_init;   /* plan */
  gboolean dry_run;   /* resync: nothing is kept */
  guint64 revision;   /* apply, resync: of the cluster */
  FleetHead *head;    /* apply: NULL: it was not made by regd; resync */
  EditOrigin origin;  /* of `head`, for history; without one its user_at_host is NULL */
  char *author;       /* what it borrows */
  GPtrArray *records; /* of FleetRecord */
  gboolean is_own;    /* apply: this host made the commit */
  gint64 grace;       /* apply: how much longer a trial lasts here, us */
  Trial postponed;    /* trials: with its new deadline; revision 0: none */

  /* What came of it. */
  FleetState *after;                 /* NULL: this host is in no fleet */
  Proposal *proposal;                /* plan, of init */
  GPtrArray *problems;               /* of FleetProblem */
  guint8 digest[FLEET_DIGEST_BYTES]; /* apply, resync: of all that is in the tree then */
  Trial next_trial;                  /* the fleet's that ends first; revision 0: there is none */
  guint n_problems;                  /* records that something is wrong with, in this order */
  guint n_unusable;                  /* those of them that were left out */
  char *refused;                     /* resync: why it has to be agreed to; NULL: it was done */
  guint n_resealed;                  /* reseal: values */
  guint n_acknowledged;
  GPtrArray *differences; /* resync that keeps nothing: of FleetDifference */
} FleetOrder;
FleetOrder *fleet_order_new(FleetOrderKind kind);
FleetOrder *fleet_order_ref(FleetOrder *order);
void fleet_order_unref(FleetOrder *order);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetOrder, fleet_order_unref)
/* Makes @head, which it takes, the commit that it brings. NULL: it was not made by regd. */
void fleet_order_set_head(FleetOrder *order, FleetHead *head);
/* A change that does it; references @order. */
Change *fleet_order_get_change(FleetOrder *order);

#endif
