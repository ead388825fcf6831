/* SPDX-License-Identifier: MIT */
/* The front: the role that holds clients' connections, and nothing else. Its
 * loop accepts them, has sessions talk to them, and asks the verifier. It opens
 * no file, no bus and no connection: everything comes as a descriptor. */
#ifndef MAILAUTH_FRONT_FRONT_H
#define MAILAUTH_FRONT_FRONT_H

#include "mailauth/process/role.h"

/* What libraries read from files at their first use: before role_settle(), which takes files
 * away. */
void front_prepare(void);

/* After role_settle(), which sees to the limit on descriptors and to SIGPIPE:
 * OpenSSL writes to sockets without MSG_NOSIGNAL. Runs until the parent's channel ends. The
 * process's exit code. */
int front_run(const RoleStart *start);

#endif
