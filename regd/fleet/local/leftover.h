/* SPDX-License-Identifier: MIT */
/* What is stored below a mount and has no record in the fleet any more. */
#ifndef REGD_FLEET_LOCAL_LEFTOVER_H
#define REGD_FLEET_LOCAL_LEFTOVER_H

#include "regd/edit/edit.h"
#include "regd/fleet/local/order.h"

typedef struct {
  GPtrArray *records; /* of FleetRecord: deletions */
  guint values;       /* that leftovers_find() met; set to 0 to count a mount by itself */
  guint gone;         /* of them, those without a record */
} Leftovers;
void leftovers_clear(Leftovers *left);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Leftovers, leftovers_clear)

/* Adds those at and below @mount to @left. @known: the keys of all records that there are. */
gboolean leftovers_find(Leftovers *left, Edit *edit, const char *mount, GHashTable *known,
                        GError **error);

#endif
