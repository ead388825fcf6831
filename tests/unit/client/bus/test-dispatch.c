/* SPDX-License-Identifier: MIT */
/* The tables as introspection XML, and the small functions over them. What a
 * dispatcher answers on a bus is shown by tests/bus. */
#include "client/bus/dispatch-xml.h"

#include <string.h>

static const DispatchMethod methods[] = {
    {"Go", DISPATCH_ARGUMENTS({"where", "s"}, {"how", "a{sv}"}), DISPATCH_ARGUMENTS({"far", "t"}),
     NULL},
    {"Stop", DISPATCH_NOTHING, DISPATCH_NOTHING, NULL},
    {NULL, NULL, NULL, NULL},
};
static const DispatchSignal signals[] = {{"Gone", DISPATCH_ARGUMENTS({"where", "s"})},
                                         {NULL, NULL}};
static const DispatchProperty properties[] = {
    {"Speed", "u", "false", NULL}, {"Weight", "t", NULL, NULL}, {NULL, NULL, NULL, NULL}};
static const DispatchInterface interfaces[] = {{"org.example.Car", methods, signals, properties},
                                               {NULL, NULL, NULL, NULL}};

static void count(GMarkupParseContext *context, const char *element, const char **names,
                  const char **values, gpointer data, GError **error) {
  (void)context;
  (void)error;
  GString *seen = data;
  g_string_append_printf(seen, "<%s", element);
  for (guint i = 0; names[i] != NULL; i++)
    g_string_append_printf(seen, " %s", values[i]);
  g_string_append_c(seen, '>');
}

static void test_xml(void) {
  static const GMarkupParser parser = {.start_element = count};
  g_autofree char *xml = dispatch_introspect(interfaces);
  g_autoptr(GError) error = NULL;
  GString *seen = g_string_new(NULL);
  g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, seen, NULL);
  g_assert_true(g_markup_parse_context_parse(context, strstr(xml, "<node"), -1, &error));
  g_assert_true(g_markup_parse_context_end_parse(context, &error));
  g_assert_no_error(error);
  const char *expected = "<node><interface org.example.Car><method Go><arg where s in>"
                         "<arg how a{sv} in><arg far t out><method Stop><signal Gone><arg where s>"
                         "<property Speed u read>"
                         "<annotation org.freedesktop.DBus.Property.EmitsChangedSignal false>"
                         "<property Weight t read><interface org.freedesktop.DBus.Introspectable>";
  g_assert_true(g_str_has_prefix(seen->str, expected));
  g_string_free(seen, TRUE);
}

static const struct {
  const char *above, *path, *child;
} ways[] = {
    {"/", "/org/x", "org"}, {"/org", "/org/x", "x"},    {"/org/x", "/org/x", NULL},
    {"/o", "/org/x", NULL}, {"/org/y", "/org/x", NULL}, {"/org/x/y", "/org/x", NULL},
    {"/", "/org", "org"},
};

static void test_children(void) {
  for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
    g_autofree char *child = dispatch_child_towards(ways[i].above, ways[i].path);
    g_assert_cmpstr(child, ==, ways[i].child);
  }
  g_autofree char *xml = dispatch_introspect_parent("org");
  g_assert_nonnull(strstr(xml, "<node name=\"org\"/>"));
}

static void test_signatures(void) {
  g_autofree char *signature = dispatch_signature_of(methods[0].in);
  g_autofree char *none = dispatch_signature_of(NULL);
  g_autofree char *text = dispatch_describe_arguments(methods[0].in);
  g_assert_cmpstr(signature, ==, "sa{sv}");
  g_assert_cmpstr(none, ==, "");
  g_assert_cmpstr(text, ==, "where s, how a{sv}");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/dispatch/xml", test_xml);
  g_test_add_func("/dispatch/children", test_children);
  g_test_add_func("/dispatch/signatures", test_signatures);
  return g_test_run();
}
