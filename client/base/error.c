/* SPDX-License-Identifier: MIT */
/* Errors: the one table between RegistryError, D-Bus error names and exit codes. It names
 * errors; it does not decide when one has happened. */
#include "client/base/error.h"

#include "client/base/protocol.h"

#include <stdarg.h>

#define DBUS_ERROR(name) "org.freedesktop.DBus.Error." name

typedef struct {
  const char *bus_name;
  ExitCode exit_code;
} ErrorRow;

static const ErrorRow error_rows[] = {
    [REGISTRY_ERROR_FAILED] = {DBUS_ERROR("Failed"), EXIT_CODE_FAILED},
    [REGISTRY_ERROR_KEY_NOT_FOUND] = {REGISTRY_ERROR_PREFIX "KeyNotFound", EXIT_CODE_NOT_FOUND},
    [REGISTRY_ERROR_VALUE_NOT_FOUND] = {REGISTRY_ERROR_PREFIX "ValueNotFound", EXIT_CODE_NOT_FOUND},
    [REGISTRY_ERROR_KEY_EXISTS] = {REGISTRY_ERROR_PREFIX "KeyExists", EXIT_CODE_FAILED},
    [REGISTRY_ERROR_KEY_NOT_EMPTY] = {REGISTRY_ERROR_PREFIX "KeyNotEmpty", EXIT_CODE_FAILED},
    [REGISTRY_ERROR_INVALID_PATH] = {REGISTRY_ERROR_PREFIX "InvalidPath", EXIT_CODE_INVALID},
    [REGISTRY_ERROR_INVALID_VALUE] = {REGISTRY_ERROR_PREFIX "InvalidValue", EXIT_CODE_INVALID},
    [REGISTRY_ERROR_SCHEMA_VIOLATION] = {REGISTRY_ERROR_PREFIX "SchemaViolation",
                                         EXIT_CODE_INVALID},
    [REGISTRY_ERROR_CONFLICT] = {REGISTRY_ERROR_PREFIX "Conflict", EXIT_CODE_CONFLICT},
    [REGISTRY_ERROR_LIMIT_EXCEEDED] = {REGISTRY_ERROR_PREFIX "LimitExceeded", EXIT_CODE_FAILED},
    [REGISTRY_ERROR_LINK_LOOP] = {REGISTRY_ERROR_PREFIX "LinkLoop", EXIT_CODE_FAILED},
    [REGISTRY_ERROR_HISTORY_GONE] = {REGISTRY_ERROR_PREFIX "HistoryGone", EXIT_CODE_FAILED},
    [REGISTRY_ERROR_STORAGE_FULL] = {REGISTRY_ERROR_PREFIX "StorageFull", EXIT_CODE_FAILED},
    [REGISTRY_ERROR_STORAGE_FAILURE] = {REGISTRY_ERROR_PREFIX "StorageFailure", EXIT_CODE_FAILED},
    [REGISTRY_ERROR_READ_ONLY] = {REGISTRY_ERROR_PREFIX "ReadOnly", EXIT_CODE_FAILED},
    [REGISTRY_ERROR_ACCESS_DENIED] = {DBUS_ERROR("AccessDenied"), EXIT_CODE_ACCESS_DENIED},
    [REGISTRY_ERROR_INVALID_ARGUMENTS] = {DBUS_ERROR("InvalidArgs"), EXIT_CODE_USAGE},
    [REGISTRY_ERROR_NOT_SUPPORTED] = {DBUS_ERROR("NotSupported"), EXIT_CODE_FAILED},
    [REGISTRY_ERROR_UNREACHABLE] = {DBUS_ERROR("ServiceUnknown"), EXIT_CODE_UNREACHABLE},
    [REGISTRY_ERROR_LOCKED] = {REGISTRY_ERROR_PREFIX "Locked", EXIT_CODE_ACCESS_DENIED},
    [REGISTRY_ERROR_FLEET_UNAVAILABLE] = {REGISTRY_ERROR_PREFIX "FleetUnavailable",
                                          EXIT_CODE_FAILED},
    [REGISTRY_ERROR_FLEET_UNCERTAIN] = {REGISTRY_ERROR_PREFIX "FleetUncertain", EXIT_CODE_FAILED},
};

/* Answers of the bus itself when the daemon gives none, and of a daemon of another version
 * that lacks the member. */
static const struct {
  const char *bus_name;
  RegistryError code;
} bus_rows[] = {
    {DBUS_ERROR("NameHasNoOwner"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("NoReply"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("Timeout"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("TimedOut"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("Disconnected"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("NoServer"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("NoNetwork"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("IOError"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("FileNotFound"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("BadAddress"), REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR("UnknownMethod"), REGISTRY_ERROR_NOT_SUPPORTED},
    {DBUS_ERROR("UnknownInterface"), REGISTRY_ERROR_NOT_SUPPORTED},
    {DBUS_ERROR("UnknownObject"), REGISTRY_ERROR_NOT_SUPPORTED},
    {DBUS_ERROR("LimitsExceeded"), REGISTRY_ERROR_LIMIT_EXCEEDED},
    {DBUS_ERROR("InvalidSignature"), REGISTRY_ERROR_INVALID_ARGUMENTS},
};

GQuark registry_error_quark(void) {
  return g_quark_from_static_string("registry-error-quark");
}

const char *error_get_bus_name(RegistryError code) {
  return error_rows[(gsize)code < G_N_ELEMENTS(error_rows) ? code : REGISTRY_ERROR_FAILED].bus_name;
}

RegistryError error_from_bus_name(const char *name) {
  for (gsize i = 0; i < G_N_ELEMENTS(error_rows); i++)
    if (g_str_equal(error_rows[i].bus_name, name))
      return (RegistryError)i;
  for (gsize i = 0; i < G_N_ELEMENTS(bus_rows); i++)
    if (g_str_equal(bus_rows[i].bus_name, name))
      return bus_rows[i].code;
  /* The bus tried to start the daemon and could not, or had systemd do it (which tells
   * org.freedesktop.systemd1.UnitMasked and the like). */
  if (g_str_has_prefix(name, DBUS_ERROR("Spawn.")) ||
      g_str_has_prefix(name, "org.freedesktop.systemd1."))
    return REGISTRY_ERROR_UNREACHABLE;
  return REGISTRY_ERROR_FAILED;
}

ExitCode error_get_exit_code(const GError *error) {
  if (error == NULL)
    return EXIT_CODE_DONE;
  if (error->domain != REGISTRY_ERROR || error->code < 0 ||
      (gsize)error->code >= G_N_ELEMENTS(error_rows))
    return EXIT_CODE_FAILED;
  return error_rows[error->code].exit_code;
}

gboolean error_set(GError **error, RegistryError code, const char *format, ...) {
  if (error == NULL)
    return FALSE;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_autofree char *valid = g_utf8_make_valid(message, -1);
  /* A message may quote a stranger: keep it one line of a log. */
  for (char *at = valid; *at != '\0'; at++)
    if ((guint8)*at < 0x20 || *at == 0x7F)
      *at = '?';
  g_set_error_literal(error, REGISTRY_ERROR, (gint)code, valid);
  return FALSE;
}
