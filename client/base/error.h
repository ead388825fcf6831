/* SPDX-License-Identifier: MIT */
/* Errors: the one table between RegistryError, D-Bus error names and exit codes
 * (org.regd.Registry1(5), regctl(1)), and the helpers with which every layer makes errors.
 * GError is the carrier; the domain is REGISTRY_ERROR. */
#ifndef CLIENT_BASE_ERROR_H
#define CLIENT_BASE_ERROR_H

#include "client/registry.h"

/* Exit codes of regctl and mailauthctl; see regctl(1). */
typedef enum {
  EXIT_CODE_DONE = 0,
  EXIT_CODE_FAILED = 1,
  EXIT_CODE_USAGE = 2,
  EXIT_CODE_NOT_FOUND = 3,
  EXIT_CODE_ACCESS_DENIED = 4,
  EXIT_CODE_INVALID = 5,
  EXIT_CODE_CONFLICT = 6,
  EXIT_CODE_UNREACHABLE = 7,
} ExitCode;

/* The D-Bus error name; static, never NULL. */
const char *error_get_bus_name(RegistryError code);
/* FAILED for a name that is not in the table. */
RegistryError error_from_bus_name(const char *name);
ExitCode error_get_exit_code(const GError *error);

/* Sets *@error unless it is NULL and returns FALSE, so that a guard can end
 * in `return error_set(...)`. The message is made valid UTF-8 without control
 * characters. */
gboolean error_set(GError **error, RegistryError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif
