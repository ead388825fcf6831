/* SPDX-License-Identifier: MIT */
/* The sql role: asks one database about one user at a time, with the client library of the
 * database, whose code is not ours and which speaks to a stranger. It has a user of its own, the
 * network to that server, and neither accounts nor clients: it sees the names that it is asked
 * about and the hashes that it finds, and no password but the database's own. */
#ifndef MAILAUTH_SQL_SQL_ROLE_H
#define MAILAUTH_SQL_SQL_ROLE_H

#include "mailauth/process/role.h"

/* Waits for MESSAGE_SQL_BEGIN, and then answers each MESSAGE_SQL_QUESTION until the verifier closes
 * the channel. Returns the exit code. */
int sql_role_run(const RoleStart *start);

#endif
