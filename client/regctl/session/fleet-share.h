/* SPDX-License-Identifier: MIT */
/* How many hosts of the fleet are enough, as --wait-fleet and `fleet wait --hosts` take it. Pure.
 */
#ifndef CLIENT_REGCTL_SESSION_FLEET_SHARE_H
#define CLIENT_REGCTL_SESSION_FLEET_SHARE_H

#include <glib.h>

typedef struct {
  guint32 hosts;   /* 0: see `percent` */
  guint32 percent; /* 1 to 100 of all that the fleet knows */
} FleetShare;

/* @text: "12" or "90%"; NULL: all. INVALID_ARGUMENTS: it is neither; the message begins with
 * @option. */
gboolean fleet_share_parse(const char *option, const char *text, FleetShare *share, GError **error);

#endif
