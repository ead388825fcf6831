/* SPDX-License-Identifier: MIT */
/* What regd tells the agent to do: the settings of the fleet, and what this host holds of it. */
#ifndef REGD_FLEET_ETCD_CONFIG_H
#define REGD_FLEET_ETCD_CONFIG_H

#include <dbus/dbus.h>

#include "regd/fleet/base/record.h"
#include "regd/fleet/etcd/transport.h"

/* Of endpoints; more are not asked. */
#define CONFIG_LIMIT_ENDPOINTS 64U

typedef struct {
  gboolean enabled;
  gboolean joined;
  gboolean read_only; /* it writes nothing to the cluster but its own reports */
  char *fleet;        /* its name; never NULL */
  char **endpoints;   /* "https://host:port"; never NULL */
  char *host;         /* this host's name in the fleet; never NULL */
  TransportFiles files;
  char *user, *password; /* of etcd, or NULL */
  guint32 stale_after_s;
  guint32 request_timeout_ms;
  guint32 commit_timeout_ms;
  guint32 resync_spread_s;
  guint32 transaction_operations; /* this and the next: what the cluster takes at a time */
  guint32 request_bytes;
  guint32 report_interval_s; /* 0: this host reports nothing */
  /* Of the fleet that was joined. */
  guint8 uuid[FLEET_ID_BYTES];
  guint64 applied; /* etcd's revision */
  gboolean has_head;
  guint8 head[FLEET_ID_BYTES];
  guint64 number;
} AgentConfig;

/* The a{sv} at @dict. INVALID_ARGUMENTS: something is of another type, missing, or out of
 * range. */
AgentConfig *config_read(DBusMessageIter *dict, GError **error);
/* Frees a text that is secret. */
void config_wipe(char *text);
void config_free(AgentConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentConfig, config_free)

#endif
