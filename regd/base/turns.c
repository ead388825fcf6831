/* SPDX-License-Identifier: MIT */
/* See turns.h. Each user has a time, in units of cost, at which their next item begins; the
 * earliest is next, and the clock stands where the item began that was served last. A user who
 * has been idle begins at the clock: nobody saves up for later. */
#include "regd/base/turns.h"

typedef struct {
  GQueue items;
  guint64 start; /* of the next item */
  guint64 last_cost;
  guint64 arrival; /* of the oldest item; decides between equals */
} User;

struct Turns {
  GHashTable *users; /* uid -> User; those who have nothing waiting are kept until the clock
                        passes them */
  GDestroyNotify free_item;
  guint64 clock;
  guint64 arrivals;
};

Turns *turns_new(GDestroyNotify free_item) {
  Turns *turns = g_new0(Turns, 1);
  turns->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  turns->free_item = free_item;
  return turns;
}

void turns_free(Turns *turns) {
  if (turns == NULL)
    return;
  GHashTableIter iter;
  gpointer user = NULL;
  g_hash_table_iter_init(&iter, turns->users);
  while (g_hash_table_iter_next(&iter, NULL, &user))
    g_queue_clear_full(&((User *)user)->items, turns->free_item);
  g_hash_table_unref(turns->users);
  g_free(turns);
}

static User *find_user(Turns *turns, guint32 uid) {
  User *user = g_hash_table_lookup(turns->users, GUINT_TO_POINTER(uid));
  if (user != NULL)
    return user;
  user = g_new0(User, 1);
  g_queue_init(&user->items);
  g_hash_table_insert(turns->users, GUINT_TO_POINTER(uid), user);
  return user;
}

static gboolean comes_before(const User *user, const User *other) {
  if (other == NULL || user->start != other->start)
    return other == NULL || user->start < other->start;
  return user->arrival < other->arrival;
}

static User *find_next(const Turns *turns) {
  User *next = NULL;
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, turns->users);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    User *user = value;
    if (!g_queue_is_empty(&user->items) && comes_before(user, next))
      next = user;
  }
  return next;
}

gboolean turns_is_empty(const Turns *turns) {
  return find_next(turns) == NULL;
}

void turns_push(Turns *turns, guint32 uid, gpointer item) {
  User *user = find_user(turns, uid);
  if (g_queue_is_empty(&user->items)) {
    user->start = MAX(user->start, turns->clock);
    user->arrival = turns->arrivals++;
  }
  g_queue_push_tail(&user->items, item);
}

gpointer turns_peek(Turns *turns, guint64 *last_cost) {
  const User *next = find_next(turns);
  *last_cost = next != NULL ? next->last_cost : 0;
  return next != NULL ? g_queue_peek_head((GQueue *)(guintptr)&next->items) : NULL;
}

gpointer turns_pop(Turns *turns) {
  User *next = find_next(turns);
  if (next == NULL)
    return NULL;
  turns->clock = MAX(turns->clock, next->start);
  next->arrival = turns->arrivals++;
  return g_queue_pop_head(&next->items);
}

static gboolean is_past(G_GNUC_UNUSED gpointer uid, gpointer value, gpointer data) {
  const User *user = value;
  const Turns *turns = data;
  return user->items.length == 0 && user->start <= turns->clock;
}

void turns_charge(Turns *turns, guint32 uid, guint64 cost) {
  User *user = find_user(turns, uid);
  user->start = MAX(user->start, turns->clock) + cost;
  user->last_cost = cost;
  (void)g_hash_table_foreach_remove(turns->users, is_past, turns);
}
