/* SPDX-License-Identifier: MIT */
/* The settings of the fleet (regd-fleet.schema), as they are stored now. */
#ifndef REGD_FLEET_DESK_FLEET_SETTINGS_H
#define REGD_FLEET_DESK_FLEET_SETTINGS_H

#include "regd/read/reader.h"

typedef struct {
  gboolean enabled, read_only;
  char *fleet, *ca_file, *certificate, *private_key, *host_name, *agent_user;
  char *user, *password; /* of etcd; NULL: the certificate tells the user */
  GStrv mounts;          /* canonical; empty if they can't be used */
  GStrv endpoints;
  guint32 stale_after, resync_spread, report_interval; /* s */
  guint32 request_timeout, commit_timeout;             /* ms */
  guint32 transaction_operations, request_bytes;
  char *problem; /* why the fleet stays off; NULL: nothing is wrong */
} FleetSettings;
/* A setting that can't be used counts as missing. Never NULL. */
FleetSettings *fleet_settings_load(Reader *reader);
void fleet_settings_free(FleetSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetSettings, fleet_settings_free)
gboolean fleet_settings_equal(const FleetSettings *a, const FleetSettings *b);
/* Whether @effective may have changed them. */
gboolean fleet_settings_may_have_changed(const Effective *effective);

#endif
