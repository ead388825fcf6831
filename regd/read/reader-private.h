/* SPDX-License-Identifier: MIT */
/* What reader.c and the other files of reading share of a Reader. */
#ifndef REGD_READ_READER_PRIVATE_H
#define REGD_READ_READER_PRIVATE_H

#include "regd/history/record.h"
#include "regd/read/reader.h"
#include "regd/storage/store.h"
#include "regd/tree/place-cache.h"

struct Reader {
  Store *store;
  SchemaSet *schemas; /* may be NULL */
  PlaceCache *places; /* of the state that `version` stands for */
  gint64 version;
  const gint *commits; /* the writer's count, see reader_set_commits() */
  gint seen;           /* what it was before the newest snapshot */
  gboolean is_short;   /* see reader_keep_short() */
  gboolean too_long;
  gboolean is_spent; /* changes were tried */
  DbProgress go_on;  /* see reader_watch() */
  gpointer go_on_data;
};

/* A consistent state, released at the end of the variable's scope. Declare it first, so that
 * what was read from it is freed before. */
typedef Store Snapshot;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Snapshot, store_end)

Store *reader_begin(Reader *reader, GError **error);
/* The place of a key that is there and may be read; shared, so read-only. */
Place *reader_find_readable(Reader *reader, const Identity *who, const char *key, ResolveMode mode,
                            GError **error);
gboolean reader_may_see_value(const Reader *reader, const Identity *who, const Acl *acl,
                              const char *path, const char *name);
NamedValue *reader_new_value(const char *name, const RegistryValue *value);
/* What a value counts for in an answer, in bytes. */
gsize reader_get_size(const NamedValue *value);

/* A revision without its changes. @row: NULL: only its number is known. */
HistoryEntry *reader_new_entry(guint64 revision, const RevisionRow *row);

/* How far history at the canonical @path reaches with the current settings. */
gboolean reader_get_horizon(Store *store, const char *path, guint64 *horizon, GError **error);

#endif
