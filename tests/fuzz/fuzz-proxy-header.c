/* SPDX-License-Identifier: MIT */
/* A proxy's header, whole and byte by byte: both take as much, and find the same. */
#include "mailauth/origin/proxy-header.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

typedef struct {
  ProxyResult result;
  ProxyFacts facts;
  gsize taken;
} Reading;

static Reading read_in_steps(const guint8 *data, gsize size, gsize step) {
  g_autoptr(ProxyHeader) header = proxy_header_new();
  Reading reading = {.result = PROXY_MORE};
  while (reading.result == PROXY_MORE && reading.taken < size) {
    const guint8 *at = data + reading.taken;
    gsize before = MIN(step, size - reading.taken);
    gsize left = before;
    reading.result = proxy_header_feed(header, &at, &left, &reading.facts);
    g_assert_true(reading.result != PROXY_MORE || left == 0);
    reading.taken += before - left;
  }
  return reading;
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  const Reading whole = read_in_steps(data, size, G_MAXSIZE);
  const Reading single = read_in_steps(data, size, 1);
  g_assert_cmpint(whole.result, ==, single.result);
  g_assert_true(whole.taken <= PROXY_HEAD + MAX_PROXY_HEADER);
  if (whole.result != PROXY_DONE)
    return 0;
  g_assert_cmpuint(whole.taken, ==, single.taken);
  g_assert_true(proxy_header_is_one(data, whole.taken));
  g_assert_cmpmem(&whole.facts.address, sizeof(ClientAddress), &single.facts.address,
                  sizeof(ClientAddress));
  g_assert_cmpstr(whole.facts.tls, ==, single.facts.tls);
  g_assert_cmpuint(whole.facts.port, ==, single.facts.port);
  return 0;
}
