/* SPDX-License-Identifier: MIT */
/* What the files of the cluster share: its connections (cluster.c) and its calls (cluster-call.c).
 */
#ifndef REGD_FLEET_ETCD_CLUSTER_PRIVATE_H
#define REGD_FLEET_ETCD_CLUSTER_PRIVATE_H

#include "regd/fleet/etcd/certificate.h"
#include "regd/fleet/etcd/cluster.h"

struct Cluster {
  char **endpoints;
  guint n_endpoints;
  TransportFiles files;
  Certificate *certificate; /* as it was when the connections were made, or NULL */
  char *user, *password;    /* or NULL */
  char *token;              /* of a user that has logged in, or NULL */
  char *root;               /* "/regd/1/FLEET/" */
  char *layer;              /* "/regd/1/FLEET/t/all/" */
  Transport *calls, *watching;
  GPtrArray *old; /* of Transport: their calls go on */
  guint64 mark;   /* of the files */
  gint64 renewal; /* when new connections are made anyway; g_get_monotonic_time() */
  guint64 old_bytes;
};

const char *cluster_get_endpoint(const Cluster *cluster, guint endpoint);

#endif
