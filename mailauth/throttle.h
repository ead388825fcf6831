/* Who is held back: failures counted for each pair of address and account, the
 * delay that grows with an address's failures, the lock on a pair, the hold on
 * an address that tries many accounts. Pure: times are given, nothing waits here.
 *
 * Tries under way count as failures until they have ended, so that many at once
 * get no further than one after the other. Memory is bounded; what goes first is
 * what has expired, then what is not held, with the fewest failures. To push out
 * one hold takes a whole table of others, more failures than the hold denies. */
#ifndef MAILAUTH_THROTTLE_H
#define MAILAUTH_THROTTLE_H

#include <glib.h>

/* The settings, as they stand now: they go for what was counted before, too. */
typedef struct {
  guint32 failure_delay;     /* ms; 0: none */
  guint32 lockout_threshold; /* failures; 0: never, and lifts every hold */
  guint32 lockout_seconds;
} ThrottleRules;

typedef enum {
  THROTTLE_GO,   /* the password may be proved; end it with throttle_end() */
  THROTTLE_WAIT, /* ask again after *@wait_ms, or when a try of this address has ended */
  THROTTLE_HELD, /* refuse, after *@wait_ms */
} ThrottleAnswer;

typedef enum { THROTTLE_SUCCESS, THROTTLE_FAILURE, THROTTLE_UNDECIDED } ThrottleResult;

typedef struct Throttle Throttle;

/* @capacity: pairs remembered at most, 1 or more. */
Throttle *throttle_new(guint capacity);
void throttle_free(Throttle *throttle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Throttle, throttle_free)

/* @address as address_dup_group() makes it. @now: monotonic, in µs. */
ThrottleAnswer throttle_begin(Throttle *throttle, const ThrottleRules *rules, const char *account,
                              const char *address, gint64 now, guint32 *wait_ms);
/* Ends what was begun. *@wait_ms: how long the client's answer is to wait. */
void throttle_end(Throttle *throttle, const ThrottleRules *rules, const char *account,
                  const char *address, gint64 now, ThrottleResult result, guint32 *wait_ms);

/* Pairs remembered now, held or not. */
guint throttle_count(const Throttle *throttle);

#endif
