/* SPDX-License-Identifier: MIT */
/* peer.h: sixteen bytes, seen three ways. */
#include "mailauth/base/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const guint8 mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

Peer peer_from_socket(const struct sockaddr_storage *address) {
  Peer peer = {0};
  if (address->ss_family == AF_INET6) {
    memcpy(peer.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
  } else if (address->ss_family == AF_INET) {
    memcpy(peer.bytes, mapped_prefix, sizeof mapped_prefix);
    memcpy(peer.bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
  }
  return peer;
}

static gboolean is_mapped(const Peer *peer) {
  return memcmp(peer->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

gboolean peer_is_loopback(const Peer *peer) {
  return is_mapped(peer) ? peer->bytes[12] == 127
                         : memcmp(peer->bytes, &in6addr_loopback, sizeof peer->bytes) == 0;
}

Peer peer_get_subscriber(const Peer *peer) {
  Peer subscriber = *peer;
  if (!is_mapped(peer))
    memset(subscriber.bytes + 8, 0, 8);
  return subscriber;
}

char *peer_format(const Peer *peer) {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_mapped(peer))
    inet_ntop(AF_INET, peer->bytes + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, peer->bytes, text, sizeof text);
  return g_strdup(text);
}

guint peer_hash(gconstpointer peer) {
  guint32 words[4];
  memcpy(words, peer, sizeof words);
  return words[0] ^ words[1] * 31 ^ words[2] * 961 ^ words[3] * 29791;
}

gboolean peer_equal(gconstpointer a, gconstpointer b) {
  return memcmp(a, b, sizeof(Peer)) == 0;
}
