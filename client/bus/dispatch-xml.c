/* SPDX-License-Identifier: MIT */
/* Makes introspection XML out of the tables. They are constants of the program, so names
 * in them need no escaping. */
#include "client/bus/dispatch-xml.h"

#include <string.h>

static const char *const introspectable = "org.freedesktop.DBus.Introspectable";
static const char *const properties = "org.freedesktop.DBus.Properties";
static const char *const peer = "org.freedesktop.DBus.Peer";

const DispatchStandardMethod dispatch_standard_methods[DISPATCH_STANDARD_COUNT] = {
    [DISPATCH_STANDARD_INTROSPECT] = {"org.freedesktop.DBus.Introspectable",
                                      {"Introspect", DISPATCH_NOTHING,
                                       DISPATCH_ARGUMENTS({"xml_data", "s"}), NULL}},
    [DISPATCH_STANDARD_GET] = {"org.freedesktop.DBus.Properties",
                               {"Get",
                                DISPATCH_ARGUMENTS({"interface_name", "s"}, {"property_name", "s"}),
                                DISPATCH_ARGUMENTS({"value", "v"}), NULL}},
    [DISPATCH_STANDARD_SET] = {"org.freedesktop.DBus.Properties",
                               {"Set",
                                DISPATCH_ARGUMENTS({"interface_name", "s"}, {"property_name", "s"},
                                                   {"value", "v"}),
                                DISPATCH_NOTHING, NULL}},
    [DISPATCH_STANDARD_GET_ALL] = {"org.freedesktop.DBus.Properties",
                                   {"GetAll", DISPATCH_ARGUMENTS({"interface_name", "s"}),
                                    DISPATCH_ARGUMENTS({"properties", "a{sv}"}), NULL}},
    [DISPATCH_STANDARD_PING] = {"org.freedesktop.DBus.Peer",
                                {"Ping", DISPATCH_NOTHING, DISPATCH_NOTHING, NULL}},
    [DISPATCH_STANDARD_GET_MACHINE_ID] = {"org.freedesktop.DBus.Peer",
                                          {"GetMachineId", DISPATCH_NOTHING,
                                           DISPATCH_ARGUMENTS({"machine_uuid", "s"}), NULL}},
};

static const DispatchSignal properties_changed = {
    "PropertiesChanged",
    DISPATCH_ARGUMENTS({"interface_name", "s"}, {"changed_properties", "a{sv}"},
                       {"invalidated_properties", "as"})};

gboolean dispatch_is_standard_interface(const char *name) {
  return strcmp(name, introspectable) == 0 || strcmp(name, properties) == 0 ||
         strcmp(name, peer) == 0;
}

char *dispatch_signature_of(const DispatchArgument *arguments) {
  GString *text = g_string_new(NULL);
  for (; arguments != NULL && arguments->name != NULL; arguments++)
    g_string_append(text, arguments->signature);
  return g_string_free(text, FALSE);
}

char *dispatch_describe_arguments(const DispatchArgument *arguments) {
  GString *text = g_string_new(NULL);
  for (; arguments != NULL && arguments->name != NULL; arguments++)
    g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", arguments->name,
                           arguments->signature);
  return g_string_free(text, FALSE);
}

char *dispatch_child_towards(const char *above, const char *path) {
  gsize length = strcmp(above, "/") == 0 ? 0 : strlen(above);
  if (strncmp(above, path, length) != 0 || path[length] != '/' || path[length + 1] == '\0')
    return NULL;
  const char *child = path + length + 1;
  return g_strndup(child, strcspn(child, "/"));
}

/* ---- XML ---- */

static GString *begin_node(void) {
  GString *xml = g_string_new(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE);
  g_string_append(xml, "<node>\n");
  return xml;
}

static char *end_node(GString *xml) {
  g_string_append(xml, "</node>\n");
  return g_string_free(xml, FALSE);
}

static void add_arguments(GString *xml, const DispatchArgument *arguments, const char *direction) {
  for (; arguments != NULL && arguments->name != NULL; arguments++) {
    g_string_append_printf(xml, "      <arg name=\"%s\" type=\"%s\"", arguments->name,
                           arguments->signature);
    if (direction != NULL)
      g_string_append_printf(xml, " direction=\"%s\"", direction);
    g_string_append(xml, "/>\n");
  }
}

static void add_method(GString *xml, const DispatchMethod *method) {
  g_string_append_printf(xml, "    <method name=\"%s\">\n", method->name);
  add_arguments(xml, method->in, "in");
  add_arguments(xml, method->out, "out");
  g_string_append(xml, "    </method>\n");
}

static void add_signal(GString *xml, const DispatchSignal *signal) {
  g_string_append_printf(xml, "    <signal name=\"%s\">\n", signal->name);
  add_arguments(xml, signal->arguments, NULL);
  g_string_append(xml, "    </signal>\n");
}

static void add_property(GString *xml, const DispatchProperty *property) {
  g_string_append_printf(xml, "    <property name=\"%s\" type=\"%s\" access=\"read\"",
                         property->name, property->signature);
  if (property->emits_changed == NULL) {
    g_string_append(xml, "/>\n");
    return;
  }
  g_string_append_printf(xml,
                         ">\n      <annotation name=\"org.freedesktop.DBus.Property."
                         "EmitsChangedSignal\" value=\"%s\"/>\n    </property>\n",
                         property->emits_changed);
}

static void begin_interface(GString *xml, const char *name) {
  g_string_append_printf(xml, "  <interface name=\"%s\">\n", name);
}

static void end_interface(GString *xml) {
  g_string_append(xml, "  </interface>\n");
}

static void add_interface(GString *xml, const DispatchInterface *interface) {
  begin_interface(xml, interface->name);
  for (const DispatchMethod *each = interface->methods; each != NULL && each->name != NULL; each++)
    add_method(xml, each);
  for (const DispatchSignal *each = interface->signals; each != NULL && each->name != NULL; each++)
    add_signal(xml, each);
  for (const DispatchProperty *each = interface->properties; each != NULL && each->name != NULL;
       each++)
    add_property(xml, each);
  end_interface(xml);
}

static void add_standard_methods(GString *xml, const char *interface) {
  for (guint i = 0; i < DISPATCH_STANDARD_COUNT; i++)
    if (strcmp(dispatch_standard_methods[i].interface, interface) == 0)
      add_method(xml, &dispatch_standard_methods[i].method);
}

static void add_introspectable(GString *xml) {
  begin_interface(xml, introspectable);
  add_standard_methods(xml, introspectable);
  end_interface(xml);
}

static void add_peer(GString *xml) {
  begin_interface(xml, peer);
  add_standard_methods(xml, peer);
  end_interface(xml);
}

static void add_properties(GString *xml) {
  begin_interface(xml, properties);
  add_standard_methods(xml, properties);
  add_signal(xml, &properties_changed);
  end_interface(xml);
}

char *dispatch_introspect_parent(const char *child) {
  GString *xml = begin_node();
  add_introspectable(xml);
  add_peer(xml);
  g_string_append_printf(xml, "  <node name=\"%s\"/>\n", child);
  return end_node(xml);
}

char *dispatch_introspect(const DispatchInterface *interfaces) {
  GString *xml = begin_node();
  for (; interfaces->name != NULL; interfaces++)
    add_interface(xml, interfaces);
  add_introspectable(xml);
  add_peer(xml);
  add_properties(xml);
  return end_node(xml);
}
