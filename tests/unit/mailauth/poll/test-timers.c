/* SPDX-License-Identifier: MIT */
/* The heap of timers: whatever is set, moved and stopped, they fire in order. */
#include "mailauth/poll/timers.h"

#define COUNT 200

typedef struct {
  Timer timer;
  Timers *timers;
  GArray *fired; /* of the due times, in the order of firing */
  gboolean again;
} Item;

static void on_fire(Timer *timer) {
  Item *item = (Item *)(gpointer)timer;
  g_assert_cmpuint(timer->place, ==, 0);
  g_array_append_val(item->fired, timer->due);
  if (item->again)
    timers_set(item->timers, timer, timer->due);
}

static void set_at_random(Timers *timers, Item *items, gboolean *is_set) {
  for (guint i = 0; i < 2000; i++) {
    guint number = (guint)g_test_rand_int_range(0, COUNT);
    is_set[number] = g_test_rand_int_range(0, 3) > 0;
    if (is_set[number])
      timers_set(timers, &items[number].timer, g_test_rand_int_range(0, 1000));
    else
      timers_stop(timers, &items[number].timer);
  }
}

static void test_order(void) {
  Timers timers;
  Item items[COUNT] = {0};
  gboolean is_set[COUNT] = {0};
  guint expected = 0;
  g_autoptr(GArray) fired = g_array_new(FALSE, FALSE, sizeof(gint64));
  timers_init(&timers);
  for (guint i = 0; i < COUNT; i++)
    items[i] = (Item){.timer.fire = on_fire, .timers = &timers, .fired = fired};
  set_at_random(&timers, items, is_set);
  for (guint i = 0; i < COUNT; i++)
    expected += is_set[i] ? 1 : 0;
  timers_run(&timers, 499);
  for (guint i = 0; i < fired->len; i++)
    g_assert_cmpint(g_array_index(fired, gint64, i), <=, 499);
  g_assert_cmpint(timers_get_next(&timers), >, 499);
  timers_run(&timers, 1000);
  g_assert_cmpuint(fired->len, ==, expected);
  for (guint i = 1; i < fired->len; i++)
    g_assert_cmpint(g_array_index(fired, gint64, i - 1), <=, g_array_index(fired, gint64, i));
  g_assert_cmpint(timers_get_next(&timers), ==, -1);
  timers_clear(&timers);
}

/* One that sets itself anew, due at once, does not hold up the loop. */
static void test_again(void) {
  Timers timers;
  g_autoptr(GArray) fired = g_array_new(FALSE, FALSE, sizeof(gint64));
  Item item = {.timer.fire = on_fire, .timers = &timers, .fired = fired, .again = TRUE};
  timers_init(&timers);
  timers_set(&timers, &item.timer, 5);
  timers_run(&timers, 4);
  g_assert_cmpuint(fired->len, ==, 0);
  timers_run(&timers, 5);
  timers_run(&timers, 5);
  g_assert_cmpuint(fired->len, ==, 2);
  timers_stop(&timers, &item.timer);
  timers_stop(&timers, &item.timer);
  timers_run(&timers, 5);
  g_assert_cmpuint(fired->len, ==, 2);
  timers_clear(&timers);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/timers/order", test_order);
  g_test_add_func("/timers/again", test_again);
  return g_test_run();
}
