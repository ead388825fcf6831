/* SPDX-License-Identifier: MIT */
/* What the service manager is told: that regd serves, how it is (STATUS=), that it is
 * alive (WATCHDOG=1, as long as both its main loop and its writer are), that it stops. */
#ifndef REGD_MANAGER_H
#define REGD_MANAGER_H

#include "regd/server.h"

/* Without effect if there is no service manager. */
void manager_tell_ready(void);
void manager_tell_stopping(void);

typedef struct Manager Manager;
/* @server is borrowed. Tells from now on how it is. NULL: nobody wants to know. */
Manager *manager_new(Server *server);
void manager_free(Manager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manager, manager_free)

#endif
