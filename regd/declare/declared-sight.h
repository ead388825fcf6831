/* SPDX-License-Identifier: MIT */
/* May a caller see what is declared? By today's rights, as values. But a declaration outlives its
 * key, so that what was in a closed key stays as closed when the key is gone, or there again. */
#ifndef REGD_DECLARE_DECLARED_SIGHT_H
#define REGD_DECLARE_DECLARED_SIGHT_H

#include "regd/declare/declared.h"
#include "regd/history/sight.h"

/* @thing: as it is today; its `then` does not count. @closed: of the declaration. */
gboolean declared_is_shown(Store *store, const Identity *who, const PastThing *thing, gint64 closed,
                           gboolean *shown, GError **error);
/* The owners of @rows (of Declared; may be NULL) that the caller may be told of, all of @thing;
 * NULL for an error. */
char **declared_dup_owners(Store *store, const Identity *who, const PastThing *thing,
                           const GPtrArray *rows, GError **error);

#endif
