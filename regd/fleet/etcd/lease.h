/* SPDX-License-Identifier: MIT */
/* etcd's messages of leases: a key that is put with one goes when it ends. Pure. */
#ifndef REGD_FLEET_ETCD_LEASE_H
#define REGD_FLEET_ETCD_LEASE_H

#include "regd/fleet/etcd/messages.h"

/* The request of Lease/LeaseGrant for @ttl seconds. */
GBytes *etcd_lease_grant_encode(gint64 ttl);
/* Its answer. @ttl may be NULL. FAILED: it is none, or the cluster grants no lease. */
gboolean etcd_lease_grant_decode(GBytes *bytes, gint64 *id, gint64 *ttl, GError **error);

/* The request of Lease/LeaseKeepAlive: one sign of life. */
GBytes *etcd_lease_keep_encode(gint64 id);
/* Its answer; *@ttl is 0 if there is no such lease any more. */
gboolean etcd_lease_keep_decode(GBytes *bytes, gint64 *ttl, GError **error);

#endif
