/* SPDX-License-Identifier: MIT */
/* A header on a socket: taken whatever pieces it comes in, and not a byte more. */
#include "mailauth/origin/proxy-gate.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "\r\n\r\n\0\r\nQUIT\n"
#define LINE "PROXY TCP4 203.0.113.7 192.0.2.1 40000 110\r\n"
#define BINARY HEAD "\x21\x11\x00\x0c\xcb\x00\x71\x07\xc0\x00\x02\x01\x9c\x40\x00\x6e"
#define BEHIND "USER ann\r\n"
#define BYTES(text) text, sizeof(text) - 1

typedef struct {
  int near, far;
  ProxyHeader *header;
} Gate;

static Gate open_gate(void) {
  int ends[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  return (Gate){ends[0], ends[1], proxy_header_new()};
}

static void shut(Gate *gate) {
  close(gate->near);
  if (gate->far >= 0)
    close(gate->far);
  proxy_header_free(gate->header);
}

static void say(const Gate *gate, const char *bytes, gsize size) {
  g_assert_cmpint(send(gate->far, bytes, size, 0), ==, (gssize)size);
}

static void expect_rest(const Gate *gate, const char *text) {
  char bytes[64] = "";
  ssize_t count = recv(gate->near, bytes, sizeof bytes, MSG_DONTWAIT);
  g_assert_cmpmem(bytes, (gsize)MAX(count, 0), text, strlen(text));
}

static void check_cut(const char *bytes, gsize size, gsize cut) {
  Gate gate = open_gate();
  ProxyFacts facts;
  g_assert_cmpint(proxy_gate_read(gate.header, gate.near, &facts), ==, GATE_WAIT);
  if (cut > 0) {
    say(&gate, bytes, cut);
    g_assert_cmpint(proxy_gate_read(gate.header, gate.near, &facts), ==, GATE_WAIT);
    g_assert_cmpint(proxy_gate_read(gate.header, gate.near, &facts), ==, GATE_WAIT);
  }
  say(&gate, bytes + cut, size - cut);
  say(&gate, BYTES(BEHIND));
  g_assert_cmpint(proxy_gate_read(gate.header, gate.near, &facts), ==, GATE_PASSED);
  g_autofree char *address = client_address_format(&facts.address);
  g_assert_cmpstr(address, ==, "203.0.113.7");
  expect_rest(&gate, BEHIND);
  shut(&gate);
}

static void test_cut(void) {
  for (gsize cut = 0; cut < sizeof(LINE) - 1; cut++)
    check_cut(BYTES(LINE), cut);
  for (gsize cut = 0; cut < sizeof(BINARY) - 1; cut++)
    check_cut(BYTES(BINARY), cut);
}

/* A peer that leaves in the middle has broken off; one that says nothing has not. */
static void test_gone(void) {
  for (gsize cut = 0; cut < sizeof(BINARY) - 1; cut++) {
    Gate gate = open_gate();
    ProxyFacts facts;
    GateResult result = GATE_WAIT;
    say(&gate, BINARY, cut);
    close(gate.far);
    gate.far = -1;
    for (guint i = 0; i < 2 && result == GATE_WAIT; i++)
      result = proxy_gate_read(gate.header, gate.near, &facts);
    g_assert_cmpint(result, ==, cut == 0 ? GATE_GONE : GATE_WRONG);
    shut(&gate);
  }
}

static void test_wrong(void) {
  static const struct {
    const char *bytes;
    gsize size;
  } rows[] = {
      {BYTES(BEHIND)},
      {BYTES("\x16\x03\x01\x02\x00\x01")},
      {BYTES("PROXY TCP4 nobody 192.0.2.1 1 2\r\n")},
      {BYTES(HEAD "\x21\x11\xff\xff")},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Gate gate = open_gate();
    ProxyFacts facts;
    say(&gate, rows[i].bytes, rows[i].size);
    g_assert_cmpint(proxy_gate_read(gate.header, gate.near, &facts), ==, GATE_WRONG);
    shut(&gate);
  }
}

/* 64 KB of additions are refused at their announcement; the most that is allowed is taken. */
static void test_large(void) {
  Gate gate = open_gate();
  ProxyFacts facts;
  g_autofree char *bytes = g_malloc0(PROXY_HEAD + MAX_PROXY_HEADER);
  memcpy(bytes, BYTES(BINARY));
  bytes[14] = (char)(MAX_PROXY_HEADER >> 8);
  bytes[15] = (char)(MAX_PROXY_HEADER & 0xff);
  guint16 rest = MAX_PROXY_HEADER - 12 - 3;
  bytes[28] = (char)0xe0; /* a type that nobody knows */
  bytes[29] = (char)(rest >> 8);
  bytes[30] = (char)(rest & 0xff);
  say(&gate, bytes, PROXY_HEAD + MAX_PROXY_HEADER);
  say(&gate, BYTES(BEHIND));
  g_assert_cmpint(proxy_gate_read(gate.header, gate.near, &facts), ==, GATE_PASSED);
  expect_rest(&gate, BEHIND);
  shut(&gate);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/proxy-gate/cut", test_cut);
  g_test_add_func("/proxy-gate/gone", test_gone);
  g_test_add_func("/proxy-gate/wrong", test_wrong);
  g_test_add_func("/proxy-gate/large", test_large);
  return g_test_run();
}
