/* SPDX-License-Identifier: MIT */
/* Holding back: see throttle.h. Addresses hold their accounts. Whether one is held back
 * is worked out from its counts each time, so that a change of the rules applies to
 * earlier failures too. */
#include "mailauth/logins/throttle.h"

#include <string.h>

#include "mailauth/base/client-address.h"
#include "mailauth/base/name.h"
#include "mailauth/base/networks.h"
#include "mailauth/guesses/guess-limit.h"

#define MS 1000
#define SECOND 1000000
/* The delay grows to this many times the setting, no further. */
#define MAX_GROWTH 10U
/* An address is held as a whole when it has failed for this many times the
 * threshold's number of different accounts, or for MAX_ACCOUNTS. */
#define MANY_ACCOUNTS 2U
#define MAX_ACCOUNTS 1000U
/* Tries of one pair under way if there is a delay but no threshold, or no address and no
 * failure yet. */
#define UNDER_WAY 16U
/* A login that would have to wait longer than this is refused instead. */
#define MAX_WAIT_MS 30000
/* Wrong passwords of a pair that are known again. */
#define WRONG_KNOWN 8U
/* The memory of failures if `Lockout Seconds` is shorter. */
#define MIN_MEMORY_SECONDS 60U

typedef struct {
  guint failures;
  guint under_way;
  gint64 last_failure;
  gint64 next_try;            /* as Address's, if that is trusted */
  guint32 wrong[WRONG_KNOWN]; /* ThrottleTry.password of the newest failures; 0: none */
} Pair;

typedef struct {
  GHashTable *pairs; /* account -> Pair */
  gint64 last_failure;
  gint64 next_try;              /* no try begins before it */
  gboolean is_none, is_trusted; /* ThrottleRules: no_address, is_trusted */
} Address;

struct Throttle {
  GHashTable *addresses; /* address -> Address */
  guint capacity;
  guint n_pairs;
  GuessLimit *guesses;
};

ThrottleRules throttle_make_rules(const Settings *settings, const char *address) {
  return (ThrottleRules){.failure_delay = settings->failure_delay,
                         .lockout_threshold = settings->lockout_threshold,
                         .lockout_seconds = settings->lockout_seconds,
                         .failures_per_account = settings->failures_per_account,
                         .failures_per_minute = settings->failures_per_minute,
                         .no_address = address != NULL && *address == '\0',
                         .is_trusted =
                             address != NULL && networks_have_text(settings->trusted, address)};
}

static void address_free(gpointer data) {
  Address *address = data;
  g_hash_table_unref(address->pairs);
  g_free(address);
}

Throttle *throttle_new(guint capacity) {
  Throttle *throttle = g_new0(Throttle, 1);
  throttle->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, address_free);
  throttle->capacity = MAX(capacity, 1);
  throttle->guesses = guess_limit_new(capacity);
  return throttle;
}

void throttle_free(Throttle *throttle) {
  if (throttle == NULL)
    return;
  g_hash_table_unref(throttle->addresses);
  guess_limit_free(throttle->guesses);
  g_free(throttle);
}

guint throttle_count(const Throttle *throttle) {
  return throttle->n_pairs;
}

/* ---- what follows from the counts ---- */

static gint64 get_memory(const ThrottleRules *rules) {
  return (gint64)MAX(rules->lockout_seconds, MIN_MEMORY_SECONDS) * SECOND;
}

static guint count_pair_failures(const Pair *pair, const ThrottleRules *rules, gint64 now) {
  return now - pair->last_failure > get_memory(rules) ? 0 : pair->failures;
}

static guint count_failures(const Address *address, const ThrottleRules *rules, gint64 now) {
  guint failures = 0;
  if (now - address->last_failure > get_memory(rules))
    return 0;
  GHashTableIter iterator;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, address->pairs);
  while (g_hash_table_iter_next(&iterator, NULL, &value))
    failures += count_pair_failures(value, rules, now);
  return failures;
}

static guint32 get_delay(const Address *address, const Pair *pair, const ThrottleRules *rules,
                         gint64 now) {
  guint failures = rules->is_trusted ? count_pair_failures(pair, rules, now)
                                     : count_failures(address, rules, now);
  guint32 delay = rules->failure_delay * MIN(failures, MAX_GROWTH);
  /* It may be the owner who waits for it. */
  return rules->no_address ? MIN(delay, MAX_WAIT_MS) : delay;
}

static gboolean has_holds(const ThrottleRules *rules) {
  return rules->lockout_threshold > 0 && !rules->no_address;
}

static gboolean is_pair_held(const Pair *pair, const ThrottleRules *rules, gint64 now) {
  return has_holds(rules) && pair->failures >= rules->lockout_threshold &&
         now - pair->last_failure < (gint64)rules->lockout_seconds * SECOND;
}

static guint get_account_limit(const ThrottleRules *rules) {
  return rules->lockout_threshold > MAX_ACCOUNTS / MANY_ACCOUNTS
             ? MAX_ACCOUNTS
             : rules->lockout_threshold * MANY_ACCOUNTS;
}

/* Accounts that this address has failed for or, if @under_way, is trying now. */
static guint count_accounts(const Address *address, const ThrottleRules *rules, gint64 now,
                            gboolean under_way) {
  guint accounts = 0;
  GHashTableIter iterator;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, address->pairs);
  while (g_hash_table_iter_next(&iterator, NULL, &value)) {
    const Pair *pair = value;
    gboolean failed =
        pair->failures > 0 && now - pair->last_failure < (gint64)rules->lockout_seconds * SECOND;
    if (failed || (under_way && pair->under_way > 0))
      accounts++;
  }
  return accounts;
}

static gboolean is_address_held(const Address *address, const ThrottleRules *rules, gint64 now) {
  return has_holds(rules) && !address->is_trusted &&
         now - address->last_failure < (gint64)rules->lockout_seconds * SECOND &&
         count_accounts(address, rules, now, FALSE) >= get_account_limit(rules);
}

static guint get_under_way_limit(const ThrottleRules *rules) {
  if (rules->lockout_threshold > 0)
    return rules->lockout_threshold;
  return rules->failure_delay > 0 ? UNDER_WAY : G_MAXUINT;
}

/* One try at a time once one has failed. */
static guint get_no_address_limit(const Pair *pair, const ThrottleRules *rules) {
  if (rules->failure_delay == 0)
    return G_MAXUINT;
  return pair->failures > 0 ? 1 : UNDER_WAY;
}

/* Whether as many are under way as could fail before the hold. */
static gboolean is_full(const Address *address, const Pair *pair, const ThrottleRules *rules,
                        gint64 now) {
  if (pair->under_way > 0 && rules->no_address)
    return pair->under_way >= get_no_address_limit(pair, rules);
  if (pair->under_way > 0)
    return pair->failures + pair->under_way >= get_under_way_limit(rules);
  return has_holds(rules) && !rules->is_trusted && pair->failures == 0 &&
         count_accounts(address, rules, now, TRUE) >= get_account_limit(rules);
}

/* ---- the table ---- */

static gboolean is_in_use(const Address *address) {
  GHashTableIter iterator;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, address->pairs);
  while (g_hash_table_iter_next(&iterator, NULL, &value))
    if (((const Pair *)value)->under_way > 0)
      return TRUE;
  return FALSE;
}

/* What an address is worth keeping for: the least goes first. */
static gint64 get_worth(const Address *address, const ThrottleRules *rules, gint64 now) {
  guint failures = count_failures(address, rules, now);
  gboolean held = is_address_held(address, rules, now);
  GHashTableIter iterator;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, address->pairs);
  while (!held && g_hash_table_iter_next(&iterator, NULL, &value))
    held = is_pair_held(value, rules, now);
  return held ? G_MAXINT32 + address->last_failure : failures;
}

typedef struct {
  const char *name;
  gint64 worth;
} Candidate;

static gint compare_worth(gconstpointer a, gconstpointer b) {
  gint64 one = ((const Candidate *)a)->worth;
  gint64 other = ((const Candidate *)b)->worth;
  return (one > other) - (one < other);
}

/* Makes room for a while: an eighth of the table at once, as looking for what is
 * worth least takes going through all of it. */
static void evict(Throttle *throttle, const ThrottleRules *rules, gint64 now) {
  g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
  GHashTableIter iterator;
  gpointer key = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, throttle->addresses);
  while (g_hash_table_iter_next(&iterator, &key, &value)) {
    const Candidate candidate = {key, get_worth(value, rules, now)};
    if (!is_in_use(value))
      g_array_append_val(candidates, candidate);
  }
  g_array_sort(candidates, compare_worth);
  guint enough = throttle->capacity - throttle->capacity / 8 - 1;
  for (guint i = 0; i < candidates->len && throttle->n_pairs > enough; i++) {
    const char *name = g_array_index(candidates, Candidate, i).name;
    const Address *address = g_hash_table_lookup(throttle->addresses, name);
    throttle->n_pairs -= g_hash_table_size(address->pairs);
    g_hash_table_remove(throttle->addresses, name);
  }
}

static Address *get_address(Throttle *throttle, const char *name) {
  Address *address = g_hash_table_lookup(throttle->addresses, name);
  if (address != NULL)
    return address;
  address = g_new0(Address, 1);
  address->last_failure = G_MININT64 / 2;
  address->pairs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert(throttle->addresses, g_strdup(name), address);
  return address;
}

static Pair *get_pair(Throttle *throttle, Address *address, const char *account) {
  Pair *pair = g_hash_table_lookup(address->pairs, account);
  if (pair != NULL)
    return pair;
  pair = g_new0(Pair, 1);
  pair->last_failure = G_MININT64 / 2;
  g_hash_table_insert(address->pairs, g_strdup(account), pair);
  throttle->n_pairs++;
  return pair;
}

/* Forgets what holds nothing. */
static void tidy(Throttle *throttle, Address *address, const char *account, const char *name) {
  const Pair *pair = g_hash_table_lookup(address->pairs, account);
  if (pair != NULL && pair->failures == 0 && pair->under_way == 0) {
    g_hash_table_remove(address->pairs, account);
    throttle->n_pairs--;
  }
  if (g_hash_table_size(address->pairs) == 0)
    g_hash_table_remove(throttle->addresses, name);
}

/* ---- a try ---- */

static ThrottleAnswer judge(const Address *address, const Pair *pair, const ThrottleRules *rules,
                            gint64 now, guint32 *wait_ms) {
  gint64 next_try = rules->is_trusted ? pair->next_try : address->next_try;
  gint64 wait = rules->failure_delay == 0 ? 0 : (next_try - now + MS - 1) / MS;
  *wait_ms = get_delay(address, pair, rules, now);
  if (is_address_held(address, rules, now) || is_pair_held(pair, rules, now) ||
      (wait > MAX_WAIT_MS && !rules->no_address))
    return THROTTLE_HELD;
  *wait_ms = (guint32)MAX(wait, 0);
  gboolean is_behind = rules->no_address && rules->behind_account;
  return wait > 0 || is_behind || is_full(address, pair, rules, now) ? THROTTLE_WAIT : THROTTLE_GO;
}

static GuessRules make_guess_rules(const ThrottleRules *rules) {
  gboolean bounded = rules->lockout_threshold > 0;
  /* Without an address this bound would shut out the owner. */
  gboolean owned = bounded && !rules->no_address;
  return (GuessRules){owned ? rules->failures_per_account : 0, rules->lockout_seconds,
                      bounded ? rules->failures_per_minute : 0};
}

static Guess make_guess(const ThrottleRules *rules, const char *account, const char *address,
                        const Pair *pair) {
  return (Guess){account, rules->no_address ? NULL : address, pair->failures, rules->behind_account,
                 rules->behind_all};
}

/* As judge(), over all addresses. */
static ThrottleAnswer judge_guess(Throttle *throttle, const ThrottleRules *rules,
                                  const Guess *guess, gint64 now, guint32 *wait_ms) {
  const GuessRules bounds = make_guess_rules(rules);
  gboolean for_all = FALSE;
  *wait_ms = guess_limit_get_wait(throttle->guesses, &bounds, guess, now, &for_all);
  if (*wait_ms > 0)
    return for_all ? THROTTLE_WAIT_FOR_ALL : THROTTLE_WAIT_FOR_ACCOUNT;
  guess_limit_begin(throttle->guesses, guess);
  return THROTTLE_GO;
}

static void forget_failures(Pair *pair) {
  pair->failures = 0;
  memset(pair->wrong, 0, sizeof pair->wrong);
}

ThrottleAnswer throttle_begin(Throttle *throttle, const ThrottleRules *rules,
                              const ThrottleTry *try, guint32 *wait_ms) {
  gint64 now = try->now;
  if (throttle->n_pairs >= throttle->capacity)
    evict(throttle, rules, now);
  Address *entry = get_address(throttle, try->address);
  Pair *pair = get_pair(throttle, entry, try->account);
  entry->is_none = rules->no_address;
  entry->is_trusted = rules->is_trusted;
  if (now - pair->last_failure > get_memory(rules))
    forget_failures(pair);
  ThrottleAnswer answer = judge(entry, pair, rules, now, wait_ms);
  if (answer == THROTTLE_WAIT && rules->no_address)
    answer = THROTTLE_WAIT_FOR_ACCOUNT;
  const Guess guess = make_guess(rules, try->account, try->address, pair);
  if (answer == THROTTLE_GO)
    answer = judge_guess(throttle, rules, &guess, now, wait_ms);
  if (answer == THROTTLE_GO)
    pair->under_way++;
  else
    tidy(throttle, entry, try->account, try->address);
  return answer;
}

static void end_guess(Throttle *throttle, const ThrottleRules *rules, const Guess *guess,
                      ThrottleResult result, gint64 now) {
  static const GuessResult results[] = {[THROTTLE_SUCCESS] = GUESS_RIGHT,
                                        [THROTTLE_FAILURE] = GUESS_WRONG,
                                        [THROTTLE_UNDECIDED] = GUESS_UNDECIDED};
  const GuessRules bounds = make_guess_rules(rules);
  guess_limit_end(throttle->guesses, &bounds, guess, results[result], now);
}

static gint64 *get_next_try(Address *address, Pair *pair, const ThrottleRules *rules) {
  return rules->is_trusted ? &pair->next_try : &address->next_try;
}

static gboolean is_known(const Pair *pair, guint32 password) {
  for (guint i = 0; password != 0 && i < WRONG_KNOWN; i++)
    if (pair->wrong[i] == password)
      return TRUE;
  return FALSE;
}

/* It delays the next try as a first failure does: else a client that repeats it could keep the
 * processors busy. Nobody is held back for it. */
static guint32 delay_repeated(Address *address, Pair *pair, const ThrottleRules *rules,
                              gint64 now) {
  gint64 *next_try = get_next_try(address, pair, rules);
  gint64 delayed = MAX(now, *next_try) + (gint64)rules->failure_delay * MS;
  *next_try = MAX(*next_try, MIN(delayed, now + (gint64)MAX_WAIT_MS * MS));
  return rules->failure_delay;
}

/* How long the client's answer is to wait. */
static guint32 count_wrong(Address *address, Pair *pair, const ThrottleRules *rules,
                           const ThrottleTry *try) {
  gint64 *next_try = get_next_try(address, pair, rules);
  gint64 now = try->now;
  pair->wrong[pair->failures % WRONG_KNOWN] = try->password;
  pair->failures++;
  pair->last_failure = now;
  address->last_failure = now;
  *next_try = MAX(now, *next_try) + (gint64)get_delay(address, pair, rules, now) * MS;
  return (guint32)((*next_try - now) / MS);
}

void throttle_end(Throttle *throttle, const ThrottleRules *rules, const ThrottleTry *try,
                  ThrottleResult result, guint32 *wait_ms) {
  *wait_ms = 0;
  Address *entry = get_address(throttle, try->address);
  Pair *pair = get_pair(throttle, entry, try->account);
  const Guess guess = make_guess(rules, try->account, try->address, pair);
  if (result == THROTTLE_FAILURE && is_known(pair, try->password)) {
    *wait_ms = delay_repeated(entry, pair, rules, try->now);
    result = THROTTLE_UNDECIDED;
  }
  end_guess(throttle, rules, &guess, result, try->now);
  if (pair->under_way > 0)
    pair->under_way--;
  if (result == THROTTLE_SUCCESS)
    forget_failures(pair);
  if (result == THROTTLE_FAILURE)
    *wait_ms = count_wrong(entry, pair, rules, try);
  tidy(throttle, entry, try->account, try->address);
}

char *throttle_take_alarm(Throttle *throttle) {
  return guess_limit_take_alarm(throttle->guesses);
}

/* ---- who is held, and letting go ---- */

static gint compare_times(gconstpointer a, gconstpointer b) {
  gint64 one = *(const gint64 *)a;
  gint64 other = *(const gint64 *)b;
  return (one < other) - (one > other);
}

/* When too few of the accounts that an address has failed for are still counted. */
static gint64 get_address_end(const Address *address, const ThrottleRules *rules) {
  g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));
  GHashTableIter iterator;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, address->pairs);
  while (g_hash_table_iter_next(&iterator, NULL, &value))
    if (((const Pair *)value)->failures > 0)
      g_array_append_val(times, ((const Pair *)value)->last_failure);
  g_array_sort(times, compare_times);
  guint deciding = MIN(get_account_limit(rules), times->len) - 1;
  return g_array_index(times, gint64, deciding) + (gint64)rules->lockout_seconds * SECOND;
}

static void visit_address(const char *name, const Address *address, const ThrottleRules *rules,
                          gint64 now, ThrottleVisit visit, gpointer data) {
  GHashTableIter iterator;
  gpointer account = NULL;
  gpointer value = NULL;
  if (address->is_none)
    return;
  if (is_address_held(address, rules, now)) {
    const ThrottleHold hold = {name, NULL, count_failures(address, rules, now),
                               get_address_end(address, rules)};
    visit(&hold, data);
  }
  g_hash_table_iter_init(&iterator, address->pairs);
  while (g_hash_table_iter_next(&iterator, &account, &value)) {
    const Pair *pair = value;
    const ThrottleHold hold = {name, account, pair->failures,
                               pair->last_failure + (gint64)rules->lockout_seconds * SECOND};
    if (is_pair_held(pair, rules, now))
      visit(&hold, data);
  }
}

void throttle_visit_held(const Throttle *throttle, const ThrottleRules *rules, gint64 now,
                         ThrottleVisit visit, gpointer data) {
  GHashTableIter iterator;
  gpointer name = NULL;
  gpointer address = NULL;
  g_hash_table_iter_init(&iterator, throttle->addresses);
  while (g_hash_table_iter_next(&iterator, &name, &address))
    visit_address(name, address, rules, now, visit, data);
}

/* How many pairs had failures. */
static guint release_pairs(Throttle *throttle, Address *address, const char *account) {
  guint released = 0;
  GHashTableIter iterator;
  gpointer name = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, address->pairs);
  while (g_hash_table_iter_next(&iterator, &name, &value)) {
    Pair *pair = value;
    if (account != NULL && !g_str_equal(name, account))
      continue;
    released += pair->failures > 0 ? 1 : 0;
    forget_failures(pair);
    pair->next_try = 0;
    if (pair->under_way > 0)
      continue;
    g_hash_table_iter_remove(&iterator);
    throttle->n_pairs--;
  }
  return released;
}

guint throttle_release(Throttle *throttle, const char *account, const char *address) {
  guint released = 0;
  GHashTableIter iterator;
  gpointer name = NULL;
  gpointer value = NULL;
  if (address == NULL)
    guess_limit_release(throttle->guesses, account);
  g_hash_table_iter_init(&iterator, throttle->addresses);
  while (g_hash_table_iter_next(&iterator, &name, &value)) {
    Address *entry = value;
    if (address != NULL && !g_str_equal(name, address))
      continue;
    released += release_pairs(throttle, entry, account);
    if (account == NULL)
      entry->next_try = 0;
    if (g_hash_table_size(entry->pairs) == 0)
      g_hash_table_iter_remove(&iterator);
  }
  return released;
}

guint throttle_release_named(Throttle *throttle, const Settings *settings, const char *who) {
  if (who == NULL)
    return throttle_release(throttle, NULL, NULL);
  g_autofree char *account = settings_get_account(settings, who);
  g_autofree char *shown = name_dup_shown(account != NULL ? account : who);
  g_autofree char *group = client_address_dup_group(who);
  return throttle_release(throttle, NULL, group) + throttle_release(throttle, shown, NULL);
}
