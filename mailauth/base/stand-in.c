/* SPDX-License-Identifier: MIT */
/* See stand-in.h. The choice is weighted rendezvous hashing: every kind draws a number for
 * the name, and the one that is lowest for its weight wins. A change of one kind's weight
 * moves only names from or to that kind. */
#include "mailauth/base/stand-in.h"

#include <math.h>

#include "mailauth/base/limits.h"

#define DIGEST_BYTES 32

typedef struct {
  char *kind;
  char *sample;
  guint accounts;
} Kind;

struct StandIns {
  GHashTable *kinds;    /* name -> Kind */
  GHashTable *accounts; /* account -> Kind */
};

static void kind_free(gpointer data) {
  Kind *kind = data;
  g_free(kind->kind);
  g_free(kind->sample);
  g_free(kind);
}

StandIns *stand_ins_new(void) {
  StandIns *stand_ins = g_new0(StandIns, 1);
  stand_ins->kinds = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, kind_free);
  stand_ins->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return stand_ins;
}

void stand_ins_free(StandIns *stand_ins) {
  if (stand_ins == NULL)
    return;
  g_hash_table_unref(stand_ins->accounts);
  g_hash_table_unref(stand_ins->kinds);
  g_free(stand_ins);
}

void stand_ins_clear(StandIns *stand_ins) {
  g_hash_table_remove_all(stand_ins->accounts);
  g_hash_table_remove_all(stand_ins->kinds);
}

guint stand_ins_count(const StandIns *stand_ins) {
  return g_hash_table_size(stand_ins->accounts);
}

static void leave(StandIns *stand_ins, const char *account) {
  Kind *kind = g_hash_table_lookup(stand_ins->accounts, account);
  if (kind == NULL)
    return;
  g_hash_table_remove(stand_ins->accounts, account);
  if (--kind->accounts == 0)
    g_hash_table_remove(stand_ins->kinds, kind->kind);
}

/* NULL: there are too many. */
static Kind *find_kind(StandIns *stand_ins, const char *name, const char *sample) {
  Kind *kind = g_hash_table_lookup(stand_ins->kinds, name);
  if (kind != NULL || g_hash_table_size(stand_ins->kinds) >= MAX_STAND_IN_KINDS)
    return kind;
  kind = g_new(Kind, 1);
  *kind = (Kind){g_strdup(name), g_strdup(sample), 0};
  g_hash_table_insert(stand_ins->kinds, kind->kind, kind);
  return kind;
}

void stand_ins_set(StandIns *stand_ins, const char *account, const char *kind, const char *sample) {
  leave(stand_ins, account);
  if (kind == NULL)
    return;
  Kind *joined = find_kind(stand_ins, kind, sample);
  if (joined == NULL)
    return;
  joined->accounts++;
  g_hash_table_insert(stand_ins->accounts, g_strdup(account), joined);
}

/* From above 0 to 1, evenly; the same each time. */
static double draw(GHmac *keyed, const char *name, const char *kind) {
  GHmac *hmac = g_hmac_copy(keyed);
  guint8 digest[DIGEST_BYTES];
  gsize size = sizeof digest;
  guint64 number = 0;
  g_hmac_update(hmac, (const guchar *)name, -1);
  g_hmac_update(hmac, (const guchar *)"", 1); /* a NUL, which neither has */
  g_hmac_update(hmac, (const guchar *)kind, -1);
  g_hmac_get_digest(hmac, digest, &size);
  g_hmac_unref(hmac);
  for (guint i = 0; i < sizeof number; i++)
    number = number << 8 | digest[i];
  return ((double)(number >> 11) + 1) / (double)(G_GUINT64_CONSTANT(1) << 53);
}

const char *stand_ins_choose(const StandIns *stand_ins, const guint8 *key, gsize key_size,
                             const char *name) {
  g_autoptr(GHmac) keyed = g_hmac_new(G_CHECKSUM_SHA256, key, key_size);
  const Kind *chosen = NULL;
  double lowest = 0;
  GHashTableIter each;
  gpointer value = NULL;
  g_hash_table_iter_init(&each, stand_ins->kinds);
  while (g_hash_table_iter_next(&each, NULL, &value)) {
    const Kind *kind = value;
    double drawn = -log(draw(keyed, name, kind->kind)) / kind->accounts;
    if (chosen != NULL && drawn >= lowest)
      continue;
    chosen = kind;
    lowest = drawn;
  }
  return chosen != NULL ? chosen->sample : NULL;
}
