/* SPDX-License-Identifier: MIT */
/* See identity.h. */
#include "mailauth/parent/identity.h"

#include "client/base/error.h"

char *identity_ask(const char *bus) {
  g_autoptr(GError) error = NULL;
  g_autoptr(RegistryConnection) connection = registry_connection_new(bus, NULL, &error);
  if (connection == NULL)
    return NULL;
  RegistryValue *value = registry_get_value(connection, IDENTITY_KEY, IDENTITY_VALUE, &error);
  if (value == NULL)
    return g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE) ? NULL : g_strdup("");
  char *name = registry_value_dup_string(value);
  registry_value_unref(value);
  return name != NULL ? name : g_strdup("");
}

int identity_run(const RoleStart *start) {
  g_autoptr(Channel) parent = channel_new(start->descriptor, ROLE_IDENTITY, ROLE_PARENT);
  g_autofree char *name = identity_ask(start->bus);
  return channel_send(parent, MESSAGE_IDENTITY,
                      g_variant_new("(bs)", name != NULL, name != NULL ? name : ""), NULL, 0, NULL)
             ? 0
             : 1;
}
