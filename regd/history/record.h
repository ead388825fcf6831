/* SPDX-License-Identifier: MIT */
/* Rows of history: what each revision changed, who made it, and which access lists decided;
 * writing them, replaying them to watchers, and reading them for GetHistory. past-tree.h tells
 * what existed at a revision, retention.h how much is kept. */
#ifndef REGD_HISTORY_RECORD_H
#define REGD_HISTORY_RECORD_H

#include "regd/storage/store.h"

/* One thing that a commit changed, with all that is needed to report it, to decide who may
 * hear of it, and to undo it. */
typedef struct {
  ChangeKind kind;
  gint64 key;
  GRefString *path;         /* canonical; NULL until it is asked for */
  char *name;               /* value name as stored; NULL for keys */
  RegistryValue *old_value; /* value-set (NULL: it was not there), value-deleted */
  RegistryValue *new_value; /* value-set */
  gint64 old_position;      /* with old_value */
  GBytes *old_state; /* key-deleted: the key's attributes; acl-changed: its own list before */
  gint64 before_acl, after_acl;
  Acl *before, *after; /* the lists themselves; may be NULL after reading */
  gboolean secret;     /* a schema called the value secret */
  gboolean old_secret; /* the old value was secret when it was written */
  gboolean blind;      /* its maker may not know if it is what it was: recorded in any case */
  gboolean reroutes;   /* a link came, went or was pointed elsewhere */
  gboolean purged;     /* the values have been purged */
  gboolean old_purged; /* and there was an old one */
  gboolean moved; /* a value that changed its spelling or position: reported as deleted and set */
} Difference;
void difference_free(Difference *difference);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Difference, difference_free)

/* About how many bytes history needs for it. */
gsize difference_get_size(const Difference *difference);

/* The attributes of a deleted key, for restoring it. */
GBytes *history_encode_key(const KeyRow *row, Acl *own);
/* Fills name, class_name, link, link_by_administrator, is_volatile and last_write of @row;
 * *@own is the key's own list or NULL. STORAGE_FAILURE if @state is NULL or damaged. */
gboolean history_decode_key(GBytes *state, KeyRow *row, Acl **own, GError **error);
GBytes *history_encode_acl(Acl *own);
gboolean history_decode_acl(GBytes *state, Acl **own, GError **error);

/* One revision's head. */
typedef struct {
  guint64 revision;
  gint64 time; /* microseconds since 1970 */
  guint32 uid, pid;
  char *program;
  char *comment; /* or NULL */
  /* Of a commit that the fleet has brought: user@host, its revision in the cluster, and when it
   * was made there (microseconds since 1970). NULL and 0 for others. */
  char *origin;
  guint64 fleet_revision;
  gint64 fleet_time;
} RevisionRow;
void revision_row_free(RevisionRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RevisionRow, revision_row_free)
gboolean history_get_revision(Store *store, guint64 revision, RevisionRow **row, GError **error);

/* Writes @differences of one revision in order, behind *@rows rows of it, which is counted up. */
gboolean history_record(Store *store, const RevisionRow *head, const GPtrArray *differences,
                        guint *rows, GError **error);
/* Takes all rows of @revision away again. */
gboolean history_take_back(Store *store, guint64 revision, GError **error);

/* Who a replay is for. Strings and the table are borrowed. */
typedef struct {
  const char *watched; /* a canonical path, folded; what reaches it is told (effective.h) */
  gboolean recursive;
  GHashTable *way; /* folded paths of keys: of links that change there, too; may be NULL */
  /* NULL: of everything. @key is the row of the entry's key. FALSE: it can't be found out. */
  gboolean (*may_hear)(const EffectiveEntry *entry, gint64 key, gpointer data, gboolean *may,
                       GError **error);
  /* The path of a row as the listener is told it; released by the caller. NULL: as stored. */
  GRefString *(*get_path)(gint64 key, gpointer data, GError **error);
  gpointer data;
} HistoryListener;

/* What happened after @since, oldest first: an array of Effective, without those that
 * the listener hears nothing of. No more than LIMIT_REPLAY_CHANGES entries are held:
 * past that, and past what one signal can tell, a revision's are given up
 * (too_many). Of more than LIMIT_REPLAY_CHANGES revisions the next one is given up
 * in any case, and those after it are left out. */
GPtrArray *history_replay(Store *store, guint64 since, const HistoryListener *listener,
                          GError **error);

/* The ids of the keys at or below @key of which anything has changed after @since, which history
 * must reach. Deletions count. */
GArray *history_list_changed(Store *store, gint64 key, guint64 since, GError **error);

typedef struct {
  guint64 before;  /* older revisions only; 0: all */
  guint64 horizon; /* newer ones only */
  guint limit;     /* so many at most */
} HistoryRange;
/* Numbers of the newest revisions in @range that touched @key or what is below it, newest
 * first. */
GArray *history_list_revisions(Store *store, gint64 key, const HistoryRange *range, GError **error);

/* Is called for each difference, borrowed; FALSE with error unset ends it. */
typedef struct {
  gboolean (*visit)(const Difference *difference, guint64 revision, gpointer data, GError **error);
  gpointer data;
} HistoryVisitor;
/* The differences of a revision, in order. */
gboolean history_visit_revision(Store *store, guint64 revision, const HistoryVisitor *visitor,
                                GError **error);
/* All after @since, newest first: the order in which they are undone. */
gboolean history_visit_back(Store *store, guint64 since, const HistoryVisitor *visitor,
                            GError **error);
/* Where to look for what has changed. */
typedef struct {
  gint64 key; /* it and all below it */
  guint64 since;
  GArray *above; /* of gint64: ids of further keys */
} HistoryBranchRange;
/* The differences of these keys after range->since, those of each key newest first. Others' may
 * be among them: all of history is gone through if it is short, or if the branch is large. */
gboolean history_visit_branch(Store *store, const HistoryBranchRange *range,
                              const HistoryVisitor *visitor, GError **error);
/* Those of one key after @since, in no particular order. */
gboolean history_visit_key(Store *store, gint64 key, guint64 since, const HistoryVisitor *visitor,
                           GError **error);
/* Those of one key in @revision, in order. */
gboolean history_visit_key_at(Store *store, gint64 key, guint64 revision,
                              const HistoryVisitor *visitor, GError **error);
/* The ids of @key and all below it, live or dead, at most @limit. */
GArray *history_list_branch(Store *store, gint64 key, guint limit, GError **error);

/* Which keys are at or below a given one: reads each row once and remembers the answer. */
typedef struct HistoryBranch HistoryBranch;
HistoryBranch *history_branch_new(Store *store, gint64 key);
void history_branch_free(HistoryBranch *branch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HistoryBranch, history_branch_free)
gboolean history_branch_holds(HistoryBranch *branch, gint64 key, gboolean *holds, GError **error);

/* Whether the value @row of @key was secret when it was written. FALSE, too, if neither the row nor
 * history knows. */
gboolean history_was_secret(Store *store, gint64 key, const ValueRow *row, gboolean *secret,
                            GError **error);

/* Purges the old data of a value from every row, or of all values of the key if @name is NULL. */
gboolean history_purge(Store *store, gint64 key, const char *name, GError **error);

#endif
