/* SPDX-License-Identifier: MIT */
/* The daemon's own settings, as they are stored now. A value that can't be
 * used counts as absent: a wrong limit must not stop the store. */
#ifndef REGD_TREE_SETTINGS_H
#define REGD_TREE_SETTINGS_H

#include "regd/read/reader.h"
#include "regd/storage/store.h"

#define SETTINGS_KEY "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters"

/* Needs a transaction on @store. */
gboolean settings_load(Store *store, LiveSettings *settings, GError **error);
/* Whether @settings, as they were loaded, may be others after @effective. */
gboolean settings_may_have_changed(const LiveSettings *settings, const Effective *effective);

#endif
