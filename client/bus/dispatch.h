/* SPDX-License-Identifier: MIT */
/* Objects on the bus from constant tables: finds the method, checks its signature and
 * answers what is unknown. Serves org.freedesktop.DBus.Introspectable and .Properties of
 * its own (libdbus answers .Peer). It does not know callers or what a method means: an
 * admission function that is handed in decides who may call. */
#ifndef CLIENT_BUS_DISPATCH_H
#define CLIENT_BUS_DISPATCH_H

#include "client/bus/dispatch-table.h"

/* Admission: calls dispatch_call_run(), now or later, or answers the call with an error.
 * It is not asked about properties and introspection. */
typedef void (*DispatchAdmit)(DispatchCall *call, gpointer data);

/* Called with each error before it answers a call. What it returns, owned, is answered in its
 * place; NULL leaves the error as it is. */
typedef GError *(*DispatchExplain)(DispatchCall *call, const GError *error, gpointer data);

/* Called with each error before it answers a call. TRUE: the call is not answered yet and belongs
 * to the function, which runs it again later (dispatch_call_run()) or answers it. */
typedef gboolean (*DispatchAppeal)(DispatchCall *call, const GError *error, gpointer data);

/* Called with each call once its answer, of about @bytes, has been sent. Calls whose sender wants
 * no answer are among them. */
typedef void (*DispatchSent)(DBusMessage *call, gsize bytes, gpointer data);

typedef struct Dispatcher Dispatcher;
/* Serves @interfaces (until one without a name) on the object @path of
 * @connection; the objects above list it as a child. @admit may be NULL. @data
 * goes to every function of the tables. Calls still under way when it is freed
 * may be answered later; their answers go nowhere once the connection is closed. */
Dispatcher *dispatcher_new(DBusConnection *connection, const char *path,
                           const DispatchInterface *interfaces, DispatchAdmit admit, gpointer data);
/* The same for a further object of @connection, which already has a dispatcher. */
Dispatcher *dispatcher_new_beside(DBusConnection *connection, const char *path,
                                  const DispatchInterface *interfaces, DispatchAdmit admit,
                                  gpointer data);
void dispatcher_free(Dispatcher *dispatcher);
/* For the calls that come from then on. */
void dispatcher_set_explain(Dispatcher *dispatcher, DispatchExplain explain);
void dispatcher_set_appeal(Dispatcher *dispatcher, DispatchAppeal appeal);
void dispatcher_set_sent(Dispatcher *dispatcher, DispatchSent sent);
/* Handles a method call that a filter has held back. */
void dispatcher_handle(Dispatcher *dispatcher, DBusMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dispatcher, dispatcher_free)

/* The unique name of the caller; borrowed. */
const char *dispatch_call_get_sender(const DispatchCall *call);
const char *dispatch_call_get_method(const DispatchCall *call);
/* Whether the caller lets somebody be asked for the right to call: the message's flag
 * ALLOW_INTERACTIVE_AUTHORIZATION. */
gboolean dispatch_call_is_interactive(const DispatchCall *call);
/* Puts @iter at the first argument. */
void dispatch_call_get_arguments(DispatchCall *call, DBusMessageIter *iter);
/* "": none. Owned by the call. */
const char *dispatch_call_get_signature(const DispatchCall *call);
/* See wire_measure_call(). */
gsize dispatch_call_measure(const DispatchCall *call);
/* The call's message, a new reference: for another thread that reads its arguments. */
DBusMessage *dispatch_call_ref_message(const DispatchCall *call);
/* Data of the admission function, which lives as long as the call. */
void dispatch_call_set_data(DispatchCall *call, gpointer data, GDestroyNotify destroy);
gpointer dispatch_call_get_data(const DispatchCall *call);
/* Whether it is answered with an error; for what dispatch_call_set_data() destroys. */
gboolean dispatch_call_has_failed(const DispatchCall *call);

/* Runs the handler; for the admission function and DispatchAppeal. */
void dispatch_call_run(DispatchCall *call);
/* An answer to fill in and hand to dispatch_call_reply(). Like g_malloc() it does
 * not return without memory. */
DBusMessage *dispatch_call_new_reply(DispatchCall *call);
/* The same, as a copy of a reply that was made before and has no addressee. */
DBusMessage *dispatch_call_copy_reply(DispatchCall *call, const DBusMessage *made);
/* Each of these answers and frees the call. Takes ownership of @reply; NULL (it could not
 * be filled in) is answered with an error. */
void dispatch_call_reply(DispatchCall *call, DBusMessage *reply);
/* The same with the reply's size, which dispatch_call_reply() would measure. */
void dispatch_call_reply_measured(DispatchCall *call, DBusMessage *reply, gsize bytes);
void dispatch_call_fail(DispatchCall *call, const GError *error);
/* The same, owning @error: for handlers that end with it. */
void dispatch_call_take_error(DispatchCall *call, GError *error);

/* PropertiesChanged for one property of the table, with its value. */
void dispatcher_emit_changed(Dispatcher *dispatcher, const char *interface, const char *property);

#endif
