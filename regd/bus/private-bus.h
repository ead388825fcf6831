/* SPDX-License-Identifier: MIT */
/* A message bus for two: regd, which connects first, and one client. regctl uses it to work on
 * a database by the same calls when there is no bus and no daemon. It runs on a thread of its
 * own, since both ends of it may wait. */
#ifndef REGD_BUS_PRIVATE_BUS_H
#define REGD_BUS_PRIVATE_BUS_H

#include <glib.h>

typedef struct PrivateBus PrivateBus;

/* The client has left, or none has come in @PRIVATE_BUS_TIMEOUT_SECONDS. Called
 * once, on the default main context. */
typedef void (*PrivateBusEnded)(gpointer data);
#define PRIVATE_BUS_TIMEOUT_SECONDS 30U

/* Listens in a directory that only this user may enter. */
PrivateBus *private_bus_start(PrivateBusEnded ended, gpointer data, GError **error);
void private_bus_stop(PrivateBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PrivateBus, private_bus_stop)
const char *private_bus_get_address(const PrivateBus *bus);

#endif
