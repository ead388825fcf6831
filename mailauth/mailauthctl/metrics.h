/* SPDX-License-Identifier: MIT */
/* mailauthd's numbers in the OpenMetrics text format, which Prometheus and the
 * textfile collector of its node_exporter read. */
#ifndef MAILAUTH_MAILAUTHCTL_METRICS_H
#define MAILAUTH_MAILAUTHCTL_METRICS_H

#include <dbus/dbus.h>
#include <glib.h>

/* @status: an a{sv} as Status answers. Entries that are not as expected are left
 * out; what is written is whole, with its `# EOF`. */
void metrics_print(GString *out, DBusMessageIter *status);

#endif
