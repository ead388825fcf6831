/* SPDX-License-Identifier: MIT */
/* When logins ask regd whether the settings are current. With many logins under way, and
 * passwords that wait for a processor, their round trips are batched: each is delayed a
 * little, and longer while many wait, since the login would only wait behind them. */
#ifndef MAILAUTH_LOGINS_ROUND_TRIPS_H
#define MAILAUTH_LOGINS_ROUND_TRIPS_H

#include "client/threads/workers.h"
#include "mailauth/settings/live-settings.h"

typedef struct RoundTrips RoundTrips;

/* Borrows both. @provers: the threads that prove passwords. */
RoundTrips *round_trips_new(Views *views, const Workers *provers);
/* NULL is fine. */
void round_trips_free(RoundTrips *trips);

/* views_sync() for one login, while @logins of them are under way. */
void round_trips_ask(RoundTrips *trips, guint logins, ViewsSynced synced, gpointer data);
/* A password has been proved: ends the delay once the threads may run out of them. */
void round_trips_note_proof(RoundTrips *trips);

#endif
