/* SPDX-License-Identifier: MIT */
/* How long proofs of passwords took, for each broker of the membership and each source
 * of native accounts. Pure. */
#ifndef MAILAUTH_LOGINS_TIMINGS_H
#define MAILAUTH_LOGINS_TIMINGS_H

#include "mailauth/base/histogram.h"
#include "mailauth/settings/decision.h"

/* Brokers told apart; those that come later are counted together. */
#define MAX_TIMED_BROKERS 64U
/* Their name. */
#define OTHER_BROKERS "others"

typedef struct Timings Timings;
typedef void (*TimingsVisit)(PackageKind kind, const char *broker, const Histogram *times,
                             gpointer data);

Timings *timings_new(void);
void timings_free(Timings *timings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Timings, timings_free)

/* Noted by the broker's instance ID; natively by the source ("SAM"). */
void timings_note(Timings *timings, const Decision *decision, gint64 microseconds);
/* Each that was noted, in the order of its first time. */
void timings_visit(const Timings *timings, TimingsVisit visit, gpointer data);

#endif
