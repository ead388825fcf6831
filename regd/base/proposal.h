/* SPDX-License-Identifier: MIT */
/* What a change would do to the keys of a fleet, in the fleet's own terms. The writer makes it in
 * place of a commit; the fleet's members agree on it, and bring it back as a commit of theirs. */
#ifndef REGD_BASE_PROPOSAL_H
#define REGD_BASE_PROPOSAL_H

#include "regd/base/access.h"

typedef enum { PROPOSAL_PUT = 1, PROPOSAL_DELETE = 2 } ProposalKind;

/* One record of the fleet. */
typedef struct {
  ProposalKind kind;
  char *key;      /* without the layer's prefix */
  GBytes *record; /* NULL for PROPOSAL_DELETE */
} ProposalOperation;

/* Counted atomically; it is not changed once it has left the writer. */
typedef struct {
  gatomicrefcount references;
  GPtrArray *operations; /* of ProposalOperation; no key twice */
  GBytes *guard;         /* the id of the commit that it was judged against; NULL: of none */
  guint32 trial;         /* for how many seconds it is on trial; 0: it is not */
  guint64 ends;          /* the trial that it ends, by the cluster's revision; 0: none */
  gboolean undoes;       /* that trial is undone; FALSE: it is confirmed */
  char *comment;         /* of the commit; NULL: that of `change` */
  char *path;            /* the first key that it changes, for messages */
  Identity *who;
  char *user;     /* the name of `who`, which tells other hosts more than a number; or the number */
  Change *change; /* to be judged again if another commit comes first */
} Proposal;
/* Without operations. */
Proposal *proposal_new(Identity *who, GBytes *guard);
Proposal *proposal_ref(Proposal *proposal);
void proposal_unref(Proposal *proposal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Proposal, proposal_unref)
/* Takes @key and @record. */
void proposal_add(Proposal *proposal, ProposalKind kind, char *key, GBytes *record);
/* Bytes of all keys and records. */
gsize proposal_get_size(const Proposal *proposal);

#endif
