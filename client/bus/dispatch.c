/* SPDX-License-Identifier: MIT */
/* Method calls to handlers by constant tables: calls of unknown members or with wrong
 * types are answered here; all others go to the admission function and then to the handler
 * of the table. Each call is answered exactly once, or not at all if the caller wants no
 * reply. dispatch-xml.c makes the XML. */
#include "client/bus/dispatch.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/text.h"
#include "client/bus/dispatch-xml.h"
#include "client/bus/wire.h"

struct Dispatcher {
  DBusConnection *connection;
  char *path;
  const char *registered; /* "/" or `path` */
  char *xml;              /* of the object; made when it is asked for first */
  const DispatchInterface *interfaces;
  DispatchAdmit admit;
  DispatchExplain explain; /* or NULL */
  DispatchAppeal appeal;   /* or NULL */
  DispatchSent sent;       /* or NULL */
  gpointer data;
};

struct DispatchCall {
  DBusConnection *connection;
  DBusMessage *message;
  const DispatchMethod *method;
  gpointer service; /* the tables' data */
  gpointer data;    /* the admission's */
  GDestroyNotify destroy;
  DispatchExplain explain;
  DispatchAppeal appeal;
  DispatchSent sent;
  gboolean failed;
};

/* ---- one call ---- */

static DispatchCall *call_new(DBusConnection *connection, DBusMessage *message,
                              const DispatchMethod *method, gpointer service) {
  DispatchCall *call = g_new0(DispatchCall, 1);
  call->connection = dbus_connection_ref(connection);
  call->message = dbus_message_ref(message);
  call->method = method;
  call->service = service;
  return call;
}

static void call_free(DispatchCall *call) {
  if (call->destroy != NULL)
    call->destroy(call->data);
  dbus_message_unref(call->message);
  dbus_connection_unref(call->connection);
  g_free(call);
}

const char *dispatch_call_get_sender(const DispatchCall *call) {
  return dbus_message_get_sender(call->message);
}

const char *dispatch_call_get_method(const DispatchCall *call) {
  return call->method->name;
}

gboolean dispatch_call_is_interactive(const DispatchCall *call) {
  return dbus_message_get_allow_interactive_authorization(call->message);
}

void dispatch_call_get_arguments(DispatchCall *call, DBusMessageIter *iter) {
  (void)dbus_message_iter_init(call->message, iter);
}

DBusMessage *dispatch_call_ref_message(const DispatchCall *call) {
  return dbus_message_ref(call->message);
}

gsize dispatch_call_measure(const DispatchCall *call) {
  return wire_measure_call(call->message);
}

const char *dispatch_call_get_signature(const DispatchCall *call) {
  const char *signature = dbus_message_get_signature(call->message);
  return signature != NULL ? signature : "";
}

void dispatch_call_set_data(DispatchCall *call, gpointer data, GDestroyNotify destroy) {
  call->data = data;
  call->destroy = destroy;
}

gpointer dispatch_call_get_data(const DispatchCall *call) {
  return call->data;
}

void dispatch_call_run(DispatchCall *call) {
  call->method->handler(call, call->service);
}

DBusMessage *dispatch_call_new_reply(DispatchCall *call) {
  DBusMessage *reply = dbus_message_new_method_return(call->message);
  if (reply == NULL)
    g_error("out of memory");
  return reply;
}

DBusMessage *dispatch_call_copy_reply(DispatchCall *call, const DBusMessage *made) {
  DBusMessage *reply = dbus_message_copy(made);
  if (reply == NULL ||
      !dbus_message_set_reply_serial(reply, dbus_message_get_serial(call->message)) ||
      !dbus_message_set_destination(reply, dbus_message_get_sender(call->message)))
    g_error("out of memory");
  return reply;
}

/* Sends @reply, owned, unless the caller of @message wants none. Without memory for any answer the
 * process ends, as GLib ends it: the bus then tells the caller, who might wait for ever. */
static void answer(DBusConnection *connection, DBusMessage *message, DBusMessage *reply) {
  if (reply == NULL)
    reply = dbus_message_new_error(message, DBUS_ERROR_NO_MEMORY, "out of memory");
  if (reply == NULL ||
      (!dbus_message_get_no_reply(message) && !dbus_connection_send(connection, reply, NULL)))
    g_error("out of memory");
  dbus_message_unref(reply);
}

void dispatch_call_reply_measured(DispatchCall *call, DBusMessage *reply, gsize bytes) {
  answer(call->connection, call->message, reply);
  if (call->sent != NULL)
    call->sent(call->message, bytes, call->service);
  call_free(call);
}

void dispatch_call_reply(DispatchCall *call, DBusMessage *reply) {
  dispatch_call_reply_measured(call, reply, call->sent != NULL ? wire_measure(reply) : 0);
}

gboolean dispatch_call_has_failed(const DispatchCall *call) {
  return call->failed;
}

void dispatch_call_fail(DispatchCall *call, const GError *error) {
  if (call->appeal != NULL && call->appeal(call, error, call->service))
    return;
  call->failed = TRUE;
  g_autoptr(GError) explained =
      call->explain != NULL ? call->explain(call, error, call->service) : NULL;
  dispatch_call_reply(call, wire_new_error(call->message, explained != NULL ? explained : error));
}

void dispatch_call_take_error(DispatchCall *call, GError *error) {
  dispatch_call_fail(call, error);
  g_error_free(error);
}

/* ---- refusals that need no handler ---- */

/* As dispatch_call_reply(), for a message that has become no DispatchCall. */
static void answer_at_once(const Dispatcher *dispatcher, DBusMessage *message, DBusMessage *reply) {
  gsize bytes = dispatcher->sent != NULL ? wire_measure(reply) : 0;
  answer(dispatcher->connection, message, reply);
  if (dispatcher->sent != NULL)
    dispatcher->sent(message, bytes, dispatcher->data);
}

static void refuse(const Dispatcher *dispatcher, DBusMessage *message, const char *name,
                   const char *format, ...) G_GNUC_PRINTF(4, 5);

static void refuse(const Dispatcher *dispatcher, DBusMessage *message, const char *name,
                   const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  answer_at_once(dispatcher, message, dbus_message_new_error(message, name, text));
}

static gboolean check_signature(const Dispatcher *dispatcher, DBusMessage *message,
                                const DispatchMethod *method) {
  g_autofree char *wanted = dispatch_signature_of(method->in);
  if (dbus_message_has_signature(message, wanted))
    return TRUE;
  g_autofree char *named = dispatch_describe_arguments(method->in);
  refuse(dispatcher, message, DBUS_ERROR_INVALID_ARGS, "%s takes (%s)%s%s, not (%s)", method->name,
         wanted, *named != '\0' ? ": " : "", named, dbus_message_get_signature(message));
  return FALSE;
}

/* ---- properties ---- */

typedef struct {
  Dispatcher *dispatcher;
  DBusMessage *message;
} PropertyCall;

/* An empty interface name stands for all of them. */
static const DispatchInterface *find_interface(const Dispatcher *dispatcher, const char *name) {
  for (const DispatchInterface *each = dispatcher->interfaces; each->name != NULL; each++)
    if (*name == '\0' || strcmp(each->name, name) == 0)
      return each;
  return NULL;
}

static const DispatchProperty *find_property(const DispatchInterface *interface, const char *name) {
  for (const DispatchProperty *each = interface->properties; each != NULL && each->name != NULL;
       each++)
    if (strcmp(each->name, name) == 0)
      return each;
  return NULL;
}

/* Appends the property as a variant. */
static gboolean append_property(const Dispatcher *dispatcher, const DispatchProperty *property,
                                DBusMessageIter *iter, GError **error) {
  DBusMessageIter variant;
  if (!dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, property->signature, &variant))
    return FALSE;
  if (property->get(&variant, dispatcher->data, error))
    return dbus_message_iter_close_container(iter, &variant);
  dbus_message_iter_abandon_container(iter, &variant);
  return FALSE;
}

static gboolean append_property_entry(const Dispatcher *dispatcher,
                                      const DispatchProperty *property, DBusMessageIter *dict,
                                      GError **error) {
  DBusMessageIter entry;
  if (!dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry))
    return FALSE;
  if (wire_append_string(&entry, property->name) &&
      append_property(dispatcher, property, &entry, error))
    return dbus_message_iter_close_container(dict, &entry);
  dbus_message_iter_abandon_container(dict, &entry);
  return FALSE;
}

/* The interface that a Properties call names, or a refusal. */
static const DispatchInterface *property_interface(const PropertyCall *call, const char *name) {
  const DispatchInterface *interface = find_interface(call->dispatcher, name);
  if (interface != NULL || dispatch_is_standard_interface(name))
    return interface;
  g_autofree char *shown = text_for_message(name, -1);
  refuse(call->dispatcher, call->message, DBUS_ERROR_UNKNOWN_INTERFACE, "%s has no interface '%s'",
         call->dispatcher->path, shown);
  return NULL;
}

static const DispatchProperty *named_property(const PropertyCall *call, const char *interface_name,
                                              const char *name) {
  const DispatchInterface *interface = property_interface(call, interface_name);
  if (interface == NULL && !dispatch_is_standard_interface(interface_name))
    return NULL;
  const DispatchProperty *property = interface != NULL ? find_property(interface, name) : NULL;
  if (property != NULL)
    return property;
  g_autofree char *shown = text_for_message(name, -1);
  refuse(call->dispatcher, call->message, DBUS_ERROR_UNKNOWN_PROPERTY, "%s has no property '%s'",
         *interface_name != '\0' ? interface_name : "the object", shown);
  return NULL;
}

static void answer_property(const PropertyCall *call, DBusMessage *reply, gboolean complete,
                            const GError *error) {
  if (!complete) {
    dbus_message_unref(reply);
    reply = error != NULL ? wire_new_error(call->message, error) : NULL;
  }
  answer_at_once(call->dispatcher, call->message, reply);
}

static void handle_get(const PropertyCall *call) {
  const char *interface = NULL;
  const char *name = NULL;
  g_autoptr(GError) error = NULL;
  dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
                        DBUS_TYPE_INVALID);
  const DispatchProperty *property = named_property(call, interface, name);
  if (property == NULL)
    return;
  DBusMessage *reply = dbus_message_new_method_return(call->message);
  if (reply == NULL) {
    answer_at_once(call->dispatcher, call->message, NULL);
    return;
  }
  DBusMessageIter iter;
  dbus_message_iter_init_append(reply, &iter);
  gboolean complete = append_property(call->dispatcher, property, &iter, &error);
  answer_property(call, reply, complete, error);
}

/* No property can be written through the bus. */
static void handle_set(const PropertyCall *call) {
  DBusMessageIter iter;
  const char *interface = NULL;
  const char *name = NULL;
  dbus_message_iter_init(call->message, &iter);
  dbus_message_iter_get_basic(&iter, &interface);
  dbus_message_iter_next(&iter);
  dbus_message_iter_get_basic(&iter, &name);
  if (named_property(call, interface, name) != NULL)
    refuse(call->dispatcher, call->message, DBUS_ERROR_PROPERTY_READ_ONLY,
           "the property '%s' can't be set", name);
}

static gboolean append_all(const PropertyCall *call, const DispatchInterface *interface,
                           DBusMessageIter *iter, GError **error) {
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  const DispatchProperty *each = interface != NULL ? interface->properties : NULL;
  for (; each != NULL && each->name != NULL; each++) {
    if (append_property_entry(call->dispatcher, each, &dict, error))
      continue;
    dbus_message_iter_abandon_container(iter, &dict);
    return FALSE;
  }
  return dbus_message_iter_close_container(iter, &dict);
}

static void handle_get_all(const PropertyCall *call) {
  const char *name = NULL;
  g_autoptr(GError) error = NULL;
  dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
  const DispatchInterface *interface = property_interface(call, name);
  if (interface == NULL && !dispatch_is_standard_interface(name))
    return;
  DBusMessage *reply = dbus_message_new_method_return(call->message);
  if (reply == NULL) {
    answer_at_once(call->dispatcher, call->message, NULL);
    return;
  }
  DBusMessageIter iter;
  dbus_message_iter_init_append(reply, &iter);
  gboolean complete = append_all(call, interface, &iter, &error);
  answer_property(call, reply, complete, error);
}

static gboolean append_changed(const Dispatcher *dispatcher, const DispatchInterface *interface,
                               const DispatchProperty *property, DBusMessage *message) {
  DBusMessageIter iter;
  DBusMessageIter array;
  dbus_message_iter_init_append(message, &iter);
  if (!wire_append_string(&iter, interface->name) ||
      !dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &array))
    return FALSE;
  if (!append_property_entry(dispatcher, property, &array, NULL)) {
    dbus_message_iter_abandon_container(&iter, &array);
    return FALSE;
  }
  return dbus_message_iter_close_container(&iter, &array) &&
         dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "s", &array) &&
         dbus_message_iter_close_container(&iter, &array);
}

void dispatcher_emit_changed(Dispatcher *dispatcher, const char *interface_name,
                             const char *property_name) {
  const DispatchInterface *interface = find_interface(dispatcher, interface_name);
  const DispatchProperty *property =
      interface != NULL ? find_property(interface, property_name) : NULL;
  g_return_if_fail(property != NULL);
  g_autoptr(WireMessage) message =
      dbus_message_new_signal(dispatcher->path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");
  if (message != NULL && append_changed(dispatcher, interface, property, message))
    (void)dbus_connection_send(dispatcher->connection, message, NULL);
}

/* ---- introspection ---- */

static const char *get_xml(Dispatcher *dispatcher) {
  if (dispatcher->xml == NULL)
    dispatcher->xml = dispatch_introspect(dispatcher->interfaces);
  return dispatcher->xml;
}

static void answer_text(const PropertyCall *call, const char *text) {
  DBusMessage *reply = dbus_message_new_method_return(call->message);
  if (reply != NULL && !dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID))
    g_clear_pointer(&reply, dbus_message_unref);
  answer_at_once(call->dispatcher, call->message, reply);
}

static void handle_introspect(const PropertyCall *call) {
  const char *path = dbus_message_get_path(call->message);
  g_autofree char *child = dispatch_child_towards(path, call->dispatcher->path);
  g_autofree char *parent = child != NULL ? dispatch_introspect_parent(child) : NULL;
  answer_text(call, parent != NULL ? parent : get_xml(call->dispatcher));
}

/* ---- Peer, which libdbus answers by itself unless answers are counted ---- */

static void handle_ping(const PropertyCall *call) {
  answer_at_once(call->dispatcher, call->message, dbus_message_new_method_return(call->message));
}

static void handle_get_machine_id(const PropertyCall *call) {
  DBusError problem = DBUS_ERROR_INIT;
  char *id = dbus_try_get_local_machine_id(&problem);
  if (id != NULL)
    answer_text(call, id);
  else
    refuse(call->dispatcher, call->message, problem.name, "%s", problem.message);
  dbus_free(id);
  dbus_error_free(&problem);
}

/* ---- from the message to the handler ---- */

typedef void (*StandardHandler)(const PropertyCall *call);

/* In the order of dispatch_standard_methods. */
static const StandardHandler standard_handlers[] = {
    [DISPATCH_STANDARD_GET] = handle_get,
    [DISPATCH_STANDARD_SET] = handle_set,
    [DISPATCH_STANDARD_GET_ALL] = handle_get_all,
    [DISPATCH_STANDARD_INTROSPECT] = handle_introspect,
    [DISPATCH_STANDARD_PING] = handle_ping,
    [DISPATCH_STANDARD_GET_MACHINE_ID] = handle_get_machine_id,
};

static gboolean matches(const char *wanted, const char *given) {
  return wanted == NULL || strcmp(wanted, given) == 0;
}

static const DispatchMethod *find_method(const Dispatcher *dispatcher, const char *interface,
                                         const char *member) {
  for (const DispatchInterface *each = dispatcher->interfaces; each->name != NULL; each++) {
    if (!matches(interface, each->name))
      continue;
    for (const DispatchMethod *method = each->methods; method != NULL && method->name != NULL;
         method++)
      if (strcmp(method->name, member) == 0)
        return method;
  }
  return NULL;
}

/* @first: of those that there are at the message's path. */
static gboolean handle_standard(Dispatcher *dispatcher, DBusMessage *message,
                                DispatchStandard first) {
  const char *interface = dbus_message_get_interface(message);
  const char *member = dbus_message_get_member(message);
  for (guint i = first; i < DISPATCH_STANDARD_COUNT; i++) {
    const DispatchStandardMethod *each = &dispatch_standard_methods[i];
    if (!matches(interface, each->interface) || strcmp(each->method.name, member) != 0)
      continue;
    PropertyCall call = {dispatcher, message};
    if (check_signature(dispatcher, message, &each->method))
      standard_handlers[i](&call);
    return TRUE;
  }
  return FALSE;
}

static void handle_unknown(Dispatcher *dispatcher, DBusMessage *message, gboolean at_object) {
  const char *interface = dbus_message_get_interface(message);
  const char *member = dbus_message_get_member(message);
  gboolean known = interface == NULL || dispatch_is_standard_interface(interface) ||
                   (at_object && find_interface(dispatcher, interface) != NULL);
  if (known)
    refuse(dispatcher, message, DBUS_ERROR_UNKNOWN_METHOD, "%s has no method '%s'%s%s",
           dbus_message_get_path(message), member, interface != NULL ? " in interface " : "",
           interface != NULL ? interface : "");
  else
    refuse(dispatcher, message, DBUS_ERROR_UNKNOWN_INTERFACE, "%s has no interface '%s'",
           dbus_message_get_path(message), interface);
}

static void handle_method(Dispatcher *dispatcher, DBusMessage *message,
                          const DispatchMethod *method) {
  if (!check_signature(dispatcher, message, method))
    return;
  if (method->handler == NULL) {
    refuse(dispatcher, message, DBUS_ERROR_NOT_SUPPORTED,
           "the method %s is not offered by this version", method->name);
    return;
  }
  DispatchCall *call = call_new(dispatcher->connection, message, method, dispatcher->data);
  call->sent = dispatcher->sent;
  call->explain = dispatcher->explain;
  call->appeal = dispatcher->appeal;
  if (dispatcher->admit != NULL)
    dispatcher->admit(call, dispatcher->data);
  else
    dispatch_call_run(call);
}

static void handle_call(Dispatcher *dispatcher, DBusMessage *message, gboolean at_object) {
  const DispatchMethod *method = at_object
                                     ? find_method(dispatcher, dbus_message_get_interface(message),
                                                   dbus_message_get_member(message))
                                     : NULL;
  if (method != NULL)
    handle_method(dispatcher, message, method);
  else if (!handle_standard(dispatcher, message,
                            at_object ? DISPATCH_STANDARD_GET : DISPATCH_STANDARD_INTROSPECT))
    handle_unknown(dispatcher, message, at_object);
}

static void refuse_path(const Dispatcher *dispatcher, DBusMessage *message, const char *path) {
  g_autofree char *shown = text_for_message(path, -1);
  refuse(dispatcher, message, DBUS_ERROR_UNKNOWN_OBJECT, "there is no object %s; it is %s", shown,
         dispatcher->path);
}

static DBusHandlerResult on_message(G_GNUC_UNUSED DBusConnection *connection, DBusMessage *message,
                                    void *data) {
  Dispatcher *dispatcher = data;
  const char *path = dbus_message_get_path(message);
  if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL || path == NULL)
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  g_autofree char *child = dispatch_child_towards(path, dispatcher->path);
  gboolean at_object = strcmp(path, dispatcher->path) == 0;
  if (child != NULL || at_object)
    handle_call(dispatcher, message, at_object);
  else if (!handle_standard(dispatcher, message, DISPATCH_STANDARD_PING))
    refuse_path(dispatcher, message, path);
  return DBUS_HANDLER_RESULT_HANDLED;
}

void dispatcher_handle(Dispatcher *dispatcher, DBusMessage *message) {
  (void)on_message(dispatcher->connection, message, dispatcher);
}

static const DBusObjectPathVTable object_functions = {.message_function = on_message};

static Dispatcher *prepare(DBusConnection *connection, const char *path,
                           const DispatchInterface *interfaces, DispatchAdmit admit,
                           gpointer data) {
  Dispatcher *dispatcher = g_new0(Dispatcher, 1);
  dispatcher->connection = dbus_connection_ref(connection);
  dispatcher->path = g_strdup(path);
  dispatcher->interfaces = interfaces;
  dispatcher->admit = admit;
  dispatcher->data = data;
  return dispatcher;
}

Dispatcher *dispatcher_new(DBusConnection *connection, const char *path,
                           const DispatchInterface *interfaces, DispatchAdmit admit,
                           gpointer data) {
  Dispatcher *dispatcher = prepare(connection, path, interfaces, admit, data);
  /* Registers for all paths, so that none goes unanswered. */
  dispatcher->registered = "/";
  (void)dbus_connection_register_fallback(connection, "/", &object_functions, dispatcher);
  return dispatcher;
}

Dispatcher *dispatcher_new_beside(DBusConnection *connection, const char *path,
                                  const DispatchInterface *interfaces, DispatchAdmit admit,
                                  gpointer data) {
  Dispatcher *dispatcher = prepare(connection, path, interfaces, admit, data);
  dispatcher->registered = dispatcher->path;
  (void)dbus_connection_register_object_path(connection, path, &object_functions, dispatcher);
  return dispatcher;
}

void dispatcher_set_explain(Dispatcher *dispatcher, DispatchExplain explain) {
  dispatcher->explain = explain;
}

void dispatcher_set_appeal(Dispatcher *dispatcher, DispatchAppeal appeal) {
  dispatcher->appeal = appeal;
}

void dispatcher_set_sent(Dispatcher *dispatcher, DispatchSent sent) {
  dispatcher->sent = sent;
  /* libdbus would answer Peer calls itself, past @sent. */
  dbus_connection_set_route_peer_messages(dispatcher->connection, TRUE);
}

void dispatcher_free(Dispatcher *dispatcher) {
  if (dispatcher == NULL)
    return;
  (void)dbus_connection_unregister_object_path(dispatcher->connection, dispatcher->registered);
  dbus_connection_unref(dispatcher->connection);
  g_free(dispatcher->xml);
  g_free(dispatcher->path);
  g_free(dispatcher);
}
