/* SPDX-License-Identifier: MIT */
/* Which of the processes that there are will do: for one opening, by its Maildir and its
 * mail's user. */
#include "mailauth/mailbox/store-pool-private.h"

gboolean store_is_busy(const StoreProcess *store) {
  return store->opening != NULL || store->serving;
}

gboolean store_is_idle(const StoreProcess *store) {
  return store->maildir != NULL && !store_is_busy(store);
}

guint stores_find_idle_count(const Stores *stores) {
  guint idle = 0;
  for (guint i = 0; i < stores->stores->len; i++)
    idle += store_is_idle(stores->stores->pdata[i]) ? 1 : 0;
  return idle;
}

static gboolean is_untried_maker(const StoreProcess *store, const Opening *opening) {
  return store->maildir == NULL && store->number != opening->tried &&
         g_str_equal(store->mail_user, opening->mail_user);
}

/* The uids of makers that may be tried for it: an array "au". */
GVariant *store_find_makers(const Opening *opening) {
  GVariantBuilder uids;
  const GPtrArray *stores = opening->stores->stores;
  g_variant_builder_init(&uids, G_VARIANT_TYPE("au"));
  for (guint i = 0; i < stores->len; i++) {
    const StoreProcess *store = stores->pdata[i];
    if (is_untried_maker(store, opening))
      g_variant_builder_add(&uids, "u", store->uid);
  }
  return g_variant_builder_end(&uids);
}

static gboolean is_for(const StoreProcess *store, const Opening *opening) {
  gpointer known = NULL;
  guint32 uid = opening->stores->own_uid;
  if (g_hash_table_lookup_extended(opening->stores->owners, opening->maildir, NULL, &known))
    uid = GPOINTER_TO_UINT(known);
  return g_str_equal(store->mail_user, opening->mail_user) &&
         (*store->mail_user != '\0' || store->uid == uid);
}

StoreProcess *store_find_idle(const Stores *stores, const Opening *opening) {
  for (guint i = stores->stores->len; i > 0; i--) {
    StoreProcess *store = stores->stores->pdata[i - 1];
    if (store_is_idle(store) && g_str_equal(store->maildir, opening->maildir) &&
        is_for(store, opening))
      return store;
  }
  return NULL;
}

StoreProcess *store_find_maker(const Stores *stores, const Opening *opening) {
  for (guint i = stores->stores->len; i > 0; i--) {
    StoreProcess *store = stores->stores->pdata[i - 1];
    if (is_untried_maker(store, opening) && is_for(store, opening))
      return store;
  }
  return NULL;
}
