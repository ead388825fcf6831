/* SPDX-License-Identifier: MIT */
/* See backend-address.h. */
#include "mailauth/settings/backend-address.h"

#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/client-address.h"

/* Ports below it are bound by root, or by whom root lets. */
#define USUAL_FIRST_PORT 1024
#define FIRST_PORT_FILE "/proc/sys/net/ipv4/ip_unprivileged_port_start"

static const struct {
  const char *scheme;
  Protocol protocol;
  gboolean tls;
  guint16 port; /* 0: what follows is a path */
} backend_schemes[] = {
    {"imap://", PROTOCOL_IMAP, FALSE, 143},  {"imaps://", PROTOCOL_IMAP, TRUE, 993},
    {"pop3://", PROTOCOL_POP3, FALSE, 110},  {"pop3s://", PROTOCOL_POP3, TRUE, 995},
    {"imap+unix:", PROTOCOL_IMAP, FALSE, 0}, {"pop3+unix:", PROTOCOL_POP3, FALSE, 0},
};

static gboolean is_host(const char *text, gboolean bracketed) {
  return *text != '\0' && strpbrk(text, "/@[] ") == NULL &&
         (bracketed || strchr(text, ':') == NULL);
}

/* "host" or "[v6]", and ":port" if it is not the scheme's own. */
static gboolean take_host_and_port(const char *text, BackendAddress *address) {
  g_autofree char *host = g_strdup(text);
  gsize length = strlen(host);
  if (length > 0 && host[length - 1] == '/')
    host[length - 1] = '\0';
  char *colon = strrchr(host, ':');
  char *bracket = strrchr(host, ']');
  guint64 port = address->port;
  if (colon != NULL && colon > bracket) {
    if (!g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
      return FALSE;
    *colon = '\0';
  }
  gboolean bracketed = host[0] == '[' && bracket != NULL && bracket[1] == '\0';
  if (bracketed)
    *bracket = '\0';
  if (!is_host(host + bracketed, bracketed))
    return FALSE;
  address->port = (guint16)port;
  address->host = g_strdup(host + bracketed);
  return TRUE;
}

static gboolean take_path(const char *text, BackendAddress *address) {
  /* A space would divide it from another address. */
  if (*text != '/' || strpbrk(text, " \t\r\n") != NULL)
    return FALSE;
  address->path = g_strdup(text);
  return TRUE;
}

gboolean backend_address_parse(const char *text, BackendAddress *address, GError **error) {
  *address = (BackendAddress){0};
  for (guint i = 0; i < G_N_ELEMENTS(backend_schemes); i++) {
    if (!g_str_has_prefix(text, backend_schemes[i].scheme))
      continue;
    address->protocol = backend_schemes[i].protocol;
    address->tls = backend_schemes[i].tls;
    address->port = backend_schemes[i].port;
    const char *rest = text + strlen(backend_schemes[i].scheme);
    if (address->port == 0 ? take_path(rest, address) : take_host_and_port(rest, address))
      return TRUE;
  }
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "'%s' is not imap://host:port, imaps://, pop3://, pop3s://, imap+unix:/path or "
                   "pop3+unix:/path",
                   text);
}

guint16 backend_address_read_first_port(const char *file) {
  g_autofree char *text = NULL;
  guint64 port = USUAL_FIRST_PORT;
  if (g_file_get_contents(file, &text, NULL, NULL))
    g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, USUAL_FIRST_PORT, &port, NULL);
  return (guint16)port;
}

/* Containers often let everybody bind each port. */
static gboolean is_for_root(guint16 port) {
  return port < USUAL_FIRST_PORT && port < backend_address_read_first_port(FIRST_PORT_FILE);
}

gboolean backend_address_is_privileged(const ClientAddress *address, guint16 port) {
  return client_address_is_loopback(address) && is_for_root(port);
}

/* Which address a name has is judged when it is connected to. */
static gboolean may_be_privileged(const BackendAddress *address) {
  ClientAddress numeric;
  if (g_ascii_strcasecmp(address->host, "localhost") == 0)
    return is_for_root(address->port);
  return client_address_parse(address->host, &numeric) &&
         backend_address_is_privileged(&numeric, address->port);
}

gboolean backend_address_check_secrecy(const BackendAddress *address, GError **error) {
  if (address->tls || address->path != NULL || may_be_privileged(address))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, BACKEND_IN_THE_CLEAR);
}
