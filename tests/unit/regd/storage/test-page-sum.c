/* SPDX-License-Identifier: MIT */
/* The checksum of a page: fixed values (a database outlives the machine), and what it sees. */
#include <string.h>

#include "regd/storage/page-sum.h"

#define DATABASE G_GUINT64_CONSTANT(0x1122334455667788)

static void fill(guint8 *page) {
  for (guint i = 0; i < PAGE_SUM_PAGE; i++)
    page[i] = (guint8)(i * 7 + i / 256);
}

static void test_values(void) {
  static const struct {
    guint32 number;
    guint64 sum;
  } rows[] = {
      {1, G_GUINT64_CONSTANT(0x7b4fd41d352414d0)},
      {2, G_GUINT64_CONSTANT(0xce0214b3168eb046)},
      {77, G_GUINT64_CONSTANT(0x43549be654642995)},
      {G_MAXUINT32, G_GUINT64_CONSTANT(0x6e36f46e1bcb9e76)},
  };
  guint8 page[PAGE_SUM_PAGE];
  fill(page);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    g_assert_cmphex(page_sum_compute(page, rows[i].number), ==, rows[i].sum);
}

static void test_set(void) {
  guint8 page[PAGE_SUM_PAGE];
  fill(page);
  page_sum_set(page, 5, DATABASE);
  g_assert_true(page_sum_is_right(page, 5));
  g_assert_false(page_sum_is_right(page, 6));
  g_assert_cmphex(page_sum_get_database(page), ==, DATABASE);
  g_assert_cmpint(page[PAGE_SUM_PAGE - 16], ==, 0x88); /* little-endian on every machine */
}

static void test_each_bit(void) {
  guint8 page[PAGE_SUM_PAGE];
  fill(page);
  page_sum_set(page, 5, DATABASE);
  for (guint bit = 0; bit < PAGE_SUM_PAGE * 8; bit++) {
    page[bit / 8] ^= (guint8)(1U << bit % 8);
    g_assert_false(page_sum_is_right(page, 5));
    page[bit / 8] ^= (guint8)(1U << bit % 8);
  }
  g_assert_true(page_sum_is_right(page, 5));
}

static void test_two_bits_of_one_lane(void) {
  guint8 page[PAGE_SUM_PAGE];
  fill(page);
  page_sum_set(page, 5, DATABASE);
  for (guint word = 0; word < 100; word++) {
    page[word * 32 + 7] ^= 0x80;
    page[word * 32 + 39] ^= 0x80;
    g_assert_false(page_sum_is_right(page, 5));
    page[word * 32 + 7] ^= 0x80;
    page[word * 32 + 39] ^= 0x80;
  }
}

static void test_zeros(void) {
  const guint8 page[PAGE_SUM_PAGE] = {0};
  for (guint32 number = 1; number < 1000; number++)
    g_assert_false(page_sum_is_right(page, number));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/page-sum/values", test_values);
  g_test_add_func("/page-sum/set", test_set);
  g_test_add_func("/page-sum/each-bit", test_each_bit);
  g_test_add_func("/page-sum/two-bits-of-one-lane", test_two_bits_of_one_lane);
  g_test_add_func("/page-sum/zeros", test_zeros);
  return g_test_run();
}
