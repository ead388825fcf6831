/* SPDX-License-Identifier: MIT */
/* Tries that wait for a bound on wrong passwords, in the order in which they first came: a line
 * for each account, and one for the bound over all accounts. Only the first of a line asks
 * again, so that whoever comes last, or asks more often, overtakes nobody. */
#ifndef MAILAUTH_GUESSES_LINES_H
#define MAILAUTH_GUESSES_LINES_H

#include <glib.h>

/* Tries that wait at most, in all lines. */
#define MAX_WAITING_PER_ACCOUNT 100U
#define MAX_WAITING 2000U

typedef struct Lines Lines;
typedef struct LinePlace LinePlace;

/* @waiter is the first of its line (@for_all: of the one for all), and asks again. Returns the ms
 * after which it asks next; 0: it no longer waits there, and its place is gone (it may have joined
 * another line). */
typedef guint32 (*LineAsk)(gpointer waiter, gboolean for_all, gpointer data);

Lines *lines_new(LineAsk ask, gpointer data);
/* Nobody who waits is asked any more, and their places are gone. NULL is fine. */
void lines_free(Lines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lines, lines_free)

typedef struct {
  const char *account;
  gboolean for_all; /* in the line for the bound over all accounts, not in the account's */
  guint32 wait;     /* ms after which it asks again, if it is the first then */
} LineRequest;

/* The place of @waiter: after all who came before it, but for one that is being asked, which came
 * when it joined its first line. NULL if too many wait already. */
LinePlace *lines_join(Lines *lines, const LineRequest *request, gpointer waiter);
/* NULL is fine. Not for one that is being asked. */
void lines_leave(LinePlace *place);
/* Whether anyone waits there, but for one that is being asked. */
gboolean lines_is_waiting(const Lines *lines, const char *account, gboolean for_all);

/* Something has changed for the bound on @account, and for the bound over all accounts: those
 * who are first ask again. */
void lines_serve(Lines *lines, const char *account);
/* The same for every line. */
void lines_serve_all(Lines *lines);

#endif
