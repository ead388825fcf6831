/* SPDX-License-Identifier: MIT */
/* Addresses of clients: written, told apart, and counted by subscriber. */
#include "mailauth/base/client-address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static ClientAddress parse(const char *text) {
  ClientAddress address;
  g_assert_true(client_address_parse(text, &address));
  return address;
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
    ClientAddress address = parse(rows[i].text);
    ClientAddress subscriber = client_address_get_subscriber(&address);
    g_autofree char *written = client_address_format(&address);
    g_autofree char *whose = client_address_format(&subscriber);
    g_assert_cmpstr(written, ==, rows[i].written);
    g_assert_cmpstr(whose, ==, rows[i].subscriber);
    g_assert_cmpint(client_address_is_loopback(&address), ==, rows[i].loopback);
  }
}

static void test_sockets(void) {
  struct sockaddr_storage storage = {.ss_family = AF_INET};
  inet_pton(AF_INET, "192.0.2.1", &((struct sockaddr_in *)&storage)->sin_addr);
  ClientAddress written = parse("192.0.2.1");
  ClientAddress four = client_address_from_socket(&storage);
  g_assert_true(client_address_equal(&four, &written));
  storage = (struct sockaddr_storage){.ss_family = AF_INET6};
  inet_pton(AF_INET6, "2001:db8::1", &((struct sockaddr_in6 *)&storage)->sin6_addr);
  written = parse("2001:db8::1");
  ClientAddress six = client_address_from_socket(&storage);
  g_assert_true(client_address_equal(&six, &written));
  storage = (struct sockaddr_storage){.ss_family = AF_UNIX};
  ClientAddress neither = client_address_from_socket(&storage);
  g_assert_true(client_address_equal(&neither, &(ClientAddress){0}));
}

static void test_no_addresses(void) {
  static const char *const texts[] = {"", "local", "192.0.2", "192.0.2.1 ", "::1%lo", "2001:db8"};
  ClientAddress address;
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    g_assert_false(client_address_parse(texts[i], &address));
}

static void test_groups(void) {
  const struct {
    const char *text, *group;
  } rows[] = {
      {"192.0.2.7", "192.0.2.7"},
      {"::ffff:192.0.2.7", "192.0.2.7"},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
      {"2001:db8:1:2::9", "2001:db8:1:2::/64"},
      {"2001:db8:1:3::9", "2001:db8:1:3::/64"},
      {"fe80::1%eth0", "fe80::/64"},
      {"", ""},
      {"local", "local"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *group = client_address_dup_group(rows[i].text);
    g_assert_cmpstr(group, ==, rows[i].group);
  }
}

static void test_subscribers(void) {
  ClientAddress one = parse("2001:db8:1:2::1");
  ClientAddress neighbour = parse("2001:db8:1:2:ffff::9");
  ClientAddress other = parse("2001:db8:1:3::1");
  ClientAddress a = client_address_get_subscriber(&one);
  ClientAddress b = client_address_get_subscriber(&neighbour);
  ClientAddress c = client_address_get_subscriber(&other);
  g_assert_true(client_address_equal(&a, &b));
  g_assert_cmpuint(client_address_hash(&a), ==, client_address_hash(&b));
  g_assert_false(client_address_equal(&a, &c));
  g_assert_false(client_address_equal(&one, &neighbour));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/client-address/rows", test_rows);
  g_test_add_func("/client-address/sockets", test_sockets);
  g_test_add_func("/client-address/no-addresses", test_no_addresses);
  g_test_add_func("/client-address/groups", test_groups);
  g_test_add_func("/client-address/subscribers", test_subscribers);
  return g_test_run();
}
