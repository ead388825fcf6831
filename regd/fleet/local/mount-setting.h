/* SPDX-License-Identifier: MIT */
/* The setting Mount, when it is set. */
#ifndef REGD_FLEET_LOCAL_MOUNT_SETTING_H
#define REGD_FLEET_LOCAL_MOUNT_SETTING_H

#include "regd/edit/edit.h"

/* Whether what @edit sets can be a fleet's mounts. INVALID_VALUE names the one that can't, and why.
 */
gboolean mount_setting_check(Edit *edit, GError **error);

#endif
