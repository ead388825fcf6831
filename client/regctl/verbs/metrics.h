/* SPDX-License-Identifier: MIT */
/* regd's numbers as OpenMetrics text. */
#ifndef CLIENT_REGCTL_VERBS_METRICS_H
#define CLIENT_REGCTL_VERBS_METRICS_H

#include "client/regctl/session/session.h"

/* @statistics: the a{sv} that GetStatistics answers. Numbers that a regd of another
 * version does not have are left out. */
gboolean metrics_print(GString *out, DBusMessageIter *statistics, GError **error);

#endif
