/* SPDX-License-Identifier: MIT */
/* Networks as settings name them, "192.0.2.1", "192.0.2.0/24" or "2001:db8::/32", and
 * whether a client is in one. Pure. */
#ifndef MAILAUTH_BASE_NETWORKS_H
#define MAILAUTH_BASE_NETWORKS_H

#include "mailauth/base/client-address.h"

typedef struct Networks Networks;

/* None yet. */
Networks *networks_new(void);
void networks_free(Networks *networks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Networks, networks_free)

/* FALSE if @text is neither an address nor a network, or if there are MAX_NETWORKS
 * already. Bits behind the prefix are allowed, and do not count. */
gboolean networks_add(Networks *networks, const char *text);
/* Adds those of @texts that it takes, and returns them, owned by the caller. *@wrong: the first
 * other one, borrowed; NULL for none. */
char **networks_add_all(Networks *networks, char **texts, const char **wrong);
/* An IPv6 network holds no IPv4 address, however short its prefix is. */
gboolean networks_have(const Networks *networks, const ClientAddress *address);
/* FALSE also if @text is no address. */
gboolean networks_have_text(const Networks *networks, const char *text);

#endif
