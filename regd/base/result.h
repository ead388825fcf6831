/* SPDX-License-Identifier: MIT */
/* What a change has done, or why it was refused. */
#ifndef REGD_BASE_RESULT_H
#define REGD_BASE_RESULT_H

#include "regd/base/effective.h"
#include "regd/base/proposal.h"

typedef struct {
  guint64 revision;        /* the current one after this change */
  Effective *effective;    /* NULL: nothing changed (or a dry run) */
  gboolean changed;        /* something differs from what was there, or would (a dry run) */
  gboolean kept;           /* something was written, with or without a revision */
  gboolean purged;         /* old data was forgotten: no trace of it is to stay in the files */
  gboolean created;        /* CreateKey: the key was not there */
  gboolean trials_changed; /* something was put on trial, or is so no longer */
  guint32 keys_created, keys_deleted, values_set, values_deleted, values_unchanged;
  guint32 values_pruned, keys_pruned, values_drifted;
  guint64 steps;       /* of work, also of a change that was refused */
  Effective *would_do; /* dry run of a rollback: what it would do; else NULL */
  Proposal *proposal;  /* NULL, or what the fleet has to agree on first: nothing is written */
  GError *error;       /* why it was refused; the other fields mean nothing then */
} WriteResult;

void write_result_clear(WriteResult *result);

/* On the main context. @result is the writer's. */
typedef void (*WriteDone)(const WriteResult *result, gpointer data);

#endif
