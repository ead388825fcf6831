/* SPDX-License-Identifier: MIT */
/* One record of the fleet, written to the tree. Paths are canonical and folded; what is missing on
 * the way is made. A record that can't be put where it belongs is left out: *@why, owned, says why,
 * and is NULL for one that was. FALSE only for errors of the store. */
#ifndef REGD_FLEET_LOCAL_PLACE_RECORD_H
#define REGD_FLEET_LOCAL_PLACE_RECORD_H

#include "regd/edit/edit.h"
#include "regd/fleet/base/record.h"

gboolean place_record_put_key(Edit *edit, const char *path, const FleetKey *key, char **why,
                              GError **error);
/* @kept: the place of the value before, for values that come one after another; *@kept is NULL at
 * first and is freed by the caller. */
gboolean place_record_put_value(Edit *edit, Place **kept, const char *path, const FleetValue *value,
                                char **why, GError **error);
/* A key that still holds something is left: what it holds has records of its own. */
gboolean place_record_drop_key(Edit *edit, const char *path, GError **error);
gboolean place_record_drop_value(Edit *edit, const char *path, const char *name, GError **error);

#endif
