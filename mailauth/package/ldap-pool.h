/* SPDX-License-Identifier: MIT */
/* What one broker's logins share: its settings, its threads, its connections, and how
 * long proofs took there lately. Made, held and freed on the loop; its threads may call
 * only the functions that say so. */
#ifndef MAILAUTH_PACKAGE_LDAP_POOL_H
#define MAILAUTH_PACKAGE_LDAP_POOL_H

#include "client/threads/workers.h"
#include "mailauth/package/directory.h"

/* Connections that search are bound as `Bind DN`, those that prove as anybody. */
typedef enum { USE_SEARCH, USE_PROOF, N_USES } DirectoryUse;

typedef struct LdapPool LdapPool;

LdapPool *ldap_pool_ref(LdapPool *pool);
/* The last one waits for the threads, which have nothing to do then, and closes
 * the connections. */
void ldap_pool_unref(LdapPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LdapPool, ldap_pool_unref)

/* Borrowed. Any thread. */
const Broker *ldap_pool_get_broker(const LdapPool *pool);
/* The instance's ID. Borrowed. */
const char *ldap_pool_get_id(const LdapPool *pool);
/* Borrowed. Any thread. */
Dialer *ldap_pool_get_dialer(const LdapPool *pool);
Workers *ldap_pool_get_workers(const LdapPool *pool);
/* Waits for everything that its threads have to do. */
void ldap_pool_stop(LdapPool *pool);

/* What is wrong with the directory, as the last answer had it; NULL for nothing. Copied, and
 * borrowed until it is set again. */
void ldap_pool_set_problem(LdapPool *pool, const char *problem);
const char *ldap_pool_get_problem(const LdapPool *pool);

/* A connection that was used before, NULL if there is none. Any thread. */
Directory *ldap_pool_take(LdapPool *pool, DirectoryUse use);
/* Takes @directory, at rest, for the next one. Any thread. */
void ldap_pool_give(LdapPool *pool, DirectoryUse use, Directory *directory);

/* A proof took so long, in microseconds. Any thread. */
void ldap_pool_note_proof(LdapPool *pool, gint64 took);
/* How long one of the latest took; 0 if there was none. Any thread. */
gint64 ldap_pool_pick_proof(LdapPool *pool);

/* The pools of all brokers. A broker that is not asked for some minutes loses its own. */
typedef struct LdapPools LdapPools;

/* @dialer: borrowed. */
LdapPools *ldap_pools_new(Dialer *dialer);
void ldap_pools_free(LdapPools *pools);
/* The one of the broker that @settings choose, made if it isn't there. Another one of the same
 * broker is out of date then, and goes with its last login. Borrowed. */
LdapPool *ldap_pools_find(LdapPools *pools, Settings *settings);
/* The same, NULL if it isn't there. */
const LdapPool *ldap_pools_look_up(const LdapPools *pools, const Settings *settings);

#endif
