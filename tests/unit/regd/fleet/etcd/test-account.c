/* SPDX-License-Identifier: MIT */
/* Logins and users of etcd: what is sent, and which answers are taken. */
#include "regd/fleet/etcd/account.h"

#include <string.h>

#include "client/base/error.h"

#define BYTES(text) text, sizeof(text) - 1

static void is(GBytes *bytes, const char *expected) {
  g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), expected,
                  strlen(expected));
}

static void test_requests(void) {
  g_autoptr(GBytes) login = etcd_login_encode("xnna", "word");
  g_autoptr(GBytes) user = etcd_user_encode("xnna");
  is(login, "\x0a\x04xnna\x12\x04word");
  is(user, "\x0a\x04xnna");
}

static const struct {
  const char *bytes;
  gsize size;
  const char *token; /* NULL: refused */
} logins[] = {
    {BYTES("\x0a\x00\x12\x05"
           "abc.1"),
     "abc.1"},
    {BYTES("\x12\x05"
           "abc.1"),
     "abc.1"},
    {BYTES(""), NULL},
    {BYTES("\x0a\x00"), NULL},
    {BYTES("\x12\x00"), NULL},
    {BYTES("\x12\x03"
           "a b"),
     NULL},
    {BYTES("\x12\x05"
           "a\r\nX:"),
     NULL},
    {BYTES("\x12\x03"
           "a\0b"),
     "a"}, /* protobuf-c ends a text at its first 0 */
    {BYTES("\x12\x02"
           "\xc3\xa4"),
     NULL},
    {BYTES("\x12\x09"
           "abc"),
     NULL},
};

static void test_logins(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(logins); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_static(logins[i].bytes, logins[i].size);
    g_autofree char *token = etcd_login_decode(bytes, &error);
    g_assert_cmpstr(token, ==, logins[i].token);
    g_assert_true((token == NULL) == (error != NULL));
  }
}

static void test_long_token(void) {
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  g_autofree char *text = g_strnfill(ETCD_LIMIT_TOKEN_BYTES + 1, 'a');
  g_byte_array_append(bytes, (const guint8 *)"\x12\x81\x40", 3);
  g_byte_array_append(bytes, (const guint8 *)text, ETCD_LIMIT_TOKEN_BYTES + 1);
  g_autoptr(GBytes) answer = g_bytes_new(bytes->data, bytes->len);
  g_assert_null(etcd_login_decode(answer, NULL));
}

static const struct {
  const char *bytes;
  gsize size;
  const char *roles; /* NULL: unreadable */
} users[] = {
    {BYTES("\x0a\x00\x12\x01r\x12\x02st"), "r, st"},
    {BYTES(""), ""},
    {BYTES("\x12\x03"
           "a\nb"),
     "a b"},
    {BYTES("\x12\x09r"), NULL},
};

static void test_users(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(users); i++) {
    g_autoptr(GBytes) bytes = g_bytes_new_static(users[i].bytes, users[i].size);
    g_autofree char *roles = etcd_user_decode(bytes);
    g_assert_cmpstr(roles, ==, users[i].roles);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/account/requests", test_requests);
  g_test_add_func("/account/logins", test_logins);
  g_test_add_func("/account/long-token", test_long_token);
  g_test_add_func("/account/users", test_users);
  return g_test_run();
}
