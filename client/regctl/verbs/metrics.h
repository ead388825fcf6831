/* SPDX-License-Identifier: MIT */
/* regd's numbers as OpenMetrics text. */
#ifndef CLIENT_REGCTL_VERBS_METRICS_H
#define CLIENT_REGCTL_VERBS_METRICS_H

#include "client/regctl/session/session.h"

/* @statistics: the a{sv} that GetStatistics answers. What a regd of another version does not
 * tell is left out. */
gboolean metrics_print(GString *out, DBusMessageIter *statistics, GError **error);

#endif
