/* SPDX-License-Identifier: MIT */
/* Changes as they come by the bus: Commit's operations, and the options of a whole
 * change. */
#ifndef REGD_BUS_CHANGE_MESSAGE_H
#define REGD_BUS_CHANGE_MESSAGE_H

#include "client/base/change.h"
#include "client/bus/wire.h"

/* The a(sssuv) at @array, as Commit takes it. LIMIT_EXCEEDED: these are more than @limit
 * operations, each of which takes a step at least. */
gboolean change_message_read_operations(DBusMessageIter *array, guint64 limit, Change *change,
                                        GError **error);
/* Options that go with a whole change (comment, dry-run, confirm-within). */
gboolean change_message_read_options(const WireOptions *options, Change *change, GError **error);
/* The options `owner`, `prune` and `lock`. INVALID_VALUE: one that can't be, or that goes not
 * with the others. */
gboolean change_message_read_declaring(const WireOptions *options, Change *change, GError **error);

#endif
