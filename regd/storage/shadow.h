/* SPDX-License-Identifier: MIT */
/* A store on which changes are only tried. Tables in the memory of the connection stand before
 * those of the database, under the same names, and get each row from there when it is first
 * asked for. So the statements of the store read and write as they always do, and the database
 * is only read. For the files of the store. */
#ifndef REGD_STORAGE_SHADOW_H
#define REGD_STORAGE_SHADOW_H

#include "regd/storage/db.h"

typedef struct Shadow Shadow;

/* @db is of DB_READ, and can be used for nothing else from here on. Begins a transaction, whose
 * state is the one that is changed. */
Shadow *shadow_new(Db *db, GError **error);
void shadow_free(Shadow *shadow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shadow, shadow_free)

/* Each of these gets what it names, before it is read or written. Its work is not counted. */
gboolean shadow_get_key(Shadow *shadow, gint64 id, GError **error);
/* Live or dead, by the folded name. */
gboolean shadow_get_child(Shadow *shadow, gint64 parent, const char *fold, GError **error);
gboolean shadow_get_children(Shadow *shadow, gint64 parent, GError **error); /* the live ones */
gboolean shadow_get_values(Shadow *shadow, gint64 key, GError **error);
gboolean shadow_get_acl(Shadow *shadow, gint64 id, GError **error);
gboolean shadow_find_acl(Shadow *shadow, const char *text, GError **error);
gboolean shadow_get_usage(Shadow *shadow, gint64 uid, GError **error);

#endif
