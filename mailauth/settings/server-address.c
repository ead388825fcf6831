/* SPDX-License-Identifier: MIT */
/* See server-address.h. Directories' addresses are taken apart by libldap, which
 * will use them. */
#include "mailauth/settings/server-address.h"

#include <ldap.h>

#include "client/base/error.h"
#include "mailauth/settings/backend-address.h"

/* Where slapd listens by Debian's configuration, and where libldap looks. */
#define DEFAULT_LDAPI_PATH "/var/run/slapd/ldapi"
#define DEFAULT_HOST "localhost"

static gboolean is_directory(const char *text) {
  return g_str_has_prefix(text, "ldap://") || g_str_has_prefix(text, "ldaps://") ||
         g_str_has_prefix(text, "ldapi://");
}

static const char *or_default(const char *text, const char *otherwise) {
  return text != NULL && *text != '\0' ? text : otherwise;
}

static gboolean parse_directory(const char *text, ServerAddress *address, GError **error) {
  LDAPURLDesc *parts = NULL;
  if (ldap_url_parse(text, &parts) != LDAP_URL_SUCCESS)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'%s' is not an address of a directory",
                     text);
  gboolean valid = parts->lud_port >= 0 && parts->lud_port <= G_MAXUINT16;
  if (g_str_equal(parts->lud_scheme, "ldapi")) {
    address->path = g_strdup(or_default(parts->lud_host, DEFAULT_LDAPI_PATH));
  } else {
    address->host = g_strdup(or_default(parts->lud_host, DEFAULT_HOST));
    address->port = (guint16)parts->lud_port;
  }
  ldap_free_urldesc(parts);
  if (valid)
    return TRUE;
  server_address_clear(address);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'%s' has no possible port", text);
}

gboolean server_address_parse(const char *text, ServerAddress *address, GError **error) {
  BackendAddress backend;
  *address = (ServerAddress){0};
  if (is_directory(text))
    return parse_directory(text, address, error);
  if (!backend_address_parse(text, &backend, error))
    return FALSE;
  address->host = g_steal_pointer(&backend.host);
  address->path = g_steal_pointer(&backend.path);
  address->port = backend.port;
  backend_address_clear(&backend);
  return TRUE;
}

void server_address_clear(ServerAddress *address) {
  g_clear_pointer(&address->host, g_free);
  g_clear_pointer(&address->path, g_free);
}
