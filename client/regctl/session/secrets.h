/* SPDX-License-Identifier: MIT */
/* Which values are secrets, whose data is not printed unasked. */
#ifndef CLIENT_REGCTL_SESSION_SECRETS_H
#define CLIENT_REGCTL_SESSION_SECRETS_H

#include "client/regctl/session/session.h"

/* In place of a secret's data. */
#define SECRET_SHOWN "(secret)"

/* Whether the data of this value is not to be printed: its schema calls it a secret, and either
 * --hide-secrets was given, or standard output is a terminal and --show-secrets was not given. */
gboolean secrets_hide(Session *session, const char *key, const char *name);

#endif
