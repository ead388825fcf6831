/* SPDX-License-Identifier: MIT */
/* Which keys are a fleet's: the mounts, as canonical paths. Pure. */
#ifndef REGD_FLEET_LOCAL_MOUNTS_H
#define REGD_FLEET_LOCAL_MOUNTS_H

#include "client/registry.h"

/* The mounts that @paths (NULL-terminated, as somebody wrote them) name, with long roots. Owned;
 * free with g_strfreev(). INVALID_VALUE: one can't be a mount, or is at or below another one. */
GStrv fleet_mounts_parse(const char *const *paths, GError **error);
/* Whether the canonical @path is at or below one of them. */
gboolean fleet_mounts_hold(const char *const *mounts, const char *path);
/* Whether both name the same keys, in any order. */
gboolean fleet_mounts_equal(const char *const *a, const char *const *b);

#endif
