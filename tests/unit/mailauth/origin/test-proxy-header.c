/* SPDX-License-Identifier: MIT */
/* A proxy's header as bytes: whole, cut at every byte, and what is none. */
#include "mailauth/origin/proxy-header.h"

#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FOUR "\xcb\x00\x71\x08\xc0\x00\x02\x01\x9c\x40\x00\x6e"
#define SIX_CLIENT "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define TLS "\x20\x00\x0f\x01\0\0\0\0\x21\x00\x07TLSv1.3"
#define BYTES(text) text, sizeof(text) - 1

typedef struct {
  const char *name;
  const char *bytes;
  gsize size;
  ProxyResult result;
  const char *address; /* "" for none */
  guint16 port;
  const char *tls;
} Row;

#define PATH                                                                                       \
  "/run/haproxy/mail.sock\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                             \
  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                       \
  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define UNIX PATH PATH

static const Row rows[] = {
    {"line/four", BYTES("PROXY TCP4 203.0.113.7 192.0.2.1 40000 110\r\n"), PROXY_DONE,
     "203.0.113.7", 40000, ""},
    {"line/six", BYTES("PROXY TCP6 2001:db8::7 ::1 65535 0\r\n"), PROXY_DONE, "2001:db8::7", 65535,
     ""},
    {"line/unknown", BYTES("PROXY UNKNOWN\r\n"), PROXY_DONE, "", 0, ""},
    {"line/unknown-more", BYTES("PROXY UNKNOWN what ever\r\n"), PROXY_DONE, "", 0, ""},
    {"line/lf", BYTES("PROXY TCP4 203.0.113.7 192.0.2.1 40000 110\n"), PROXY_WRONG, "", 0, ""},
    {"line/small", BYTES("proxy UNKNOWN\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/family", BYTES("PROXY TCP4 2001:db8::7 ::1 40000 110\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/udp", BYTES("PROXY UDP4 203.0.113.7 192.0.2.1 40000 110\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/name", BYTES("PROXY TCP4 localhost 192.0.2.1 40000 110\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/port", BYTES("PROXY TCP4 203.0.113.7 192.0.2.1 65536 110\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/sign", BYTES("PROXY TCP4 203.0.113.7 192.0.2.1 +110 110\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/zero", BYTES("PROXY TCP4 203.0.113.7 192.0.2.1 0110 110\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/blanks", BYTES("PROXY TCP4  203.0.113.7 192.0.2.1 1 110\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/more", BYTES("PROXY TCP4 203.0.113.7 192.0.2.1 1 110 x\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/cr", BYTES("PROXY UNKNOWN a\rb\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/nul", BYTES("PROXY UNKNOWN a\0b\r\n"), PROXY_WRONG, "", 0, ""},
    {"line/empty", BYTES("PROXY \r\n"), PROXY_WRONG, "", 0, ""},
    {"client", BYTES("USER ann\r\n"), PROXY_WRONG, "", 0, ""},
    {"hello", BYTES("\x16\x03\x01\x02\x00"), PROXY_WRONG, "", 0, ""},
    {"binary/four", BYTES(SIGNATURE "\x21\x11\x00\x0c" FOUR), PROXY_DONE, "203.0.113.8", 40000, ""},
    {"binary/six", BYTES(SIGNATURE "\x21\x21\x00\x24" SIX_CLIENT SIX_CLIENT "\x9c\x40\x00\x6e"),
     PROXY_DONE, "2001:db8::7", 40000, ""},
    {"binary/local", BYTES(SIGNATURE "\x20\x00\x00\x00"), PROXY_DONE, "", 0, ""},
    {"binary/local-four", BYTES(SIGNATURE "\x20\x11\x00\x0c" FOUR), PROXY_DONE, "", 0, ""},
    {"binary/unspecified", BYTES(SIGNATURE "\x21\x00\x00\x02xy"), PROXY_DONE, "", 0, ""},
    {"binary/unix", BYTES(SIGNATURE "\x21\x31\x00\xd8" UNIX), PROXY_DONE, "", 0, ""},
    {"binary/unix-tls", BYTES(SIGNATURE "\x21\x31\x00\xea" UNIX TLS), PROXY_DONE, "", 0, "TLSv1.3"},
    {"binary/unix-short", BYTES(SIGNATURE "\x21\x31\x00\x01x"), PROXY_WRONG, "", 0, ""},
    {"binary/unix-cut-tls", BYTES(SIGNATURE "\x21\x31\x00\xde" UNIX "\x20\x00\x03\x01\0\0"),
     PROXY_WRONG, "", 0, ""},
    {"binary/tls", BYTES(SIGNATURE "\x21\x11\x00\x1e" FOUR TLS), PROXY_DONE, "203.0.113.8", 40000,
     "TLSv1.3"},
    {"binary/unknown", BYTES(SIGNATURE "\x21\x11\x00\x12" FOUR "\xe0\x00\x03xyz"), PROXY_DONE,
     "203.0.113.8", 40000, ""},
    {"binary/cut-addition", BYTES(SIGNATURE "\x21\x11\x00\x10" FOUR "\xe0\x00\x03x"), PROXY_WRONG,
     "", 0, ""},
    {"binary/cut-tls", BYTES(SIGNATURE "\x21\x11\x00\x12" FOUR "\x20\x00\x03\x01\0\0"), PROXY_WRONG,
     "", 0, ""},
    {"binary/short", BYTES(SIGNATURE "\x21\x11\x00\x04\xcb\x00\x71\x08"), PROXY_WRONG, "", 0, ""},
    {"binary/version", BYTES(SIGNATURE "\x11\x11\x00\x0c" FOUR), PROXY_WRONG, "", 0, ""},
    {"binary/command", BYTES(SIGNATURE "\x22\x11\x00\x0c" FOUR), PROXY_WRONG, "", 0, ""},
    {"binary/udp", BYTES(SIGNATURE "\x21\x12\x00\x0c" FOUR), PROXY_WRONG, "", 0, ""},
    {"binary/huge", BYTES(SIGNATURE "\x21\x11\xff\xff"), PROXY_WRONG, "", 0, ""},
};

static void check_facts(const Row *row, const ProxyFacts *facts) {
  g_autofree char *address = client_address_format(&facts->address);
  g_assert_cmpint(facts->has_address, ==, *row->address != '\0');
  if (facts->has_address)
    g_assert_cmpstr(address, ==, row->address);
  g_assert_cmpuint(facts->port, ==, row->port);
  g_assert_cmpstr(facts->tls, ==, row->tls);
}

/* In two pieces, cut at @cut, and with a client's words behind. */
static void feed_cut(const Row *row, gsize cut) {
  g_autoptr(ProxyHeader) header = proxy_header_new();
  g_autofree guint8 *bytes = g_malloc0(row->size + 6);
  ProxyFacts facts;
  const guint8 *at = bytes;
  gsize left = cut;
  memcpy(bytes, row->bytes, row->size);
  memcpy(bytes + row->size, "QUIT\r\n", 6);
  ProxyResult result = proxy_header_feed(header, &at, &left, &facts);
  if (result == PROXY_MORE) {
    g_assert_cmpuint(left, ==, 0);
    left = row->size + 6 - cut;
    result = proxy_header_feed(header, &at, &left, &facts);
  }
  g_assert_cmpint(result, ==, row->result);
  if (result != PROXY_DONE)
    return;
  g_assert_true(at == bytes + row->size);
  check_facts(row, &facts);
}

static void test_row(gconstpointer data) {
  const Row *row = data;
  for (gsize cut = 0; cut < row->size; cut++)
    feed_cut(row, cut);
  if (row->result == PROXY_DONE)
    g_assert_true(proxy_header_is_one((const guint8 *)row->bytes, row->size));
}

/* A line that does not end, and a head that announces 64 KB, end before they are kept. */
static void test_too_long(void) {
  g_autoptr(ProxyHeader) header = proxy_header_new();
  g_autofree char *line = g_strnfill(65536, 'x');
  ProxyFacts facts;
  memcpy(line, "PROXY ", 6);
  const guint8 *at = (const guint8 *)line;
  gsize left = 65536;
  g_assert_cmpint(proxy_header_feed(header, &at, &left, &facts), ==, PROXY_WRONG);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/proxy-header/", rows[i].name, NULL);
    g_test_add_data_func(path, &rows[i], test_row);
  }
  g_test_add_func("/proxy-header/too-long", test_too_long);
  return g_test_run();
}
