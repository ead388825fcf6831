/* SPDX-License-Identifier: MIT */
/* A broker's threads and connections: see ldap-pool.h. */
#include "mailauth/package/ldap-pool.h"

#include <string.h>

#include "mailauth/base/limits.h"

#define MAX_NOTED_PROOFS 32U
/* How often unused pools are looked for, and how long a broker that is not asked keeps
 * its connections; in s. */
#define SWEEP_S 20U
#define POOL_IDLE_S 300

struct LdapPool {
  guint references;
  Settings *settings;
  Dialer *dialer;
  Workers *workers;
  char *problem;
  gint64 last_use;
  GMutex lock;         /* over all that follows */
  GQueue idle[N_USES]; /* of Directory, the latest used first */
  gint64 proofs[MAX_NOTED_PROOFS];
  guint n_proofs;
};

struct LdapPools {
  Dialer *dialer;
  GHashTable *all; /* digest -> LdapPool */
  guint sweep;
};

/* Keeps a reference to @settings, whose broker it is. */
static LdapPool *ldap_pool_new(Settings *settings, Dialer *dialer) {
  LdapPool *pool = g_new0(LdapPool, 1);
  pool->references = 1;
  pool->settings = settings_ref(settings);
  pool->dialer = dialer;
  /* A login holds a connection of each use. */
  pool->workers = workers_new(MAX(settings->chosen.pool_size / N_USES, 1), NULL);
  g_mutex_init(&pool->lock);
  for (guint i = 0; i < N_USES; i++)
    g_queue_init(&pool->idle[i]);
  return pool;
}

LdapPool *ldap_pool_ref(LdapPool *pool) {
  pool->references++;
  return pool;
}

void ldap_pool_unref(LdapPool *pool) {
  if (--pool->references > 0)
    return;
  ldap_pool_stop(pool);
  for (guint i = 0; i < N_USES; i++)
    g_queue_clear_full(&pool->idle[i], (GDestroyNotify)directory_free);
  g_mutex_clear(&pool->lock);
  settings_unref(pool->settings);
  g_free(pool->problem);
  g_free(pool);
}

/* What tells the settings of one broker from another's; owned. */
static char *dup_digest(const Settings *settings) {
  const Broker *broker = &settings->chosen;
  g_autoptr(GChecksum) digest = g_checksum_new(G_CHECKSUM_SHA256);
  const char *texts[] = {
      settings->broker,       broker->uri,     broker->base_dn, broker->user_filter,
      broker->user_attribute, broker->bind_dn, broker->ca_file, broker->bind_password};
  const guint32 numbers[] = {broker->start_tls, broker->timeout, broker->pool_size};
  /* With their NULs, so that none runs into the next. */
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_checksum_update(digest, (const guchar *)texts[i], (gssize)strlen(texts[i]) + 1);
  g_checksum_update(digest, (const guchar *)numbers, sizeof numbers);
  return g_strdup(g_checksum_get_string(digest));
}

const Broker *ldap_pool_get_broker(const LdapPool *pool) {
  return &pool->settings->chosen;
}

const char *ldap_pool_get_id(const LdapPool *pool) {
  return pool->settings->broker;
}

Dialer *ldap_pool_get_dialer(const LdapPool *pool) {
  return pool->dialer;
}

Workers *ldap_pool_get_workers(const LdapPool *pool) {
  return pool->workers;
}

void ldap_pool_stop(LdapPool *pool) {
  g_clear_pointer(&pool->workers, workers_free);
}

void ldap_pool_set_problem(LdapPool *pool, const char *problem) {
  char *copy = g_strdup(problem);
  g_free(pool->problem);
  pool->problem = copy;
}

const char *ldap_pool_get_problem(const LdapPool *pool) {
  return pool->problem;
}

/* ---- connections ---- */

static gboolean is_old(const Directory *directory) {
  gint64 rested = g_get_monotonic_time() - directory_get_last_use(directory);
  return rested > DIRECTORY_IDLE_S * G_USEC_PER_SEC;
}

/* The one that was used the longest ago, if that is too long. */
static Directory *take_old(LdapPool *pool) {
  Directory *old = NULL;
  g_mutex_lock(&pool->lock);
  for (guint i = 0; i < N_USES && old == NULL; i++) {
    Directory *last = g_queue_peek_tail(&pool->idle[i]);
    if (last != NULL && is_old(last))
      old = g_queue_pop_tail(&pool->idle[i]);
  }
  g_mutex_unlock(&pool->lock);
  return old;
}

static void close_idle(LdapPool *pool) {
  for (Directory *old = take_old(pool); old != NULL; old = take_old(pool))
    directory_free(old);
}

Directory *ldap_pool_take(LdapPool *pool, DirectoryUse use) {
  g_mutex_lock(&pool->lock);
  Directory *directory = g_queue_peek_head(&pool->idle[use]);
  /* If the latest is too old all are: they are left to be closed. */
  if (directory != NULL && !is_old(directory))
    g_queue_pop_head(&pool->idle[use]);
  else
    directory = NULL;
  g_mutex_unlock(&pool->lock);
  return directory;
}

void ldap_pool_give(LdapPool *pool, DirectoryUse use, Directory *directory) {
  /* A single connection has to serve both uses, one after the other. */
  if (pool->settings->chosen.pool_size < N_USES) {
    directory_free(directory);
    return;
  }
  g_mutex_lock(&pool->lock);
  g_queue_push_head(&pool->idle[use], directory);
  g_mutex_unlock(&pool->lock);
}

/* ---- times ---- */

void ldap_pool_note_proof(LdapPool *pool, gint64 took) {
  g_mutex_lock(&pool->lock);
  pool->proofs[pool->n_proofs++ % MAX_NOTED_PROOFS] = took;
  g_mutex_unlock(&pool->lock);
}

gint64 ldap_pool_pick_proof(LdapPool *pool) {
  g_mutex_lock(&pool->lock);
  guint known = MIN(pool->n_proofs, MAX_NOTED_PROOFS);
  gint64 took = known > 0 ? pool->proofs[g_random_int_range(0, (gint32)known)] : 0;
  g_mutex_unlock(&pool->lock);
  return took;
}

/* ---- all of them ---- */

static void unref(gpointer pool) {
  ldap_pool_unref(pool);
}

LdapPools *ldap_pools_new(Dialer *dialer) {
  LdapPools *pools = g_new0(LdapPools, 1);
  pools->dialer = dialer;
  pools->all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref);
  return pools;
}

void ldap_pools_free(LdapPools *pools) {
  g_clear_handle_id(&pools->sweep, g_source_remove);
  g_hash_table_unref(pools->all);
  g_free(pools);
}

static gboolean is_unused(G_GNUC_UNUSED gpointer digest, gpointer value, gpointer now) {
  LdapPool *pool = value;
  close_idle(pool);
  return *(gint64 *)now - pool->last_use > POOL_IDLE_S * G_USEC_PER_SEC;
}

static gboolean on_sweep(gpointer data) {
  LdapPools *pools = data;
  gint64 now = g_get_monotonic_time();
  g_hash_table_foreach_remove(pools->all, is_unused, &now);
  if (g_hash_table_size(pools->all) > 0)
    return G_SOURCE_CONTINUE;
  pools->sweep = 0;
  return G_SOURCE_REMOVE;
}

static gboolean is_of_broker(G_GNUC_UNUSED gpointer digest, gpointer value, gpointer id) {
  return g_str_equal(ldap_pool_get_id(value), id);
}

const LdapPool *ldap_pools_look_up(const LdapPools *pools, const Settings *settings) {
  g_autofree char *digest = dup_digest(settings);
  return g_hash_table_lookup(pools->all, digest);
}

LdapPool *ldap_pools_find(LdapPools *pools, Settings *settings) {
  g_autofree char *digest = dup_digest(settings);
  LdapPool *pool = g_hash_table_lookup(pools->all, digest);
  if (pool == NULL) {
    g_hash_table_foreach_remove(pools->all, is_of_broker, settings->broker);
    pool = ldap_pool_new(settings, pools->dialer);
    g_hash_table_insert(pools->all, g_steal_pointer(&digest), pool);
  }
  pool->last_use = g_get_monotonic_time();
  if (pools->sweep == 0)
    pools->sweep = g_timeout_add_seconds(SWEEP_S, on_sweep, pools);
  return pool;
}
