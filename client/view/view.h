/* SPDX-License-Identifier: MIT */
/* What the queue of syncs asks of a view. Not installed. */
#ifndef CLIENT_VIEW_VIEW_H
#define CLIENT_VIEW_VIEW_H

#include "client/registry.h"

/* A sync is being sent: what the daemon refused is asked for again. */
void view_prepare_sync(RegistryView *view);
/* The greatest revision that the daemon has signalled so far. */
guint64 view_get_signalled(const RegistryView *view);
/* Whether all that was signalled up to @revision can be looked up now, or
 * nothing is under way that could bring it. */
gboolean view_has_reached(const RegistryView *view, guint64 revision);
/* The revision that can be looked up, and whether something that changed up to
 * @revision can't be yet. */
guint64 view_get_shown(const RegistryView *view);
gboolean view_lacks(const RegistryView *view, guint64 revision);
/* Whether what can be looked up is the daemon's word, and not the last known. */
gboolean view_is_current(const RegistryView *view);

#endif
