/* SPDX-License-Identifier: MIT */
/* Reading for a caller: path, links, access, secrecy, then the data. Each call reads one
 * consistent snapshot of the newest committed state and never waits for the writer. A Reader
 * belongs to one thread. */
#ifndef REGD_READ_READER_H
#define REGD_READ_READER_H

#include "regd/base/effective.h"
#include "regd/storage/counts.h"
#include "regd/tree/settings.h"
#include "schema/rules.h"

typedef struct Reader Reader;
/* Opens its own read-only connection on @file, whose schema is current. */
Reader *reader_open(const char *file, GError **error);
void reader_close(Reader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reader, reader_close)
/* @commits, borrowed, counts atomically the begins and ends of the writer's commits. While it
 * stays at the same even number, cached values are valid without asking the file. NULL: the
 * file is always asked. */
void reader_set_commits(Reader *reader, const gint *commits);
/* If @is_short, each read ends with an error once it has done more than LIMIT_SHORT_READ_STEPS
 * of work, which reader_was_too_long() then tells: it must go on a thread. */
void reader_keep_short(Reader *reader, gboolean is_short);
gboolean reader_was_too_long(const Reader *reader);
/* Each read asks @go_on now and then, and ends with its error when it refuses. */
void reader_watch(Reader *reader, DbProgress go_on, gpointer data);
/* Asks what reader_watch() was given. @reader: a Reader. */
gboolean reader_may_go_on(gpointer reader, GError **error);
/* In steps of db_begin_work(), since reader_watch(). */
guint64 reader_get_work(const Reader *reader);
/* Ends what reader_watch() began, and gives memory back. FALSE: the reader is for nothing else. */
gboolean reader_rest(Reader *reader);
/* Begins to try changes: see store_begin_trying(). The reader is for nothing else afterwards.
 * The store is borrowed. */
Store *reader_begin_trying(Reader *reader, GError **error);
/* For secrecy; referenced. */
void reader_set_schemas(Reader *reader, SchemaSet *schemas);
/* Borrowed; may be NULL. */
const SchemaSet *reader_get_schemas(const Reader *reader);

typedef struct {
  char *name;
  RegistryValue *value;
} NamedValue;
void named_value_free(NamedValue *value);

/* How much the database holds, one state of it. Not on the main loop. */
gboolean reader_count(Reader *reader, StoreCounts *counts, GError **error);
guint64 reader_get_revision(Reader *reader, GError **error); /* 0 with error set on failure */
/* @cached: whether the value comes from the reader's cache, so that the same pointer is
 * returned as long as nothing changes. A value enters the cache when it is first read,
 * unless it is large or secret. */
RegistryValue *reader_get_value(Reader *reader, const Identity *who, const char *key,
                                const char *name, gboolean *cached, GError **error);
/* "" lists the five roots. */
char **reader_list_keys(Reader *reader, const Identity *who, const char *key, GError **error);
/* LIMIT_EXCEEDED past LIMIT_LIST_BYTES, as for the keys' names. */
GPtrArray *reader_list_values(Reader *reader, const Identity *who, const char *key,
                              GError **error); /* of NamedValue */

typedef struct {
  char *path;
  char *class_name; /* "" if none */
  char *link;       /* target, or NULL */
  char *locked;     /* why it is locked, or NULL */
  guint32 subkeys, values;
  gint64 last_write; /* microseconds since 1970 */
  guint64 revision;
  gboolean is_volatile;
} KeyInfo;
/* Without the numbers of sub-keys and values. */
KeyInfo *reader_get_key_head(Reader *reader, const Identity *who, const char *key,
                             gboolean no_follow, GError **error);
KeyInfo *reader_get_key_info(Reader *reader, const Identity *who, const char *key,
                             gboolean no_follow, GError **error);
void key_info_free(KeyInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyInfo, key_info_free)

typedef struct {
  gboolean has_depth;
  guint32 depth;
  guint32 limit;      /* values a page; 0: the default */
  const char *cursor; /* NULL or "": from the start */
  gboolean skip_unreadable;
  gboolean no_follow;    /* a link as last component is itself */
  gboolean hide_secrets; /* from administrators, too, and what was secret when it was written */
  gboolean has_at;
  guint64 at; /* the tree as it was at this revision */
} TreeOptions;
typedef struct {
  char *path;
  GPtrArray *values; /* of NamedValue */
} ReadPageKey;
typedef struct {
  guint64 revision;
  GPtrArray *keys; /* of ReadPageKey, depth first; a key whose values don't fit continues on the
                      next page */
  char *cursor;    /* "" at the end */
} ReadPage;
ReadPage *reader_read_tree(Reader *reader, const Identity *who, const char *key,
                           const TreeOptions *options, GError **error);
void read_page_free(ReadPage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReadPage, read_page_free)

typedef struct {
  guint32 limit;      /* values a page; 0: the default */
  const char *cursor; /* NULL or "": from the start */
  gboolean no_follow;
  gboolean hide_secrets; /* as in TreeOptions: they are listed without what they hold */
} ValueOptions;
typedef struct {
  char *name;
  RegistryValue *value; /* NULL: a secret that is not shown */
  gboolean is_secret;
  guint64 revision; /* that set it */
  char *locked;     /* why, or NULL */
  char **owners;    /* who declares it, or NULL */
  char *problem;    /* which rule of its schema it breaks, or NULL */
} ListedValue;
void listed_value_free(ListedValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ListedValue, listed_value_free)
typedef struct {
  guint64 revision;
  GPtrArray *values; /* of ListedValue, in the order of creation */
  GPtrArray *heads;  /* of HistoryEntry without changes: of each revision of these values once, if
                        history has it and the caller may see it */
  char *cursor;      /* "" at the end */
} ValuePage;
ValuePage *reader_read_values(Reader *reader, const Identity *who, const char *key,
                              const ValueOptions *options, GError **error);
void value_page_free(ValuePage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ValuePage, value_page_free)

/* One key of a walk through a whole tree; good during the visit. */
typedef struct {
  const char *path;       /* canonical */
  const char *class_name; /* or NULL */
  const char *link;       /* or NULL */
  gboolean is_volatile;
  Acl *own;          /* its own access list, or NULL */
  GPtrArray *values; /* of NamedValue; what the caller may see */
} VisitedKey;
/* FALSE with *@error unset ends the walk early. */
typedef gboolean (*KeyVisit)(const VisitedKey *key, gpointer data, GError **error);
/* What concerns the walk as a whole. `begin` is called before the first key, when path, asked
 * and revision are known. */
typedef struct TreeVisited TreeVisited;
struct TreeVisited {
  gboolean (*begin)(const TreeVisited *visited, gpointer data, GError **error);
  char *path;  /* canonical path of the first key */
  char *asked; /* the same as it was asked for: long root, stored spelling, links not resolved */
  guint64 revision;
  guint32 left_out; /* keys and values that the caller may not read */
};
void tree_visited_clear(TreeVisited *visited);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TreeVisited, tree_visited_clear)
/* Walks a whole tree in one snapshot, which is held for the length of the visits: for a reader
 * of its own, off the main loop. @options: limit and cursor are not used. */
gboolean reader_visit_tree(Reader *reader, const Identity *who, const char *key,
                           const TreeOptions *options, KeyVisit visit, gpointer data,
                           TreeVisited *visited, GError **error);

/* What a revision did at or below a key. */
typedef struct {
  ChangeKind kind;
  char *key;
  char *name;               /* "" for keys */
  RegistryValue *old_value; /* NULL: there was none, or the caller may not see it */
  RegistryValue *new_value; /* likewise */
  gboolean purged;          /* the values have been forgotten on purpose */
} HistoryChange;
typedef struct {
  guint64 revision;
  gint64 time; /* microseconds since 1970 */
  guint32 uid, pid;
  char *program;
  char *comment; /* or NULL */
  char *origin;  /* user@host of a commit of the fleet, or NULL; with the next two */
  guint64 fleet_revision;
  gint64 fleet_time;    /* microseconds since 1970 */
  GPtrArray *changes;   /* of HistoryChange */
  guint32 changes_left; /* that did not fit */
  gint64 deadline;      /* of a trial: when it is undone, microseconds since 1970; else 0 */
} HistoryEntry;
void history_change_free(HistoryChange *change);
void history_entry_free(HistoryEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HistoryEntry, history_entry_free)
typedef struct {
  gboolean no_follow;    /* of a link itself */
  gboolean hide_secrets; /* as in TreeOptions: that they were changed is told, not to what */
  guint32 limit;         /* revisions in an answer */
  guint64 before;        /* older ones only; 0: from the newest */
} HistoryOptions;
/* Revisions that touched @key, which may be deleted, or what is below it; newest first. Fewer than
 * the limit if the answer would become too large: ask again from the last. */
GPtrArray *reader_get_history(Reader *reader, const Identity *who, const char *key,
                              const HistoryOptions *options, GError **error); /* of HistoryEntry */

/* The trials under way, oldest first, with what they have changed that the caller may see; those
 * of which that is nothing are left out. @hide_secrets: as in HistoryOptions. Of HistoryEntry. */
GPtrArray *reader_list_trials(Reader *reader, const Identity *who, gboolean hide_secrets,
                              GError **error);

/* Where @key leads now: its canonical path, with the missing part spelled as asked. Needs read
 * on it, or on its nearest existing ancestor if it is missing. @no_follow: a link as last
 * component is itself. */
char *reader_resolve(Reader *reader, const Identity *who, const char *key, gboolean no_follow,
                     guint64 *revision, GError **error);

/* *@origin: the key whose list decides. */
Acl *reader_get_acl(Reader *reader, const Identity *who, const char *key, char **origin,
                    GError **error);

/* The locks at and below @key, by path; of secret values that the caller may not see none, and of
 * keys that they may not read none if @skip_unreadable. Of Lock. */
GPtrArray *reader_list_locks(Reader *reader, const Identity *who, const char *key,
                             gboolean skip_unreadable, GError **error);
/* Why the value @name of the key at the canonical @path (NULL: the key itself) is locked; *@reason
 * is NULL if it is not. Of a secret that the caller may not see, only the key's lock is told. */
gboolean reader_get_lock(Reader *reader, const Identity *who, const char *path, const char *name,
                         char **reason, GError **error);

/* The level that @identity has at @key, whose path and links are @who's. KEY_NOT_FOUND: the key
 * is missing, and @identity may know it. */
gboolean reader_check_access(Reader *reader, const Identity *who, const char *key,
                             const Identity *identity, AccessLevel *level, GError **error);

/* What an owner has declared, and what is there. */
typedef struct {
  char *key;  /* canonical, spelled as it is stored, or as it was declared */
  char *name; /* of a value; NULL: the key itself */
  char *owner;
  gboolean has_key;        /* the key is there */
  gboolean is_met;         /* what is there is what was declared */
  RegistryValue *declared; /* NULL: to be absent; of a key: a link's target, or none */
  RegistryValue *present;  /* NULL: not there; of a key: as above */
} DeclaredItem;
void declared_item_free(DeclaredItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeclaredItem, declared_item_free)
/* What is declared at and below @key, by @owner (NULL: by anybody); secret values that the caller
 * may not see are left out, and so are keys that they may not read if @skip_unreadable. */
GPtrArray *reader_list_declared(Reader *reader, const Identity *who, const char *key,
                                const char *owner, gboolean skip_unreadable, GError **error);
/* Who declares the value @name of the key at the canonical @path (NULL: the key), as far as the
 * caller may know; never NULL but for an error. */
char **reader_list_owners(Reader *reader, const Identity *who, const char *path, const char *name,
                          GError **error);

typedef struct {
  char *key, *name, *problem;
} Problem;
void problem_free(Problem *problem);
/* LIMIT_EXCEEDED: the problems are too many for one answer. */
GPtrArray *reader_validate(Reader *reader, const Identity *who, const char *key,
                           GError **error); /* of Problem */

/* What a replay is to tell of, as a watch does. */
typedef struct {
  const char *path; /* canonical */
  gboolean recursive;
  GHashTable *way; /* folded paths: links that change there are reported too; may be NULL */
} ReplayScope;
/* What happened in @scope after @since up to the snapshot's revision, oldest first; each
 * element is an Effective. Without what @who may not read now, or could not read then.
 * *@revision is the snapshot's. HISTORY_GONE, INVALID_VALUE (a revision still to come). */
GPtrArray *reader_replay(Reader *reader, const Identity *who, const ReplayScope *scope,
                         guint64 since, guint64 *revision, GError **error);

/* The live settings, as settings_load() finds them. */
gboolean reader_get_settings(Reader *reader, LiveSettings *settings, GError **error);
/* Whether damage to the database has been met. */
gboolean reader_is_damaged(const Reader *reader);

#endif
