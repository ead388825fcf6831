/* SPDX-License-Identifier: MIT */
/* The error table: names both ways, exit codes, and messages fit for the bus. */
#include "client/base/error.h"

#include <string.h>

static void test_every_code_comes_back_from_its_bus_name(void) {
  for (int code = REGISTRY_ERROR_FAILED; code <= REGISTRY_ERROR_UNREACHABLE; code++) {
    const char *name = error_get_bus_name((RegistryError)code);
    g_assert_nonnull(name);
    g_assert_cmpint((int)error_from_bus_name(name), ==, code);
  }
}

static const struct {
  const char *bus_name;
  RegistryError code;
  ExitCode exit_code;
} rows[] = {
    {"org.regd.Registry1.Error.KeyNotFound", REGISTRY_ERROR_KEY_NOT_FOUND, EXIT_CODE_NOT_FOUND},
    {"org.regd.Registry1.Error.ValueNotFound", REGISTRY_ERROR_VALUE_NOT_FOUND, EXIT_CODE_NOT_FOUND},
    {"org.regd.Registry1.Error.InvalidPath", REGISTRY_ERROR_INVALID_PATH, EXIT_CODE_INVALID},
    {"org.regd.Registry1.Error.InvalidValue", REGISTRY_ERROR_INVALID_VALUE, EXIT_CODE_INVALID},
    {"org.regd.Registry1.Error.SchemaViolation", REGISTRY_ERROR_SCHEMA_VIOLATION,
     EXIT_CODE_INVALID},
    {"org.regd.Registry1.Error.Conflict", REGISTRY_ERROR_CONFLICT, EXIT_CODE_CONFLICT},
    {"org.regd.Registry1.Error.StorageFull", REGISTRY_ERROR_STORAGE_FULL, EXIT_CODE_FAILED},
    {"org.freedesktop.DBus.Error.AccessDenied", REGISTRY_ERROR_ACCESS_DENIED,
     EXIT_CODE_ACCESS_DENIED},
    {"org.freedesktop.DBus.Error.InvalidArgs", REGISTRY_ERROR_INVALID_ARGUMENTS, EXIT_CODE_USAGE},
    {"org.freedesktop.DBus.Error.ServiceUnknown", REGISTRY_ERROR_UNREACHABLE,
     EXIT_CODE_UNREACHABLE},
    {"org.freedesktop.DBus.Error.NameHasNoOwner", REGISTRY_ERROR_UNREACHABLE,
     EXIT_CODE_UNREACHABLE},
    {"org.freedesktop.DBus.Error.NoReply", REGISTRY_ERROR_UNREACHABLE, EXIT_CODE_UNREACHABLE},
    {"org.freedesktop.DBus.Error.Spawn.ChildExited", REGISTRY_ERROR_UNREACHABLE,
     EXIT_CODE_UNREACHABLE},
    {"org.example.Unheard", REGISTRY_ERROR_FAILED, EXIT_CODE_FAILED},
    {"", REGISTRY_ERROR_FAILED, EXIT_CODE_FAILED},
};

static void test_rows(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    error_set(&error, error_from_bus_name(rows[i].bus_name), "x");
    g_assert_error(error, REGISTRY_ERROR, (int)rows[i].code);
    g_assert_cmpint((int)error_get_exit_code(error), ==, (int)rows[i].exit_code);
  }
}

static void test_exit_code_of_strangers(void) {
  g_autoptr(GError) foreign = g_error_new_literal(g_quark_from_string("other"), 4, "x");
  g_assert_cmpint((int)error_get_exit_code(NULL), ==, (int)EXIT_CODE_DONE);
  g_assert_cmpint((int)error_get_exit_code(foreign), ==, (int)EXIT_CODE_FAILED);
}

static void test_message_is_made_valid(void) {
  g_autoptr(GError) error = NULL;
  g_assert_false(error_set(&error, REGISTRY_ERROR_FAILED, "a%sb", "\xff\xc3"));
  g_assert_true(g_utf8_validate(error->message, -1, NULL));
  g_assert_true(g_str_has_prefix(error->message, "a"));
  g_assert_false(error_set(NULL, REGISTRY_ERROR_FAILED, "nobody asked"));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/error/names", test_every_code_comes_back_from_its_bus_name);
  g_test_add_func("/error/rows", test_rows);
  g_test_add_func("/error/strangers", test_exit_code_of_strangers);
  g_test_add_func("/error/message", test_message_is_made_valid);
  return g_test_run();
}
