/* SPDX-License-Identifier: MIT */
/* What was probably meant by a key or a value that is not there. */
#ifndef CLIENT_REGCTL_SESSION_SUGGEST_H
#define CLIENT_REGCTL_SESSION_SUGGEST_H

#include "client/regctl/session/session.h"

/* If @error says that a key or value was not found, appends to its message what is there under a
 * name that is near, of the operands KEY and NAME. Asks regd; what may not be read is not
 * suggested. */
void suggest_append(Session *session, GError *error);

#endif
