/* SPDX-License-Identifier: MIT */
/* What this host has of its fleet, as it is stored: which fleet, up to which commit, and which
 * records of it can't be used. Each function needs a transaction on the store. */
#ifndef REGD_FLEET_LOCAL_STATE_H
#define REGD_FLEET_LOCAL_STATE_H

#include "regd/fleet/base/open-trials.h"
#include "regd/storage/store.h"
#include "regd/tree/settings.h"

#define FLEET_LAYER "all"
#define FLEET_DIGEST_BYTES 16U
#define FLEET_SETTINGS_KEY SETTINGS_KEY "\\Fleet"

typedef struct {
  char *fleet;
  GBytes *uuid;
  GStrv mounts;    /* canonical paths */
  guint64 applied; /* the newest revision of the cluster that is in the tree; 0: none yet */
  GBytes *head;    /* the id of the newest commit; NULL: none yet */
  guint64 number;  /* of that commit */
  OpenTrials open; /* as it says */
  guint8 digest[FLEET_DIGEST_BYTES]; /* of all records that are in the tree: see ledger.h */
} FleetState;
FleetState *fleet_state_copy(const FleetState *state);
void fleet_state_free(FleetState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetState, fleet_state_free)

/* *@state is NULL if this host is in no fleet. */
gboolean fleet_state_load(Store *store, FleetState **state, GError **error);
gboolean fleet_state_save(Store *store, const FleetState *state, GError **error);
/* Deletes the state and all problems. */
gboolean fleet_state_delete(Store *store, GError **error);

typedef struct {
  char *record; /* its key in the cluster */
  char *problem;
  guint64 revision; /* of the cluster */
} FleetProblem;
void fleet_problem_free(gpointer data);
/* The problem of a record that something else than regd has written: it is used, and listed until
 * somebody acknowledges it. */
#define FLEET_FOREIGN_WRITE                                                                        \
  "it was not written by regd; it is in use (`regctl fleet problems --clear` acknowledges it)"

/* Past FLEET_LIMIT_PROBLEMS nothing more is kept. */
gboolean fleet_problem_note(Store *store, const FleetProblem *problem, GError **error);
/* *@found: whether there is any but foreign writes. */
gboolean fleet_problem_find_any(Store *store, gboolean *found, GError **error);
/* Foreign writes stay. */
gboolean fleet_problem_clear(Store *store, const char *record, GError **error);
gboolean fleet_problem_clear_all(Store *store, GError **error);
/* Only foreign writes; adds how many there were to *@count. */
gboolean fleet_problem_acknowledge(Store *store, guint *count, GError **error);
/* By their records' keys. Of FleetProblem. */
GPtrArray *fleet_problem_list(Store *store, GError **error);

#endif
