/* SPDX-License-Identifier: MIT */
/* Reads numbers as people write them. */
#include "client/base/number.h"

gboolean number_parse(const char *text, guint64 maximum, guint64 *number) {
  gboolean hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  /* GLib takes neither sign nor blanks nor a prefix here, and checks the range. */
  return g_ascii_string_to_unsigned(hexadecimal ? text + 2 : text, hexadecimal ? 16 : 10, 0,
                                    maximum, number, NULL);
}
