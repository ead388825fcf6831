/* SPDX-License-Identifier: MIT */
/* Holding back: failures counted for each pair of address and account, the delay that
 * grows with an address's failures, the lock on a pair, the hold on an address that
 * tries many accounts. Pure: times are given, nothing waits here.
 *
 * Over all addresses guess-limit.h bounds wrong passwords: tries wait for it, too.
 *
 * Tries under way count as failures until they have ended, so that many at once gain
 * nothing. Without an address at most 16 may begin at once before the first failure, and each
 * that fails adds its delay. Memory is bounded: expired entries are evicted first, then those with
 * the fewest failures that are not held. Evicting one hold takes a whole table of others, more
 * failures than the hold denies. */
#ifndef MAILAUTH_LOGINS_THROTTLE_H
#define MAILAUTH_LOGINS_THROTTLE_H

#include "mailauth/settings/settings.h"

/* The settings, as they stand now: they go for what was counted before, too. */
typedef struct {
  guint32 failure_delay;     /* ms; 0: none */
  guint32 lockout_threshold; /* failures; 0: never, and lifts every hold */
  guint32 lockout_seconds;
  /* Over all addresses; 0: no bound, nor is there one without a threshold. */
  guint32 failures_per_account; /* in lockout_seconds */
  guint32 failures_per_minute;
  /* The address tells nothing (saslauthd's protocol has none): it is the account's name, and
   * whoever is held back may be its owner. There are only delays, and one try at a time once one
   * has failed; @failures_per_account does not count. */
  gboolean no_address;
  /* The address is one of `Trusted Networks`, and many people's: it is not held as a whole, and
   * one account's failures delay no other account. */
  gboolean is_trusted;
  /* Others wait already, for the bound on the account or on all (guess-limit.h). */
  gboolean behind_account, behind_all;
} ThrottleRules;

/* By the settings as they stand. @address: "" if it is not known; NULL: of no single one. */
ThrottleRules throttle_make_rules(const Settings *settings, const char *address);

/* One try. */
typedef struct {
  const char *account;
  const char *address; /* as client_address_dup_group() makes it */
  gint64 now;          /* monotonic, in µs */
  guint32 password;    /* tells one password from another; 0: it can't be told */
} ThrottleTry;

typedef enum {
  THROTTLE_GO,   /* the password may be proved; end it with throttle_end() */
  THROTTLE_WAIT, /* ask again after *@wait_ms, or when a try of this address has ended */
  THROTTLE_WAIT_FOR_ACCOUNT, /* the same, in the line for the bound on this account (lines.h) */
  THROTTLE_WAIT_FOR_ALL,     /* in the line for the bound over all accounts */
  THROTTLE_HELD,             /* refuse, after *@wait_ms */
} ThrottleAnswer;

typedef enum { THROTTLE_SUCCESS, THROTTLE_FAILURE, THROTTLE_UNDECIDED } ThrottleResult;

typedef struct Throttle Throttle;

/* @capacity: pairs remembered at most, 1 or more. */
Throttle *throttle_new(guint capacity);
void throttle_free(Throttle *throttle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Throttle, throttle_free)

ThrottleAnswer throttle_begin(Throttle *throttle, const ThrottleRules *rules,
                              const ThrottleTry *try, guint32 *wait_ms);
/* Ends what was begun. *@wait_ms: how long the client's answer is to wait. A wrong password that
 * the pair has had lately counts for nothing, as it is a device that was not told of a new one; it
 * delays the next try as a first failure does. */
void throttle_end(Throttle *throttle, const ThrottleRules *rules, const ThrottleTry *try,
                  ThrottleResult result, guint32 *wait_ms);

/* What is held back: a pair, or an address as a whole. */
typedef struct {
  const char *address;
  const char *account; /* NULL: the address as a whole */
  guint failures;
  gint64 until; /* monotonic, in µs, as far as it can be told: more failures make it longer */
} ThrottleHold;
typedef void (*ThrottleVisit)(const ThrottleHold *hold, gpointer data);

/* Each that throttle_begin() would refuse now; in no order. */
void throttle_visit_held(const Throttle *throttle, const ThrottleRules *rules, gint64 now,
                         ThrottleVisit visit, gpointer data);
/* Drops the failures of @account (NULL: of every account) from @address (NULL: from
 * everywhere), and the delay of addresses that are released as a whole. Tries under way
 * stay. Returns how many pairs had failures. */
guint throttle_release(Throttle *throttle, const char *account, const char *address);
/* The same of @who: a name of an account, by the domains of @settings, or an address; NULL: of
 * everybody. */
guint throttle_release_named(Throttle *throttle, const Settings *settings, const char *who);

/* What the administrator has to be told of the bounds over all addresses (guess-limit.h);
 * NULL: nothing. Owned. */
char *throttle_take_alarm(Throttle *throttle);

/* Pairs remembered now, held or not. */
guint throttle_count(const Throttle *throttle);

#endif
