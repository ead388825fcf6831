/* SPDX-License-Identifier: MIT */
/* The operands KEY and NAME of the verbs that are about one value. */
#ifndef CLIENT_REGCTL_VERBS_PLACE_H
#define CLIENT_REGCTL_VERBS_PLACE_H

#include "client/regctl/session/session.h"

typedef struct {
  char *key;        /* owned */
  const char *name; /* borrowed */
  gboolean named;   /* a name was given; else it is empty */
  guint next;       /* the operand behind them */
} Place;

typedef enum {
  PLACE_NAMED,       /* a name must be there, and nothing behind it */
  PLACE_WITH_DATA,   /* a name must be there; more may follow */
  PLACE_NAME_OR_NOT, /* a name may be there, and nothing behind it */
} PlaceKind;

/* NAME is the operand behind KEY, where `@` is the default value, or what --name says, as it
 * is. INVALID_ARGUMENTS: an operand is missing or too many. */
gboolean place_take(Session *session, PlaceKind kind, Place *place, GError **error);
void place_clear(Place *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

#endif
