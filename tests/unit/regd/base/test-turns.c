/* SPDX-License-Identifier: MIT */
/* Whose turn it is: rows of what is pushed, and the order in which it comes out. */
#include <string.h>

#include "regd/base/turns.h"

/* What happens, a letter and a digit each: "a3" is an item of user a that costs 10^3; "." takes
 * one item out and charges its user. What came out is the string of users. */
typedef struct {
  const char *name;
  const char *happens;
  const char *order;
} Row;

static const Row rows[] = {
    {"one user's items keep their order", "a1a2a3...", "a1a2a3"},
    {"equals come in the order of their arrival", "b0a0c0...", "b0a0c0"},
    {"users take turns", "a0a0a0b0b0......", "a0b0a0b0a0"},
    {"one who comes later waits for no queue", "a0a0a0a0.b0..", "a0b0a0"},
    {"a costly item is paid for with turns", "a3a3b0b0b0b0.....", "a3b0b0b0b0"},
    {"one who comes late does not save up", "a0.a0.a0.a0.b0b0a0...", "a0a0a0a0b0a0b0"},
    {"one who was idle begins where the others are", "a2.b0.a0b0..", "a2b0b0a0"},
    {"nothing comes out of nothing", "..a0.", "a0"},
};

typedef struct {
  guint32 user;
  guint cost;
  char text[3];
} Item;

static Item *new_item(const char *word) {
  Item *item = g_new0(Item, 1);
  item->user = (guint32)word[0];
  item->cost = 1;
  for (char digit = word[1]; digit > '0'; digit--)
    item->cost *= 10;
  memcpy(item->text, word, 2);
  return item;
}

static void take(Turns *turns, GString *order) {
  guint64 last_cost = 0;
  gpointer next = turns_peek(turns, &last_cost);
  g_autofree Item *item = turns_pop(turns);
  g_assert_true(item == next);
  if (item == NULL)
    return;
  g_string_append(order, item->text);
  turns_charge(turns, item->user, item->cost);
}

static void items_come_in_turn(gconstpointer data) {
  const Row *row = data;
  g_autoptr(Turns) turns = turns_new(g_free);
  g_autoptr(GString) order = g_string_new(NULL);
  for (const char *at = row->happens; *at != '\0'; at++) {
    if (*at == '.') {
      take(turns, order);
      continue;
    }
    Item *item = new_item(at++);
    turns_push(turns, item->user, item);
    g_assert_false(turns_is_empty(turns));
  }
  g_assert_cmpstr(order->str, ==, row->order);
}

/* What the next user's last item cost tells what the next one may. */
static void the_last_cost_is_told(void) {
  g_autoptr(Turns) turns = turns_new(g_free);
  guint64 cost = 7;
  g_assert_null(turns_peek(turns, &cost));
  g_assert_cmpuint(cost, ==, 0);
  turns_push(turns, 1, g_strdup("first"));
  turns_push(turns, 1, g_strdup("second"));
  g_assert_nonnull(turns_peek(turns, &cost));
  g_assert_cmpuint(cost, ==, 0);
  g_free(turns_pop(turns));
  turns_charge(turns, 1, 500);
  g_assert_nonnull(turns_peek(turns, &cost));
  g_assert_cmpuint(cost, ==, 500);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strdup_printf("/turns/%s", rows[i].name);
    g_test_add_data_func(path, &rows[i], items_come_in_turn);
  }
  g_test_add_func("/turns/the last cost is told", the_last_cost_is_told);
  return g_test_run();
}
