/* SPDX-License-Identifier: MIT */
/* Numbers as people write them: what is one, and what only looks like one. */
#include "client/base/number.h"

static const struct {
  const char *text;
  guint64 maximum;
  gboolean taken;
  guint64 number;
} rows[] = {
    {"0", G_MAXUINT32, TRUE, 0},
    {"4294967295", G_MAXUINT32, TRUE, 4294967295},
    {"4294967296", G_MAXUINT32, FALSE, 0},
    {"0xffffffff", G_MAXUINT32, TRUE, 4294967295},
    {"0X1fF", G_MAXUINT32, TRUE, 511},
    {"0x100000000", G_MAXUINT32, FALSE, 0},
    {"010", G_MAXUINT32, TRUE, 10},
    {"18446744073709551615", G_MAXUINT64, TRUE, G_MAXUINT64},
    {"18446744073709551616", G_MAXUINT64, FALSE, 0},
    {"", G_MAXUINT32, FALSE, 0},
    {"0x", G_MAXUINT32, FALSE, 0},
    {"0x0x1", G_MAXUINT32, FALSE, 0},
    {"-1", G_MAXUINT32, FALSE, 0},
    {"+1", G_MAXUINT32, FALSE, 0},
    {"0x-1", G_MAXUINT32, FALSE, 0},
    {" 1", G_MAXUINT32, FALSE, 0},
    {"1 ", G_MAXUINT32, FALSE, 0},
    {"1.0", G_MAXUINT32, FALSE, 0},
    {"ff", G_MAXUINT32, FALSE, 0},
};

static void test_numbers(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    guint64 number = 0;
    g_test_message("%s", rows[i].text);
    g_assert_cmpint(number_parse(rows[i].text, rows[i].maximum, &number), ==, rows[i].taken);
    if (rows[i].taken)
      g_assert_cmpuint(number, ==, rows[i].number);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/number/parse", test_numbers);
  return g_test_run();
}
