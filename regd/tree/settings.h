/* SPDX-License-Identifier: MIT */
/* The daemon's own settings, as they are stored now. A value that can't be used counts as
 * missing: a wrong limit must not stop the daemon. */
#ifndef REGD_TREE_SETTINGS_H
#define REGD_TREE_SETTINGS_H

#include "regd/base/effective.h"
#include "regd/storage/store.h"

#define SETTINGS_KEY "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters"

/* The settings below SETTINGS_KEY that hold now. */
typedef struct {
  guint32 maximum_value_size;
  guint32 history_revisions;
  guint32 history_days;
  guint32 history_bytes_per_user;
  guint32 watches_per_user;
  guint32 calls_per_user;
  guint32 call_bytes_per_user;
  guint32 stored_bytes_per_user;
  guint32 locks_per_user;
  guint32 steps_per_change;
  guint32 read_seconds;
  guint32 reads_per_user;
  guint origin; /* a hash of the canonical path that they were read from; 0: of none */
} LiveSettings;

/* Needs a transaction on @store. */
gboolean settings_load(Store *store, LiveSettings *settings, GError **error);
/* Whether @effective may have changed what was loaded into @settings. */
gboolean settings_may_have_changed(const LiveSettings *settings, const Effective *effective);

#endif
