/* SPDX-License-Identifier: MIT */
/* How many logins have ended in each of the last minutes, and how. Pure. */
#ifndef MAILAUTH_LOGINS_RATES_H
#define MAILAUTH_LOGINS_RATES_H

#include "mailauth/base/outcome.h"

#define RATES_MINUTES 60U
#define RATES_MINUTE_US ((gint64)60 * G_USEC_PER_SEC)

typedef struct Rates Rates;

Rates *rates_new(void);
void rates_free(Rates *rates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rates, rates_free)

/* @now: microseconds since 1970, as below. The clock may be set back. */
void rates_note(Rates *rates, Outcome outcome, gint64 now);
/* Logins that ended so in the minute that holds the moment @time; 0 for those that are more than
 * RATES_MINUTES ago. */
guint32 rates_get(const Rates *rates, Outcome outcome, gint64 time);

#endif
