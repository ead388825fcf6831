/* SPDX-License-Identifier: MIT */
/* A call that is refused because its caller may not: if its message allows it, polkit is asked
 * once whether they are an administrator. If so, the call is handled again from its beginning, as
 * an administrator's; if not, the refusal stands as it was. */
#ifndef REGD_BUS_APPEAL_H
#define REGD_BUS_APPEAL_H

#include "regd/bus/face.h"

/* A DispatchAppeal; @data is the BusFace. A Watch is never asked for: it goes on after its call. */
gboolean appeal_begin(DispatchCall *call, const GError *error, gpointer data);

#endif
