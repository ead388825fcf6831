/* SPDX-License-Identifier: MIT */
/* See page-sum.h. Four sums beside each other, as a processor multiplies several at once; each
 * step can be undone, so one changed word changes its sum for good. */
#include "regd/storage/page-sum.h"

#include <string.h>

#define LANES 4U
#define WORDS ((PAGE_SUM_PAGE - 8U) / 8U)
#define DATABASE_AT (PAGE_SUM_PAGE - 16)
#define SUM_AT (PAGE_SUM_PAGE - 8)
/* Odd, with bits all over: of the golden ratio and of splitmix64. */
#define FACTOR G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)
#define FINAL_FACTOR G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9)

static guint64 load(const guint8 *bytes) {
  guint64 word;
  memcpy(&word, bytes, sizeof word);
  return GUINT64_FROM_LE(word);
}

static void store(guint8 *bytes, guint64 word) {
  word = GUINT64_TO_LE(word);
  memcpy(bytes, &word, sizeof word);
}

static guint64 add(guint64 sum, guint64 word) {
  sum = (sum ^ word) * FACTOR;
  return sum << 29 | sum >> 35;
}

guint64 page_sum_compute(const guint8 *page, guint32 number) {
  guint64 lanes[LANES] = {number, 1, 2, 3};
  guint word = 0;
  for (; word + LANES <= WORDS; word += LANES)
    for (guint lane = 0; lane < LANES; lane++)
      lanes[lane] = add(lanes[lane], load(page + (gsize)(word + lane) * 8));
  for (guint lane = 0; word < WORDS; word++, lane++)
    lanes[lane] = add(lanes[lane], load(page + (gsize)word * 8));
  guint64 sum = FINAL_FACTOR;
  for (guint lane = 0; lane < LANES; lane++)
    sum = add(sum, lanes[lane]);
  return (sum ^ sum >> 31) * FINAL_FACTOR;
}

guint64 page_sum_get_database(const guint8 *page) {
  return load(page + DATABASE_AT);
}

guint64 page_sum_get(const guint8 *page) {
  return load(page + SUM_AT);
}

void page_sum_set(guint8 *page, guint32 number, guint64 database) {
  store(page + DATABASE_AT, database);
  store(page + SUM_AT, page_sum_compute(page, number));
}

gboolean page_sum_is_right(const guint8 *page, guint32 number) {
  return page_sum_get_database(page) != 0 && page_sum_get(page) == page_sum_compute(page, number);
}
