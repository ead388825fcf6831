/* SPDX-License-Identifier: MIT */
/* Dry runs: what a change would do, told by applying it in the memory of a reader (shadow.h) to
 * the newest state. By the same code as a change that is meant, but without the writer. */
#ifndef REGD_SERVICE_REHEARSAL_H
#define REGD_SERVICE_REHEARSAL_H

#include "client/base/change.h"
#include "regd/base/result.h"
#include "regd/read/reader.h"

/* What is tried, by whom, and what came of it. */
typedef struct {
  Identity *who;
  SchemaSet *schemas; /* may be NULL */
  Change *change;     /* a dry run */
  WriteResult result;
} Rehearsal;
/* References @who and @schemas; takes @change. */
Rehearsal *rehearsal_new(Identity *who, SchemaSet *schemas, Change *change);
void rehearsal_free(Rehearsal *rehearsal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rehearsal, rehearsal_free)

/* Fills in the result, and frees the change. @reader is for nothing else afterwards. FALSE: it
 * is refused, as the change would be, or took too long. */
gboolean rehearsal_run(Rehearsal *rehearsal, Reader *reader, GError **error);

#endif
