/* SPDX-License-Identifier: MIT */
/* What stands in for an account that is not there, so that nothing tells it from one that
 * is: of the kinds that accounts have (methods of hashes with their cost, iteration counts)
 * one is chosen by a keyed hash of the name, each as often as accounts have it. The choice
 * for a name stays the same as long as its kind is in use and few accounts change. Pure. */
#ifndef MAILAUTH_BASE_STAND_IN_H
#define MAILAUTH_BASE_STAND_IN_H

#include <glib.h>

typedef struct StandIns StandIns;

StandIns *stand_ins_new(void);
void stand_ins_free(StandIns *stand_ins);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandIns, stand_ins_free)

/* @account is of @kind from now on; NULL: of none, or gone. @sample: an example of the kind,
 * kept if it is the first. Of more than MAX_STAND_IN_KINDS, those that come last stand in for
 * nobody. */
void stand_ins_set(StandIns *stand_ins, const char *account, const char *kind, const char *sample);
void stand_ins_clear(StandIns *stand_ins);
/* How many accounts there are. */
guint stand_ins_count(const StandIns *stand_ins);

/* The sample of the kind that stands in for @name; NULL if no account has any. Borrowed
 * until the next stand_ins_set(). @key must be secret, and the same for good. */
const char *stand_ins_choose(const StandIns *stand_ins, const guint8 *key, gsize key_size,
                             const char *name);

#endif
