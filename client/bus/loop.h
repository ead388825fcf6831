/* SPDX-License-Identifier: MIT */
/* libdbus on a GMainContext: watches and timeouts as GSources, dispatching until nothing
 * remains. It interprets no message. */
#ifndef CLIENT_BUS_LOOP_H
#define CLIENT_BUS_LOOP_H

#include <dbus/dbus.h>
#include <glib.h>

/* Opens a private connection and says Hello. @bus: "system", "session" or an
 * address. exit_on_disconnect is off. UNREACHABLE on failure. Close and unref
 * it with loop_disconnect(). */
DBusConnection *loop_connect(const char *bus, GError **error);
/* The same without Hello, so that it waits for nothing but the local connect:
 * the caller sends Hello (loop_new_hello()) before anything else. */
DBusConnection *loop_open(const char *bus, GError **error);
/* Whether @bus is "system", "session" or has the form of an address, so that waiting for
 * it makes sense; else INVALID_ARGUMENTS. NULL is the system's. */
gboolean loop_check_bus(const char *bus, GError **error);
DBusMessage *loop_new_hello(void);
void loop_disconnect(DBusConnection *connection);

typedef struct LoopBinding LoopBinding;
/* Attaches @connection to @context (NULL: the default one) until the binding is
 * freed, which may happen from inside a handler. Filters and object paths of
 * the connection are then called from that context's loop. NULL: no memory. */
LoopBinding *loop_bind(DBusConnection *connection, GMainContext *context);
/* The same for a server: its new connections are told of on @context. */
LoopBinding *loop_bind_server(DBusServer *server, GMainContext *context);
void loop_binding_free(LoopBinding *binding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoopBinding, loop_binding_free)

#endif
