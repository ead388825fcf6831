/* SPDX-License-Identifier: MIT */
/* Passwords that were right a short while ago: see verified.h. */
#include "mailauth/package/verified.h"

#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

#include "client/base/path.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/secret-mac.h"

typedef struct {
  guint8 bytes[SECRET_MAC_BYTES];
} Digest;

struct Verified {
  SecretMac *mac;
  Settings *settings; /* that it is by; NULL before the first */
  guint32 seconds;
  guint64 era;
  guint64 recalled;
  GHashTable *entries; /* owner -> Entry */
  GQueue order;        /* of Entry: the head expires first */
};

typedef struct {
  GList link; /* in order */
  char *owner;
  Digest digest;
  gint64 end; /* µs */
} Entry;

static gboolean make_digest(const Verified *verified, const VerifiedClaim *claim, Digest *digest) {
  const SecretPart parts[] = {{claim->owner, strlen(claim->owner)},
                              {claim->hash, strlen(claim->hash)},
                              {claim->state, strlen(claim->state)},
                              {claim->password, claim->size}};
  return secret_mac_make(verified->mac, parts, G_N_ELEMENTS(parts), digest->bytes);
}

/* ---- entries ---- */

/* Blanks are in none of them but, perhaps, the last. */
char *verified_name_owner(const char *package, const char *broker, const char *account) {
  return g_strdup_printf("%s %s %s", package, broker, account);
}

static void entry_free(gpointer data) {
  Entry *entry = data;
  explicit_bzero(&entry->digest, sizeof entry->digest);
  g_free(entry->owner);
  g_free(entry);
}

static void drop(Verified *verified, Entry *entry) {
  g_queue_unlink(&verified->order, &entry->link);
  g_hash_table_remove(verified->entries, entry->owner);
}

/* All live equally long, so the oldest expire first. */
static void drop_expired(Verified *verified, gint64 now) {
  while (verified->order.head != NULL && ((Entry *)verified->order.head->data)->end <= now)
    drop(verified, verified->order.head->data);
}

static gboolean is_usable(const Verified *verified, guint64 era) {
  return verified->seconds > 0 && verified->era == era;
}

/* ---- the whole ---- */

Verified *verified_new(void) {
  Verified *verified = g_new0(Verified, 1);
  verified->mac = secret_mac_new();
  verified->entries = g_hash_table_new_full(path_hash_name, path_equal_names, NULL, entry_free);
  g_queue_init(&verified->order);
  return verified;
}

static void forget_all(Verified *verified) {
  g_queue_init(&verified->order);
  g_hash_table_remove_all(verified->entries);
}

void verified_free(Verified *verified) {
  if (verified == NULL)
    return;
  forget_all(verified);
  g_hash_table_unref(verified->entries);
  secret_mac_free(verified->mac);
  settings_unref(verified->settings);
  g_free(verified);
}

void verified_renew(Verified *verified, guint32 seconds) {
  forget_all(verified);
  verified->era++;
  verified->seconds = seconds;
}

gboolean verified_take_settings(Verified *verified, Settings *settings) {
  if (settings == verified->settings)
    return FALSE;
  settings_unref(verified->settings);
  verified->settings = settings_ref(settings);
  verified_renew(verified, settings->verified_seconds);
  return TRUE;
}

gboolean verified_serves(const Verified *verified, const Settings *settings) {
  return verified->settings == settings && settings->verified_seconds > 0;
}

guint64 verified_get_era(const Verified *verified) {
  return verified->era;
}

gboolean verified_recall(Verified *verified, guint64 era, const VerifiedClaim *claim, gint64 now) {
  Digest digest = {0};
  drop_expired(verified, now);
  if (!is_usable(verified, era) || !make_digest(verified, claim, &digest))
    return FALSE;
  const Entry *entry = g_hash_table_lookup(verified->entries, claim->owner);
  gboolean known = entry != NULL && CRYPTO_memcmp(&entry->digest, &digest, sizeof digest) == 0;
  explicit_bzero(&digest, sizeof digest);
  verified->recalled += known ? 1 : 0;
  return known;
}

void verified_learn(Verified *verified, guint64 era, const VerifiedClaim *claim, gint64 now) {
  Digest digest = {0};
  if (!is_usable(verified, era) || !make_digest(verified, claim, &digest))
    return;
  drop_expired(verified, now);
  verified_forget(verified, claim->owner);
  if (verified->order.length >= MAX_VERIFIED)
    drop(verified, verified->order.head->data);
  Entry *entry = g_new0(Entry, 1);
  *entry = (Entry){.link.data = entry,
                   .owner = g_strdup(claim->owner),
                   .digest = digest,
                   .end = now + (gint64)verified->seconds * G_USEC_PER_SEC};
  g_hash_table_insert(verified->entries, entry->owner, entry);
  g_queue_push_tail_link(&verified->order, &entry->link);
  explicit_bzero(&digest, sizeof digest);
}

void verified_forget(Verified *verified, const char *owner) {
  Entry *entry = g_hash_table_lookup(verified->entries, owner);
  if (entry != NULL)
    drop(verified, entry);
}

/* It is not recorded which accounts are being proved: no proof that began before is
 * learnt. */
void verified_forget_changed(Verified *verified, const char *owner) {
  verified_forget(verified, owner);
  verified->era++;
}

void verified_forget_native(Verified *verified, const char *account) {
  if (account == NULL) {
    verified_renew(verified, verified->seconds);
    return;
  }
  g_autofree char *owner = verified_name_owner("SAM", "", account);
  verified_forget_changed(verified, owner);
}

gint64 verified_get_time(void) {
  struct timespec time = {0};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return (gint64)time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

guint verified_count(Verified *verified, gint64 now) {
  drop_expired(verified, now);
  return verified->order.length;
}

guint64 verified_get_recalled(const Verified *verified) {
  return verified->recalled;
}
