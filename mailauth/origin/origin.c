/* SPDX-License-Identifier: MIT */
/* See origin.h. */
#include "mailauth/origin/origin.h"

Origin origin_from_socket(const struct sockaddr_storage *socket) {
  ClientAddress address = client_address_from_socket(socket);
  return (Origin){.address = address, .port = client_address_get_port(socket), .speaker = address};
}

void origin_take_header(Origin *origin, const ProxyFacts *facts) {
  g_strlcpy(origin->tls, facts->tls, sizeof origin->tls);
  if (!facts->has_address)
    return;
  origin->address = facts->address;
  origin->port = facts->port;
  origin->speaker = facts->address;
}

void origin_tell(Origin *origin, const ClientAddress *address, guint16 port) {
  origin->address = *address;
  origin->port = port;
}
