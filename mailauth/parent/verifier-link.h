/* SPDX-License-Identifier: MIT */
/* The channel between verifier and front, of which the parent gives each an end: when
 * either is new, and when the channel has ended though both live. If that happens too
 * often the front is replaced. */
#ifndef MAILAUTH_PARENT_VERIFIER_LINK_H
#define MAILAUTH_PARENT_VERIFIER_LINK_H

#include "mailauth/parent/child.h"

/* Part of the parent. */
typedef struct {
  Child *front, *verifier;
  guint64 number; /* of the channel */
  gint64 made;    /* monotonic time, us */
  guint lost;     /* in a row */
  guint timer;    /* that makes another; 0 for none */
  char *why;      /* the last has ended */
} VerifierLink;

/* Borrows both. */
void verifier_link_init(VerifierLink *link, Child *front, Child *verifier);
void verifier_link_clear(VerifierLink *link);

/* Makes a channel if both are there. FAILED: the system has no more sockets. */
gboolean verifier_link_make(VerifierLink *link, GError **error);
/* FRONT_LOST: makes another, a little later. */
void verifier_link_take_lost(VerifierLink *link, const Message *message);

#endif
