/* SPDX-License-Identifier: MIT */
/* Lines out of fragments: the first byte is the limit, the second the size of
 * the fragments. However they are cut, the same lines come out, none of them
 * longer than the limit. */
#include "mailauth/base/line.h"
#include "tests/fuzz/fuzz.h"

static GString *read_lines(const guint8 *data, gsize size, gsize limit, gsize fragment) {
  GString *lines = g_string_new(NULL);
  Line line = {0};
  while (size > 0) {
    gsize left = MIN(fragment, size);
    size -= left;
    while (left > 0) {
      LineResult result = line_feed(&line, &data, &left, limit);
      g_assert_cmpuint(line.text.size, <=, limit);
      if (result == LINE_MORE)
        continue;
      g_string_append_printf(lines, "%d:%" G_GSIZE_FORMAT ":", (int)result, line.text.size);
      g_string_append_len(lines, (const char *)line.text.bytes, (gssize)line.text.size);
      line_clear(&line);
    }
  }
  line_clear(&line);
  return lines;
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size < 2)
    return 0;
  gsize limit = (gsize)data[0] + 1;
  g_autoptr(GString) whole = read_lines(data + 2, size - 2, limit, G_MAXSIZE);
  g_autoptr(GString) pieces = read_lines(data + 2, size - 2, limit, (gsize)data[1] + 1);
  g_assert_true(g_string_equal(whole, pieces));
  return 0;
}
