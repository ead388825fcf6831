/* SPDX-License-Identifier: MIT */
/* Addresses of clients: written, told apart, and counted by subscriber. */
#include "mailauth/base/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static Peer parse(const char *text) {
  struct sockaddr_storage address = {0};
  struct sockaddr_in *ipv4 = (struct sockaddr_in *)&address;
  struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&address;
  if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else {
    g_assert_cmpint(inet_pton(AF_INET6, text, &ipv6->sin6_addr), ==, 1);
    address.ss_family = AF_INET6;
  }
  return peer_from_socket(&address);
}

static void test_rows(void) {
  const struct {
    const char *text;
    const char *written;
    const char *subscriber;
    gboolean loopback;
  } rows[] = {
      {"127.0.0.1", "127.0.0.1", "127.0.0.1", TRUE},
      {"127.9.9.9", "127.9.9.9", "127.9.9.9", TRUE},
      {"::1", "::1", "::", TRUE},
      {"::ffff:127.0.0.1", "127.0.0.1", "127.0.0.1", TRUE},
      {"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1", FALSE},
      {"192.0.2.1", "192.0.2.1", "192.0.2.1", FALSE},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", FALSE},
      {"::2", "::2", "::", FALSE},
      {"128.0.0.1", "128.0.0.1", "128.0.0.1", FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Peer peer = parse(rows[i].text);
    Peer subscriber = peer_get_subscriber(&peer);
    g_autofree char *written = peer_format(&peer);
    g_autofree char *whose = peer_format(&subscriber);
    g_assert_cmpstr(written, ==, rows[i].written);
    g_assert_cmpstr(whose, ==, rows[i].subscriber);
    g_assert_cmpint(peer_is_loopback(&peer), ==, rows[i].loopback);
  }
}

static void test_subscribers(void) {
  Peer one = parse("2001:db8:1:2::1");
  Peer neighbour = parse("2001:db8:1:2:ffff::9");
  Peer other = parse("2001:db8:1:3::1");
  Peer a = peer_get_subscriber(&one);
  Peer b = peer_get_subscriber(&neighbour);
  Peer c = peer_get_subscriber(&other);
  g_assert_true(peer_equal(&a, &b));
  g_assert_cmpuint(peer_hash(&a), ==, peer_hash(&b));
  g_assert_false(peer_equal(&a, &c));
  g_assert_false(peer_equal(&one, &neighbour));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/peer/rows", test_rows);
  g_test_add_func("/peer/subscribers", test_subscribers);
  return g_test_run();
}
