/* SPDX-License-Identifier: MIT */
/* The change that is being applied, and what all its operations share: resolving the key of an
 * operation, collecting the differences, and the bytes that count for each user. */
#ifndef REGD_EDIT_EDIT_H
#define REGD_EDIT_EDIT_H

#include "client/base/change.h"
#include "regd/base/result.h"
#include "regd/declare/lock-set.h"
#include "regd/history/record.h"
#include "regd/tree/place-cache.h"
#include "regd/tree/settings.h"
#include "schema/rules.h"

/* Who made a commit that the fleet has brought; borrowed. */
typedef struct {
  const char *user_at_host;
  const char *program;
  guint64 revision; /* of the cluster */
  gint64 time;      /* microseconds since 1970, by that host's clock */
} EditOrigin;

/* Bytes of history in one scope of it (retention.h). */
typedef struct {
  gint64 scope, bytes;
} ScopeBytes;

/* What has been recorded of the change so far: see recording.h. */
typedef struct {
  guint rows;           /* of history */
  Effective *effective; /* NULL: nothing is recorded yet */
  GArray *scopes;       /* of ScopeBytes, in the order of the differences */
} Recorded;

typedef struct {
  Store *store;
  PlaceCache *places; /* valid for existing keys: see edit_forget_place() */
  SchemaSet *schemas;
  const LiveSettings *settings;
  const char *owner;         /* who declares what is set, or NULL */
  struct Declarer *declarer; /* see op-declare.h; NULL without an owner */
  GHashTable *gone;    /* thing (declared.h) -> RegistryValue that this change has deleted; NULL
                          without an owner */
  gboolean is_moving;  /* what goes comes back elsewhere, with what is declared of it */
  gboolean is_pruning; /* what the owner declares no more goes; locks of what is empty stay */
  LockSet *locks;      /* NULL: nothing is locked */
  gboolean over_locks; /* what is locked does not hold this change up */
  const struct FleetHook *fleet; /* see fleet-hook.h; NULL: there is none */
  gboolean is_fleets;            /* the fleet brings this change: it is not proposed to it */
  /* A secret value that is set to what it was is a change, too: on the host whose user wrote it
   * blindly, the reply must not tell that they guessed right. */
  gboolean every_secret_counts;
  gboolean is_in_parts;     /* what it did is recorded while it is applied, too */
  gboolean is_applied_once; /* no operation is needed again once it is applied */
  const EditOrigin *origin; /* NULL: it was made on this host */
  Identity *who;
  Identity *undoer; /* `who` while a trial is ended early; owned, or NULL */
  guint64 revision; /* the one this change takes if it changes something */
  gint64 now;
  WriteResult *result; /* for the counts */

  GPtrArray *differences; /* of Difference, in order; those that are not recorded yet */
  Recorded recorded;
  GHashTable *usage;      /* uid -> UserUsage, of each user whose branch is changed */
  gint64 held;            /* see edit_settle() */
  gboolean has_deleted;   /* something was deleted: what is made afterwards may be the same again */
  guint64 undone;         /* the trial that this change ends; 0: it ends none */
  guint64 undone_fleet;   /* the number of the fleet's commit; 0: it is none of a fleet */
  guint left_out;         /* what the trial may not give back to its maker */
  guint left_locked;      /* what it leaves because it is locked */
  gint64 left_out_at;     /* a key at or below which that is, either of them */
  gboolean writes_anyway; /* something is to be committed although no key */
  gboolean has_revisited; /* something was changed twice: edit_fold() is needed */

  GRefString *last_key; /* the path of last_place: imports name the key for each value */
  Place *last_place;
  gint64 touched;          /* the key touched last */
  gint64 touched_children; /* the key whose sub-keys were touched last */
  char *described_key;     /* the path of the key whose schemas were looked up last */
  gboolean is_described;   /* whether it has any */
} Edit;
/* Frees what the operations have made, not what the edit was given. */
void edit_clear(Edit *edit);
void edit_clear_recorded(Edit *edit);

/* The place of @key, with links followed; cached for the next operation on the same key.
 * Borrowed until a key is created, deleted or renamed. */
Place *edit_resolve(Edit *edit, GRefString *key, GError **error);
/* Call after the place that edit_resolve() returned last was created. */
void edit_note_place(Edit *edit);
/* Call after every change to the tree: cached places are no longer valid. */
void edit_forget_place(Edit *edit);

/* A key in the tree, for operations at or below it. Borrowed. */
typedef struct {
  gint64 id;
  gint64 acl; /* the list that decides there */
  const char *path;
} KeyAt;

/* The list that would decide at @row if it had none of its own. */
gboolean edit_find_above(Edit *edit, const KeyRow *row, gint64 *acl, GError **error);
/* The key's own list, or the one that decides above. */
gint64 edit_deciding(const KeyRow *row, gint64 above);

/* What became different. Borrowed. */
typedef struct {
  ChangeKind kind;
  gint64 key;
  const char *name;     /* of a value; NULL for keys */
  gint64 before, after; /* the lists that decided and decide; 0: the key was, or is, not there */
} EditChange;
/* Appends @change, and returns the difference, whose values are to be filled in. */
Difference *edit_add(Edit *edit, const EditChange *change, GError **error);
/* Marks the key changed in this revision. */
gboolean edit_touch(Edit *edit, gint64 key, GError **error);
/* What a user has stored below HKEY_USERS\<uid>, in bytes. */
typedef struct {
  gint64 before; /* the change */
  gint64 delta;
} UserUsage;
/* Charges bytes gained, or gives back those that are lost, at @path, if it is below a user's
 * branch. LIMIT_EXCEEDED: so much that the change can't be meant to end within the limit. */
gboolean edit_charge(Edit *edit, const char *path, gint64 delta, GError **error);
/* *@fits: whether the user whose branch @path lies in may have so many bytes more, whoever
 * makes the change. TRUE elsewhere. */
gboolean edit_has_room(Edit *edit, const char *path, gint64 bytes, gboolean *fits, GError **error);
/* Whether each user is within the limit after the change; writes what they have now. @hold: the
 * change is on trial, and what it frees of its maker's bytes stays charged (edit->held): undoing
 * needs them again. */
gboolean edit_settle(Edit *edit, gboolean hold, GError **error);

#endif
