/* SPDX-License-Identifier: MIT */
/* See client-address.h. */
#include "mailauth/base/client-address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const guint8 mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void set_mapped(ClientAddress *address, const struct in_addr *four) {
  memcpy(address->bytes, mapped_prefix, sizeof mapped_prefix);
  memcpy(address->bytes + 12, four, 4);
}

ClientAddress client_address_from_socket(const struct sockaddr_storage *socket) {
  ClientAddress address = {0};
  if (socket->ss_family == AF_INET6)
    memcpy(address.bytes, &((const struct sockaddr_in6 *)socket)->sin6_addr, 16);
  else if (socket->ss_family == AF_INET)
    set_mapped(&address, &((const struct sockaddr_in *)socket)->sin_addr);
  return address;
}

guint16 client_address_get_port(const struct sockaddr_storage *socket) {
  if (socket->ss_family == AF_INET6)
    return ntohs(((const struct sockaddr_in6 *)socket)->sin6_port);
  return socket->ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)socket)->sin_port) : 0;
}

gboolean client_address_parse(const char *text, ClientAddress *address) {
  struct in_addr four;
  if (inet_pton(AF_INET, text, &four) != 1)
    return inet_pton(AF_INET6, text, address->bytes) == 1;
  set_mapped(address, &four);
  return TRUE;
}

gboolean client_address_is_four(const ClientAddress *address) {
  return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

gboolean client_address_is_loopback(const ClientAddress *address) {
  return client_address_is_four(address)
             ? address->bytes[12] == 127
             : memcmp(address->bytes, &in6addr_loopback, sizeof address->bytes) == 0;
}

gboolean client_address_is_loopback_text(const char *text) {
  ClientAddress address;
  return client_address_parse(text, &address) && client_address_is_loopback(&address);
}

ClientAddress client_address_get_subscriber(const ClientAddress *address) {
  ClientAddress subscriber = *address;
  if (!client_address_is_four(address))
    memset(subscriber.bytes + 8, 0, 8);
  return subscriber;
}

char *client_address_format(const ClientAddress *address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (client_address_is_four(address))
    inet_ntop(AF_INET, address->bytes + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, address->bytes, text, sizeof text);
  return g_strdup(text);
}

char *client_address_dup_group(const char *text) {
  ClientAddress address;
  g_autofree char *number = g_strndup(text, strcspn(text, "%"));
  if (!client_address_parse(text, &address) && !client_address_parse(number, &address))
    return g_strdup(text);
  ClientAddress subscriber = client_address_get_subscriber(&address);
  g_autofree char *printed = client_address_format(&subscriber);
  return client_address_is_four(&address) ? g_steal_pointer(&printed)
                                          : g_strconcat(printed, "/64", NULL);
}

guint client_address_hash(gconstpointer address) {
  guint32 words[4];
  memcpy(words, address, sizeof words);
  return words[0] ^ words[1] * 31 ^ words[2] * 961 ^ words[3] * 29791;
}

gboolean client_address_equal(gconstpointer a, gconstpointer b) {
  return memcmp(a, b, sizeof(ClientAddress)) == 0;
}
