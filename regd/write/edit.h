/* SPDX-License-Identifier: MIT */
/* The change being applied: what apply.c and its parts (op-values.c,
 * op-keys.c, op-moves.c, op-expect.c) share. For nobody else. */
#ifndef REGD_WRITE_EDIT_H
#define REGD_WRITE_EDIT_H

#include "regd/history/record.h"
#include "regd/history/retention.h"
#include "regd/tree/place.h"
#include "regd/write/apply.h"

typedef struct {
  Store *store;
  Places *places; /* what is in it holds, for existing keys: see edit_forget_place() */
  SchemaSet *schemas;
  const LiveSettings *settings;
  Identity *who;
  guint64 revision; /* the one this change takes if it changes something */
  gint64 now;
  WriteResult *result; /* for the counts */

  GPtrArray *differences; /* of Difference, in order */
  GHashTable *usage;      /* uid -> gint64, bytes added below HKEY_USERS\<uid> */
  gboolean has_deleted;   /* something is gone: what is made now may be the same again */
  guint64 undone;         /* the trial that has ended, 0: what is changed is nobody's change */
  gboolean writes_anyway; /* something is to be kept although no key or value differs */
  gboolean has_revisited; /* something was changed twice: the differences must be folded */

  GRefString *last_key; /* the path that last_place is of: imports name a key for each value */
  Place *last_place;
  gint64 touched;          /* the key touched last */
  gint64 touched_children; /* the key whose sub-keys were touched last */
  char *judged;            /* the path of the key whose schemas were asked for last */
  gboolean is_described;   /* whether it has any */
} Edit;

/* The place of @key, links followed, kept for the next operation on the same
 * key. Borrowed until something is created, deleted or renamed. */
Place *edit_resolve(Edit *edit, GRefString *key, GError **error);
/* What edit_resolve() gave last is there now. */
void edit_note_place(Edit *edit);
/* After every change to the tree itself. */
void edit_forget_place(Edit *edit);

/* Appends what became different. @before or @after 0: the key was, or is, not there. */
Difference *edit_add(Edit *edit, ChangeKind kind, gint64 key, const char *name, gint64 before,
                     gint64 after, GError **error);
/* Marks the key changed in this revision. */
gboolean edit_touch(Edit *edit, gint64 key, GError **error);
/* Notes bytes gained or lost at @path, if it is below a user's branch. */
void edit_count_bytes(Edit *edit, const char *path, gint64 delta);

/* Checks one value against schemas and limits for @path. */
gboolean edit_check_value(Edit *edit, const char *path, const char *name,
                          const RegistryValue *value, GError **error);
gboolean edit_is_secret(Edit *edit, const char *path, const char *name);
/* Writes one value into an existing key and notes the difference. @acl decides
 * there; @position 0: behind the others, unless it is there already. */
gboolean edit_store_value(Edit *edit, gint64 key, gint64 acl, const char *path, const char *name,
                          const RegistryValue *value, gint64 position, GError **error);
/* Writes a value as it was: spelling and position too. Its data has been checked. */
gboolean edit_put_back(Edit *edit, gint64 key, gint64 acl, const char *path, const char *name,
                       const RegistryValue *value, gint64 position, GError **error);
/* Deletes one value; takes its data out of @row. */
gboolean edit_delete_row(Edit *edit, gint64 key, gint64 acl, const char *path, ValueRow *row,
                         GError **error);
gboolean edit_delete_values(Edit *edit, const KeyRow *row, gint64 acl, const char *path,
                            GError **error);
/* Makes what @place misses, as ordinary keys; the last one from @leaf's class,
 * link and volatility (NULL: ordinary). Then the place exists. Needs no rights:
 * the caller has checked them. */
gboolean edit_create(Edit *edit, Place *place, const KeyRow *leaf, GError **error);
/* Deletes a key and all below it; @above is the list that decides above it. */
gboolean edit_delete_tree(Edit *edit, const KeyRow *row, gint64 above, GError **error);
/* Writes one new key, whose place is free, and notes the difference; @above is
 * the list that decides above it. Sets the row's id. */
gboolean edit_insert(Edit *edit, KeyRow *row, gint64 above, GError **error);
/* The list that would decide at @row if it had none of its own. */
gboolean edit_find_above(Edit *edit, const KeyRow *row, gint64 *acl, GError **error);
/* The list of one's own, else the one that decides above. */
gint64 edit_deciding(const KeyRow *row, gint64 above);
/* Whether @acl gives the caller @level; else ACCESS_DENIED naming @path. */
gboolean edit_require(Edit *edit, gint64 acl, const char *path, AccessLevel level, GError **error);

/* Points the link @row at @target; @acl decides there. */
gboolean edit_point_link(Edit *edit, KeyRow *row, gint64 acl, const char *target, GError **error);
/* Gives @row the list @id of its own (0: none); @above decides without one. */
gboolean edit_set_list(Edit *edit, KeyRow *row, gint64 above, gint64 id, GError **error);

/* One function an operation; the table is in apply.c. */
gboolean apply_set_value(Edit *edit, const Operation *operation, GError **error);
gboolean apply_delete_value(Edit *edit, const Operation *operation, GError **error);
gboolean apply_create_key(Edit *edit, const Operation *operation, GError **error);
gboolean apply_create_link(Edit *edit, const Operation *operation, GError **error);
gboolean apply_delete_key(Edit *edit, const Operation *operation, GError **error);
gboolean apply_rename_key(Edit *edit, const Operation *operation, GError **error);
gboolean apply_copy_key(Edit *edit, const Operation *operation, GError **error);
gboolean apply_set_acl(Edit *edit, const Operation *operation, GError **error);
gboolean apply_expect_value(Edit *edit, const Operation *operation, GError **error);
gboolean apply_expect_absent(Edit *edit, const Operation *operation, GError **error);
gboolean apply_expect_revision(Edit *edit, const Operation *operation, GError **error);

gboolean apply_rollback(Edit *edit, const Operation *operation, GError **error);
gboolean apply_undo(Edit *edit, const Operation *operation, GError **error);
/* The trial is over, and nothing has to be undone. */
gboolean edit_end_trial(Edit *edit, guint64 revision, GError **error);
gboolean apply_confirm(Edit *edit, const Operation *operation, GError **error);
gboolean apply_purge(Edit *edit, const Operation *operation, GError **error);

/* Folds differences that touch the same thing twice into one, and drops those
 * that end where they began. */
gboolean edit_fold(Edit *edit, GError **error);

#endif
