/* SPDX-License-Identifier: MIT */
/* The cluster of etcd as the agent calls it: its endpoints, where the fleet's keys begin, calls
 * with one answer, and the watch, which has a connection of its own: large answers on the same
 * connection would hold it up. */
#ifndef REGD_FLEET_ETCD_CLUSTER_H
#define REGD_FLEET_ETCD_CLUSTER_H

#include "regd/fleet/etcd/config.h"
#include "regd/fleet/etcd/messages.h"

typedef struct Cluster Cluster;
/* Copies what it needs of @config, which names an endpoint at least. */
Cluster *cluster_new(const AgentConfig *config);
/* Ends all calls; their functions are not called. */
void cluster_free(Cluster *cluster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cluster, cluster_free)
/* Whether @config leads to the same connections and keys. */
gboolean cluster_fits(const Cluster *cluster, const AgentConfig *config);

/* Makes new connections if the files of certificates have changed, or the old ones are an hour old:
 * TRUE. Calls that are under way, and a watch, go on by the old ones. */
gboolean cluster_renew(Cluster *cluster);
/* What is wrong with this host's certificate, or soon will be; NULL: nothing. Owned. */
char *cluster_describe_certificate(const Cluster *cluster);

guint cluster_count_endpoints(const Cluster *cluster);
/* Numbers go on behind the last from the first again. Borrowed, without "https://". */
const char *cluster_get_member(const Cluster *cluster, guint endpoint);
guint64 cluster_get_bytes(const Cluster *cluster); /* received so far */

/* "/regd/1/FLEET/t/all/"; borrowed. */
const char *cluster_get_layer(const Cluster *cluster);
/* A key below the layer, or (for `fleet`, `w/...`) below the fleet. */
GBytes *cluster_new_layer_key(const Cluster *cluster, const void *key, gsize size);
GBytes *cluster_new_key(const Cluster *cluster, const char *key);

/* @answer is NULL if there was none; @end tells why. If etcd refuses rights, its text names this
 * host's user and roles; if a certificate is not accepted, it says what is wrong with it. Both are
 * borrowed. */
typedef void (*ClusterDone)(GBytes *answer, const TransportEnd *end, gpointer data);
typedef struct {
  guint endpoint;
  const char *method; /* "KV/Range" */
  GBytes *request;
  guint timeout_ms;
} ClusterQuestion;
typedef struct ClusterCall ClusterCall;
/* The call is freed when @done has been called. */
ClusterCall *cluster_call(Cluster *cluster, const ClusterQuestion *question, ClusterDone done,
                          gpointer data);
/* @done is not called. NULL is fine. */
void cluster_call_cancel(ClusterCall *call);
/* Reads `fleet`, `head` and `pending` at one revision: an EtcdTransaction of three ranges. */
ClusterCall *cluster_read_place(Cluster *cluster, guint endpoint, guint timeout_ms,
                                ClusterDone done, gpointer data);

/* A stream of the watch, on a new connection. */
Stream *cluster_watch(Cluster *cluster, guint endpoint, const StreamEvents *events);

#endif
