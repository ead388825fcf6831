/* SPDX-License-Identifier: MIT */
/* What store.c and store-values.c share of a Store. For nobody else. */
#ifndef REGD_STORAGE_STORE_PRIVATE_H
#define REGD_STORAGE_STORE_PRIVATE_H

#include "regd/storage/shadow.h"
#include "regd/storage/store.h"

struct Store {
  Db *db;
  GHashTable *acls;  /* id -> Acl; lists never change under an id */
  GHashTable *paths; /* key id -> GRefString */
  gsize path_bytes;  /* of them */
  gint64 next_position;
  gint64 saved_position;   /* what the database has, or will have with this transaction */
  gboolean fresh;          /* nothing has been changed in the transaction that is open */
  gboolean is_transaction; /* the savepoint that is open is the transaction itself */
  Shadow *shadow;          /* NULL: what is changed is meant */
};

/* Runs @sql, which gives one number, with @parameter as its one integer parameter. */
gboolean store_query_number(Store *store, const char *sql, gint64 parameter, gint64 *number,
                            GError **error);

/* Names the key in an error that tells of damage. For what is read when the right to read the key
 * has been checked. Returns FALSE. */
gboolean store_name_damage(Store *store, gint64 key, GError **error);

#endif
