/* SPDX-License-Identifier: MIT */
/* See guess-limit.h. Each bound is a generic cell rate algorithm: one time, up to which the
 * wrong passwords so far are paid for. */
#include "mailauth/guesses/guess-limit.h"

#define SECOND G_GINT64_CONSTANT(1000000)
#define MINUTE_SECONDS 60U
#define ALARM_PAUSE (60 * SECOND)
/* Tries that wait ask again no sooner, in ms. */
#define MIN_WAIT_MS 50
#define MAX_WAIT_MS 5000

typedef struct {
  gint64 paid_until; /* in the past: no wrong password counts any more */
  guint under_way;
  gint64 last_alarm;
} Bound;

typedef struct {
  Bound bound;
  char *known[KNOWN_ADDRESSES]; /* the newest first; NULL: none */
} Account;

struct GuessLimit {
  GHashTable *accounts; /* name -> Account */
  guint capacity;
  Bound all;
  char *alarm;
};

static const Bound fresh = {0, 0, G_MININT64 / 2};

static void account_free(gpointer data) {
  Account *account = data;
  for (guint i = 0; i < KNOWN_ADDRESSES; i++)
    g_free(account->known[i]);
  g_free(account);
}

GuessLimit *guess_limit_new(guint capacity) {
  GuessLimit *limit = g_new0(GuessLimit, 1);
  limit->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, account_free);
  limit->capacity = MAX(capacity, 1);
  limit->all = fresh;
  return limit;
}

void guess_limit_free(GuessLimit *limit) {
  if (limit == NULL)
    return;
  g_hash_table_unref(limit->accounts);
  g_free(limit->alarm);
  g_free(limit);
}

/* ---- the table ---- */

/* Accounts of which only the number of entries is known to others: what counts is dropped
 * last. */
static gboolean is_idle(const Account *account, gint64 now) {
  return account->bound.under_way == 0 && account->bound.paid_until <= now &&
         account->known[0] == NULL;
}

static gboolean is_evictable(gpointer key, gpointer value, gpointer data) {
  const gint64 *now = data;
  (void)key;
  return is_idle(value, *now);
}

/* An eighth at once, as it goes through all of them. */
static void evict(GuessLimit *limit, gint64 now) {
  guint enough = limit->capacity - limit->capacity / 8 - 1;
  g_hash_table_foreach_remove(limit->accounts, is_evictable, &now);
  GHashTableIter each;
  gpointer value = NULL;
  g_hash_table_iter_init(&each, limit->accounts);
  while (g_hash_table_size(limit->accounts) > enough && g_hash_table_iter_next(&each, NULL, &value))
    if (((const Account *)value)->bound.under_way == 0)
      g_hash_table_iter_remove(&each);
}

static Account *get_account(GuessLimit *limit, const char *name, gint64 now) {
  Account *account = g_hash_table_lookup(limit->accounts, name);
  if (account != NULL)
    return account;
  if (g_hash_table_size(limit->accounts) >= limit->capacity)
    evict(limit, now);
  account = g_new0(Account, 1);
  account->bound = fresh;
  g_hash_table_insert(limit->accounts, g_strdup(name), account);
  return account;
}

/* ---- addresses that are known ---- */

static guint find_known(const Account *account, const char *address) {
  guint place = 0;
  while (place < KNOWN_ADDRESSES && g_strcmp0(account->known[place], address) != 0)
    place++;
  return place;
}

static void remember(Account *account, const char *address) {
  guint place = MIN(find_known(account, address), KNOWN_ADDRESSES - 1);
  g_free(account->known[place]);
  for (; place > 0; place--)
    account->known[place] = account->known[place - 1];
  account->known[0] = g_strdup(address);
}

static gboolean is_trusted(const Account *account, const Guess *guess) {
  return guess->address != NULL && guess->failures < KNOWN_FAILURES &&
         find_known(account, guess->address) < KNOWN_ADDRESSES;
}

/* ---- the bounds ---- */

static gint64 get_interval(guint32 number, guint32 seconds) {
  return MAX(seconds * SECOND / number, 1);
}

/* How long until one more could fail, in us. Tries under way count as if they had. */
static gint64 get_bound_wait(const Bound *bound, guint32 number, guint32 seconds, gint64 now) {
  if (number == 0)
    return 0;
  gint64 interval = get_interval(number, seconds);
  gint64 taken = MAX(bound->paid_until - now, 0) + interval * ((gint64)bound->under_way + 1);
  return MAX(taken - interval * number, 0);
}

static void count_failure(Bound *bound, guint32 number, guint32 seconds, gint64 now) {
  if (number > 0)
    bound->paid_until = MAX(bound->paid_until, now) + get_interval(number, seconds);
}

/* Whether wrong passwords have reached the bound, without tries that are under way. */
static gboolean is_reached(const Bound *bound, guint32 number, guint32 seconds, gint64 now) {
  const Bound counted = {.paid_until = bound->paid_until};
  return get_bound_wait(&counted, number, seconds, now) > 0;
}

static void raise_alarm(GuessLimit *limit, Bound *bound, gint64 now, char *alarm) {
  if (now - bound->last_alarm < ALARM_PAUSE || limit->alarm != NULL) {
    g_free(alarm);
    return;
  }
  bound->last_alarm = now;
  limit->alarm = alarm;
}

/* Whether wrong passwords have reached a bound is told once in a while. */
static void note_bounds(GuessLimit *limit, const GuessRules *rules, Account *account, gint64 now) {
  if (is_reached(&account->bound, rules->per_account, rules->seconds, now))
    raise_alarm(limit, &account->bound, now,
                g_strdup_printf("%u wrong passwords for one account in %u s, from all addresses "
                                "together ('Failures Per Account')",
                                rules->per_account, rules->seconds));
  else if (is_reached(&limit->all, rules->per_minute, MINUTE_SECONDS, now))
    raise_alarm(limit, &limit->all, now,
                g_strdup_printf("%u wrong passwords in a minute, for all accounts and from all "
                                "addresses together ('Failures Per Minute')",
                                rules->per_minute));
}

guint32 guess_limit_get_wait(GuessLimit *limit, const GuessRules *rules, const Guess *guess,
                             gint64 now, gboolean *for_all) {
  Account *account = get_account(limit, guess->account, now);
  if (is_trusted(account, guess))
    return 0;
  gint64 own = get_bound_wait(&account->bound, rules->per_account, rules->seconds, now);
  gint64 all = get_bound_wait(&limit->all, rules->per_minute, MINUTE_SECONDS, now);
  gboolean is_behind_own = guess->behind_account && rules->per_account > 0;
  gboolean is_behind_all = guess->behind_all && rules->per_minute > 0;
  note_bounds(limit, rules, account, now);
  if (for_all != NULL)
    *for_all = own == 0 && !is_behind_own;
  gint64 wait = MAX(own, all);
  return wait == 0 && !is_behind_own && !is_behind_all
             ? 0
             : (guint32)CLAMP(wait / 1000, MIN_WAIT_MS, MAX_WAIT_MS);
}

/* ---- tries ---- */

void guess_limit_begin(GuessLimit *limit, const Guess *guess) {
  Account *account = get_account(limit, guess->account, 0);
  account->bound.under_way++;
  limit->all.under_way++;
}

void guess_limit_end(GuessLimit *limit, const GuessRules *rules, const Guess *guess,
                     GuessResult result, gint64 now) {
  Account *account = get_account(limit, guess->account, now);
  account->bound.under_way -= MIN(account->bound.under_way, 1);
  limit->all.under_way -= MIN(limit->all.under_way, 1);
  if (result == GUESS_RIGHT && guess->address != NULL)
    remember(account, guess->address);
  if (result != GUESS_WRONG)
    return;
  count_failure(&account->bound, rules->per_account, rules->seconds, now);
  count_failure(&limit->all, rules->per_minute, MINUTE_SECONDS, now);
}

void guess_limit_release(GuessLimit *limit, const char *name) {
  GHashTableIter each;
  gpointer key = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init(&each, limit->accounts);
  while (g_hash_table_iter_next(&each, &key, &value))
    if (name == NULL || g_str_equal(key, name))
      ((Account *)value)->bound.paid_until = 0;
  if (name == NULL)
    limit->all.paid_until = 0;
}

char *guess_limit_take_alarm(GuessLimit *limit) {
  return g_steal_pointer(&limit->alarm);
}
