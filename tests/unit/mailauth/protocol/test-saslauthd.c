/* SPDX-License-Identifier: MIT */
/* The saslauthd protocol: questions as bytes, whole and in every beginning of
 * theirs. */
#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/protocol/saslauthd.h"

/* Bytes of a row: \1 in a string stands for NUL. */
static const struct {
  const char *name;
  const char *fields[5]; /* the fifth may be missing */
  SaslauthdStep step;
  const char *user, *password, *address;
} rows[] = {
    {"plain", {"user1", "pass1", "smtp", ""}, SASLAUTHD_LOGIN, "user1", "pass1", NULL},
    {"realm", {"ann", "pw", "imap", "example.org"}, SASLAUTHD_LOGIN, "ann@example.org", "pw", NULL},
    {"realm/backslash", {"EX\\ann", "pw", "", "b.org"}, SASLAUTHD_LOGIN, "EX\\ann", "pw", NULL},
    {"realm/own", {"ann@a.org", "pw", "", "b.org"}, SASLAUTHD_LOGIN, "ann@a.org", "pw", NULL},
    {"address", {"ann", "pw", "", "", "192.0.2.7;4711"}, SASLAUTHD_LOGIN, "ann", "pw", "192.0.2.7"},
    {"address/six",
     {"ann", "pw", "", "", "2001:db8::7;25"},
     SASLAUTHD_LOGIN,
     "ann",
     "pw",
     "2001:db8::7"},
    {"address/without-port",
     {"ann", "pw", "", "", "192.0.2.7"},
     SASLAUTHD_LOGIN,
     "ann",
     "pw",
     "192.0.2.7"},
    {"address/none", {"ann", "pw", "", "", ""}, SASLAUTHD_LOGIN, "ann", "pw", NULL},
    {"address/other", {"ann", "pw", "", "", "host;25"}, SASLAUTHD_LOGIN, "ann", "pw", NULL},
    {"password/empty", {"ann", "", "", ""}, SASLAUTHD_LOGIN, "ann", "", NULL},
    {"password/nul", {"ann", "p\1w", "", ""}, SASLAUTHD_BAD, NULL, NULL, NULL},
    {"user/empty", {"", "pw", "", ""}, SASLAUTHD_BAD, NULL, NULL, NULL},
    {"user/empty-with-realm", {"", "pw", "", "example.org"}, SASLAUTHD_BAD, NULL, NULL, NULL},
    {"user/nul", {"a\1b", "pw", "", ""}, SASLAUTHD_BAD, NULL, NULL, NULL},
    {"user/control", {"a\nb", "pw", "", ""}, SASLAUTHD_BAD, NULL, NULL, NULL},
    {"user/not-utf8", {"a\xff", "pw", "", ""}, SASLAUTHD_LOGIN, "a\xef\xbf\xbd", "pw", NULL},
};

static void append_field(GByteArray *bytes, const char *text, gsize size) {
  const guint8 head[] = {(guint8)(size >> 8), (guint8)size};
  g_byte_array_append(bytes, head, sizeof head);
  gsize at = bytes->len;
  g_byte_array_append(bytes, (const guint8 *)text, (guint)size);
  for (; at < bytes->len; at++)
    if (bytes->data[at] == '\1')
      bytes->data[at] = '\0';
}

static void check_login(const AuthRequest *request, const char *user, const char *password) {
  const Secret *secret = &request->credentials.password;
  g_assert_cmpstr(request->credentials.user, ==, user);
  g_assert_cmpstr(secret->bytes == NULL ? "" : (const char *)secret->bytes, ==, password);
}

/* Until the fourth string has come there is nothing to decide. */
static void check_beginnings(const GByteArray *bytes, gsize four) {
  for (gsize size = 0; size < four; size++) {
    AuthRequest request = {0};
    g_assert_cmpint(saslauthd_parse(bytes->data, size, &request), ==, SASLAUTHD_MORE);
    g_assert_null(request.credentials.user);
  }
}

static void test_row(gconstpointer data) {
  gsize row = GPOINTER_TO_SIZE(data);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  gsize four = 0;
  for (gsize i = 0; i < 5 && rows[row].fields[i] != NULL; i++) {
    append_field(bytes, rows[row].fields[i], strlen(rows[row].fields[i]));
    four = i == 3 ? bytes->len : four;
  }
  check_beginnings(bytes, four);
  for (gsize size = four; size <= bytes->len; size++) {
    AuthRequest request = {0};
    g_assert_cmpint(saslauthd_parse(bytes->data, size, &request), ==, rows[row].step);
    if (rows[row].step == SASLAUTHD_LOGIN)
      check_login(&request, rows[row].user, rows[row].password);
    /* Half of a fifth string is none. */
    if (rows[row].step == SASLAUTHD_LOGIN)
      g_assert_cmpstr(request.address, ==, size == bytes->len ? rows[row].address : NULL);
    auth_request_clear(&request);
  }
}

/* A size that is too large is not waited for. */
static void test_sizes(void) {
  const struct {
    gsize login, password;
    SaslauthdStep step;
  } sizes[] = {
      {MAX_USER, MAX_PASSWORD, SASLAUTHD_LOGIN},
      {MAX_USER + 1, 1, SASLAUTHD_BAD},
      {1, MAX_PASSWORD + 1, SASLAUTHD_BAD},
  };
  g_autofree char *filling = g_strnfill(MAX_PASSWORD + 1, 'x');
  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    AuthRequest request = {0};
    append_field(bytes, filling, sizes[i].login);
    append_field(bytes, filling, sizes[i].password);
    append_field(bytes, "", 0);
    append_field(bytes, "", 0);
    g_assert_cmpint(saslauthd_parse(bytes->data, bytes->len, &request), ==, sizes[i].step);
    auth_request_clear(&request);
  }
  AuthRequest request = {0};
  g_assert_cmpint(saslauthd_parse((const guint8 *)"\xff\xff", 2, &request), ==, SASLAUTHD_BAD);
}

static void test_answers(void) {
  g_autoptr(GString) out = g_string_new(NULL);
  saslauthd_answer(AUTH_RIGHT, out);
  saslauthd_answer(AUTH_WRONG, out);
  g_assert_cmpmem(out->str, out->len, "\0\2OK\0\2NO", 8);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/saslauthd/", rows[i].name, NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
  }
  g_test_add_func("/saslauthd/sizes", test_sizes);
  g_test_add_func("/saslauthd/answers", test_answers);
  return g_test_run();
}
