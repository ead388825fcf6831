/* SPDX-License-Identifier: MIT */
/* See origin.h. */
#include "mailauth/origin/origin.h"

Origin origin_from_socket(const struct sockaddr_storage *socket) {
  return (Origin){.address = client_address_from_socket(socket)};
}

void origin_take_header(Origin *origin, const ProxyFacts *facts) {
  if (!facts->has_address)
    return;
  origin->address = facts->address;
  g_strlcpy(origin->tls, facts->tls, sizeof origin->tls);
}
