/* SPDX-License-Identifier: MIT */
/* Clients' addresses: see address.h. */
#include "mailauth/base/address.h"

#include <arpa/inet.h>
#include <string.h>

char *address_dup_group(const char *text) {
  struct in6_addr six;
  char printed[INET6_ADDRSTRLEN];
  g_autofree char *plain = g_strdup(text);
  char *zone = strchr(plain, '%');
  if (zone != NULL)
    *zone = '\0';
  if (inet_pton(AF_INET6, plain, &six) != 1)
    return g_strdup(text);
  if (IN6_IS_ADDR_V4MAPPED(&six))
    return g_strdup(inet_ntop(AF_INET, &six.s6_addr[12], printed, sizeof printed));
  memset(&six.s6_addr[8], 0, 8);
  inet_ntop(AF_INET6, &six, printed, sizeof printed);
  return g_strconcat(printed, "/64", NULL);
}

static gboolean is_loopback_four(const guint8 *bytes) {
  return bytes[0] == 127;
}

static gboolean is_loopback_six(const struct in6_addr *six) {
  return IN6_IS_ADDR_LOOPBACK(six) ||
         (IN6_IS_ADDR_V4MAPPED(six) && is_loopback_four(&six->s6_addr[12]));
}

gboolean address_is_loopback(const char *text) {
  struct in_addr four;
  struct in6_addr six;
  if (inet_pton(AF_INET, text, &four) == 1)
    return is_loopback_four((const guint8 *)&four);
  return inet_pton(AF_INET6, text, &six) == 1 && is_loopback_six(&six);
}

gboolean address_is_local(const struct sockaddr *address) {
  if (address->sa_family == AF_INET)
    return is_loopback_four(
        (const guint8 *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
  return address->sa_family == AF_INET6 &&
         is_loopback_six(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}
