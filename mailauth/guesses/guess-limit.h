/* SPDX-License-Identifier: MIT */
/* Bounds on wrong passwords over all addresses: for one account, and for all of them. Holds
 * go by addresses (throttle.h), and whoever has many, or a front that has been taken over
 * and tells false ones, is not stopped by them.
 *
 * Only wrong passwords count: a try takes a place when it begins, and gives it back if the
 * password was right or nothing came of it. Without a free place a try waits (lines.h has
 * the order). An address from which an account's password was right lately does not wait, up
 * to KNOWN_FAILURES wrong ones, so that guesses from elsewhere keep nobody out of the places
 * where they usually are. Pure: times are given. */
#ifndef MAILAUTH_GUESSES_GUESS_LIMIT_H
#define MAILAUTH_GUESSES_GUESS_LIMIT_H

#include <glib.h>

/* Addresses remembered for an account, and how many wrong passwords they are trusted for. */
#define KNOWN_ADDRESSES 8U
#define KNOWN_FAILURES 3U

/* As they stand now; 0: no bound. */
typedef struct {
  guint32 per_account; /* wrong passwords for one account in @seconds */
  guint32 seconds;
  guint32 per_minute; /* wrong passwords in all */
} GuessRules;

typedef struct {
  const char *account;
  const char *address; /* NULL: there is none, or it tells nothing */
  guint failures;      /* the account's from this address, lately */
  /* Others wait already, for the bound on the account or on all: it waits behind them. */
  gboolean behind_account, behind_all;
} Guess;

typedef struct GuessLimit GuessLimit;

/* @capacity: accounts remembered at most. */
GuessLimit *guess_limit_new(guint capacity);
void guess_limit_free(GuessLimit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuessLimit, guess_limit_free)

/* How long a try has to wait before it is worth asking again, in ms; 0: it may begin.
 * @now: monotonic, in µs. *@for_all (or NULL): whether it waits for the bound on all. */
guint32 guess_limit_get_wait(GuessLimit *limit, const GuessRules *rules, const Guess *guess,
                             gint64 now, gboolean *for_all);
/* Begins a try that need not wait. */
void guess_limit_begin(GuessLimit *limit, const Guess *guess);
typedef enum { GUESS_RIGHT, GUESS_WRONG, GUESS_UNDECIDED } GuessResult;
void guess_limit_end(GuessLimit *limit, const GuessRules *rules, const Guess *guess,
                     GuessResult result, gint64 now);

/* Forgets the wrong passwords for the account @name; NULL: for everybody. */
void guess_limit_release(GuessLimit *limit, const char *name);

/* What was reached since this was asked last, for the administrator: at most once a minute
 * for each account, and for all together. NULL: nothing. Owned. */
char *guess_limit_take_alarm(GuessLimit *limit);

#endif
