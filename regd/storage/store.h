/* SPDX-License-Identifier: MIT */
/* Keys, values, access lists and the revision counter as tables. Knows nothing of callers, of
 * following links, of schemas or limits: these are place.c's and apply.c's. A Store belongs to
 * one thread.
 *
 * A key's row is a place in the tree: parent and folded name. It outlives the key (live = 0)
 * as long as history refers to it, and is used again when a key is made there again; so a path
 * in history costs an integer. */
#ifndef REGD_STORAGE_STORE_H
#define REGD_STORAGE_STORE_H

#include "regd/base/effective.h"
#include "regd/storage/db.h"

typedef struct Store Store;

#define STORE_LOCAL_MACHINE ((gint64)1)
#define STORE_USERS ((gint64)2)

/* DB_WRITE and DB_ALONE bring the tables up to date by numbered steps; DB_READ and
 * DB_CHECK refuse tables that are out of date. A database of a later version is refused. */
Store *store_open(const char *file, DbMode mode, GError **error);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)
Db *store_get_db(Store *store);

/* Everything that is read until store_end() is one consistent state. */
gboolean store_begin_read(Store *store, GError **error);
gboolean store_begin_write(Store *store, GError **error);
gboolean store_commit(Store *store, GError **error);
void store_end(Store *store);     /* ends a read, or a write that has changed nothing */
void store_abandon(Store *store); /* rolls a write back */
gboolean store_savepoint(Store *store, GError **error);
gboolean store_release(Store *store, GError **error);
void store_rollback_to(Store *store);

/* Begins to try changes on a store of DB_READ, which is good for nothing else afterwards: they
 * are applied to one consistent state, and nothing of them is kept. */
gboolean store_begin_trying(Store *store, GError **error);

/* The newest revision that was given out: that of history's newest row, or a later one that
 * store_save_revision() has stored. Call that before rows are deleted. */
gboolean store_load_revision(Store *store, guint64 *revision, GError **error);
gboolean store_save_revision(Store *store, guint64 revision, GError **error);
/* The counter that orders values. The writer loads it once, and saves it at the end of each
 * transaction. */
gboolean store_load_position(Store *store, GError **error);
gboolean store_save_position(Store *store, GError **error);
/* History reaches back to this revision. */
gboolean store_load_horizon(Store *store, guint64 *horizon, GError **error);

/* ---- keys ---- */

typedef struct {
  gint64 id;
  gint64 parent; /* 0 for a root */
  gboolean live;
  char *name;       /* as stored */
  char *class_name; /* or NULL */
  char *link;       /* target, or NULL */
  gboolean link_by_administrator;
  gboolean is_volatile;
  gint64 acl;                /* own list, 0 for none */
  guint64 revision;          /* of the last change to the key or its values */
  guint64 children_revision; /* of the last coming or going of a direct sub-key */
  gint64 last_write;         /* microseconds since 1970 */
} KeyRow;
void key_row_free(KeyRow *row);
KeyRow *key_row_copy(const KeyRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyRow, key_row_free)

/* *@row is NULL if there is none. @fold is the folded name. */
gboolean store_find_child(Store *store, gint64 parent, const char *fold, KeyRow **row,
                          GError **error);
/* The same for a key that has been deleted. */
gboolean store_find_dead_child(Store *store, gint64 parent, const char *fold, KeyRow **row,
                               GError **error);
/* By id, live or dead. */
gboolean store_get_key(Store *store, gint64 id, KeyRow **row, GError **error);
/* Direct live sub-keys in the order of their folded names, from @from_fold on (NULL: all). */
GPtrArray *store_list_children(Store *store, gint64 parent, const char *from_fold, GError **error);
/* The same, at most @most of them. */
GPtrArray *store_page_children(Store *store, gint64 parent, const char *from_fold, guint most,
                               GError **error);
gboolean store_count_children(Store *store, gint64 parent, guint32 *count, GError **error);
gboolean store_has_children(Store *store, gint64 parent, gboolean *has, GError **error);
/* Live volatile keys whose parent is not volatile. */
GPtrArray *store_list_volatile(Store *store, GError **error);

/* Makes the key live with @row's attributes (its id is set here). */
gboolean store_insert_key(Store *store, KeyRow *row, const char *fold, GError **error);
/* Writes every attribute of @row except its place. */
gboolean store_update_key(Store *store, const KeyRow *row, GError **error);
/* Marks it dead; its values must be gone. */
gboolean store_bury_key(Store *store, gint64 id, guint64 revision, GError **error);
gboolean store_touch_key(Store *store, gint64 id, guint64 revision, gint64 now, GError **error);
gboolean store_touch_children(Store *store, gint64 id, guint64 revision, GError **error);

/* The canonical path of a row, live or dead, from a small cache; release it. Call
 * store_forget_paths() after a key has got another spelling. */
GRefString *store_get_path(Store *store, gint64 id, GError **error);
void store_forget_paths(Store *store);
/* Empties the caches: of pages, and of paths, each of which may keep a whole page from being
 * given back to the system. Call between transactions. */
void store_give_memory_back(Store *store);

/* ---- values ---- */

/* Whether a schema called a value secret when it was written. */
typedef enum {
  SECRECY_UNKNOWN = -1, /* written before this was stored: history tells */
  SECRECY_NONE,
  SECRECY_SECRET,
} Secrecy;

typedef struct {
  char *name; /* as stored */
  RegistryValue *value;
  gint64 position; /* the order of creation */
  guint64 revision;
  Secrecy secrecy;
} ValueRow;
void value_row_free(ValueRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ValueRow, value_row_free)

gboolean store_find_value(Store *store, gint64 key, const char *fold, ValueRow **row,
                          GError **error);
/* In the order of creation. */
GPtrArray *store_list_values(Store *store, gint64 key, GError **error);
gboolean store_count_values(Store *store, gint64 key, guint32 *count, GError **error);
/* Bytes of all its data and names. */
gboolean store_sum_values(Store *store, gint64 key, gint64 *bytes, GError **error);
/* The same of those whose names @counts takes. */
typedef gboolean (*ValueTest)(const char *name, gpointer data);
gboolean store_sum_some_values(Store *store, gint64 key, ValueTest counts, gpointer data,
                               gint64 *bytes, GError **error);
/* A value to write; borrowed. */
typedef struct {
  const char *fold; /* the folded name */
  const char *name;
  const RegistryValue *value;
  gint64 position; /* 0: behind the others */
  guint64 revision;
  gboolean secret; /* now, or when it was first written */
} NewValue;
/* Inserts or replaces. */
gboolean store_put_value(Store *store, gint64 key, const NewValue *value, GError **error);
/* Inserts it if there is none of the name, which *@added tells. */
gboolean store_add_value(Store *store, gint64 key, const NewValue *value, gboolean *added,
                         GError **error);
gboolean store_delete_value(Store *store, gint64 key, const char *fold, GError **error);

/* ---- access lists ---- */

/* The id of the list, which is added if it is missing; 0 for NULL. */
gboolean store_intern_acl(Store *store, Acl *acl, gint64 *id, GError **error);
/* *@acl is borrowed from a cache, until a change is rolled back; NULL for 0. */
gboolean store_load_acl(Store *store, gint64 id, Acl **acl, GError **error);

/* ---- bytes stored below HKEY_USERS\<uid> ---- */

gboolean store_load_usage(Store *store, guint32 uid, gint64 *bytes, GError **error);
gboolean store_add_usage(Store *store, guint32 uid, gint64 delta, GError **error);

#endif
