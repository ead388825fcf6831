/* SPDX-License-Identifier: MIT */
/* Declarations as rows: what an owner (configuration management, a package, a policy) says is to be
 * there, or not to be there. Kept by folded path and name, so that they survive what becomes of
 * the keys and values. */
#ifndef REGD_DECLARE_DECLARED_H
#define REGD_DECLARE_DECLARED_H

#include "regd/storage/store.h"

typedef struct {
  char *key;  /* canonical path, as it was spelled */
  char *name; /* of a value; NULL: the key itself */
  char *owner;
  gint64 closed;        /* the list that closes it since its key was deleted; 0: see migrations.c */
  RegistryValue *value; /* NULL: the value is to be absent. Of a key: the target of a link, NULL:
                           it is no link */
} Declared;
void declared_free(Declared *declared);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Declared, declared_free)

/* INVALID_VALUE: @owner is empty, longer than LIMIT_OWNER_BYTES, or not printable. */
gboolean declared_check_owner(const char *owner, GError **error);
/* What names a thing: @folded_path and the value @name of the key, or the key itself (NULL). */
char *declared_make_thing(const char *folded_path, const char *name);
/* Whether @value (NULL: none) is what was declared. */
gboolean declared_is_met(const Declared *declared, const RegistryValue *value);
/* What a declaration costs its user, in bytes. */
gint64 declared_get_cost(const Declared *declared);

/* Replaces one of the same thing by the same owner. */
gboolean declared_store(Store *store, const Declared *declared, GError **error);
gboolean declared_remove(Store *store, const Declared *declared, GError **error);
/* The key at the canonical @path is deleted, where the list @closed decided: that closes what is
 * declared there and below. What is closed already stays as it is: who has made the key again must
 * not open what was declared before. */
gboolean declared_close(Store *store, const char *path, gint64 closed, GError **error);

/* Arrays of Declared. Those of one thing; both names are folded, @fold is NULL for the key. */
GPtrArray *declared_list_thing(Store *store, const char *path, const char *fold, GError **error);
/* A row where it stands; borrowed. */
typedef struct {
  const char *thing; /* see declared_make_thing() */
  const char *owner;
  gboolean has_value;
  guint32 type;
  gconstpointer bytes;
  gsize size;
  gint64 cost;   /* see declared_get_cost() */
  gint64 closed; /* as of Declared */
} DeclaredRow;
/* Whether it declares @value (NULL: none). */
gboolean declared_row_is(const DeclaredRow *row, const RegistryValue *value);
typedef gboolean (*DeclaredVisit)(const DeclaredRow *row, gpointer data, GError **error);
/* All of a key and its values, by the folded path; of one thing. @visit must not visit others. */
gboolean declared_visit_key(Store *store, const char *path, DeclaredVisit visit, gpointer data,
                            GError **error);
gboolean declared_visit_thing(Store *store, const char *thing, DeclaredVisit visit, gpointer data,
                              GError **error);
/* How many things an owner declares. */
gboolean declared_count(Store *store, const char *owner, gint64 *count, GError **error);
/* Those of an owner, by path. */
GPtrArray *declared_list_owner(Store *store, const char *owner, GError **error);
/* Those at and below the key at the canonical @path, by path. */
GPtrArray *declared_list_branch(Store *store, const char *path, GError **error);
/* Whether @owner has declared the value @name of a key (NULL: the key). */
gboolean declared_is_by(Store *store, const char *owner, const char *path, const char *name,
                        gboolean *is, GError **error);

#endif
