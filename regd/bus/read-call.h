/* SPDX-License-Identifier: MIT */
/* Calls that read. A short one is read and answered at once on the main loop; one that turns
 * out to be long, or whose user has had their part of the main loop's time, is read on a thread,
 * where its answer is made too. */
#ifndef REGD_BUS_READ_CALL_H
#define REGD_BUS_READ_CALL_H

#include "regd/bus/face.h"

typedef struct {
  /* On the main loop or on a thread, at most once on each: fills in @data. */
  gboolean (*read)(Reader *reader, gpointer data, GError **error);
  /* Fills in the answer from @data, on the same thread. */
  gboolean (*append)(DBusMessageIter *out, gpointer data);
  /* Frees what `read` has made. */
  void (*clear)(gpointer data);
  gsize size;       /* of the data */
  gboolean is_long; /* goes on a thread at once */
} ReadCallKind;

/* Answers @call. @data is copied if it is needed later; what it points to belongs to the call
 * or lives as long. @kind is a constant. */
void read_call_run(DispatchCall *call, BusFace *face, const ReadCallKind *kind, gpointer data);
/* The same, on a thread in any case. */
void read_call_run_long(DispatchCall *call, BusFace *face, const ReadCallKind *kind, gpointer data);

/* What each user's short reads have taken of the main loop lately. */
typedef struct ShortTurns ShortTurns;
ShortTurns *short_turns_new(void);
void short_turns_free(ShortTurns *turns);

#endif
