/* SPDX-License-Identifier: MIT */
/* The change: an ordered list of operations, the one unit of everything that
 * writes (SetValue, Commit, Import, Rollback), and the names of what a commit
 * did, as signals and history tell it. Pure data. */
#ifndef CLIENT_BASE_CHANGE_H
#define CLIENT_BASE_CHANGE_H

#include "client/registry.h"

typedef enum {
  OPERATION_SET_VALUE,
  OPERATION_DELETE_VALUE,
  OPERATION_CREATE_KEY,
  OPERATION_DELETE_KEY,
  OPERATION_DELETE_TREE,
  OPERATION_RENAME_KEY,
  OPERATION_CREATE_LINK,
  OPERATION_EXPECT_VALUE,
  OPERATION_EXPECT_ABSENT,
  OPERATION_EXPECT_REVISION,
  OPERATION_COPY_KEY,
  OPERATION_SET_ACL,       /* this and all that follow are no operations of the call Commit */
  OPERATION_ROLLBACK,      /* makes the branch what it was at `revision` */
  OPERATION_UNDO_REVISION, /* a caller undoes what `revision` changed */
  OPERATION_UNDO,          /* the daemon undoes `revision`, whose trial has ended */
  OPERATION_CONFIRM,       /* `revision` is no longer on trial */
  OPERATION_END_TRIAL,     /* `revision`, which is on trial, is undone now */
  OPERATION_PURGE,         /* the old data of a value, or of a key's values */
  OPERATION_LOCK,          /* a value, or a key with all below it; `target` is the reason */
  OPERATION_UNLOCK,
  OPERATION_DISOWN, /* `target` is the owner whose declarations are forgotten */
  OPERATION_FLEET,  /* the daemon does what its fleet says; `acl` is what that is */
} OperationKind;

typedef enum {
  OPERATION_TOLERANT = 1 << 0,     /* deleting what does not exist is no error (Import) */
  OPERATION_NO_FOLLOW = 1 << 1,    /* the last component is not followed if it is a link */
  OPERATION_VOLATILE = 1 << 2,     /* create-key: option volatile true */
  OPERATION_NOT_VOLATILE = 1 << 3, /* create-key: option volatile false, said explicitly */
  OPERATION_KEY_ABSENT = 1 << 4,   /* expect-absent: of the key, not of a value */
  OPERATION_RECURSIVE = 1 << 5,    /* purge, lock, unlock: all at and below the key */
  OPERATION_ONLY_MISSING = 1 << 6, /* set-value, create-link: an existing value or key is kept */
} OperationFlags;

/* One (principal, level) of an ACL as it goes over the wire. */
typedef struct {
  char *principal;
  char *level;
} AclText;

typedef struct {
  OperationKind kind;
  guint flags;
  GRefString *key;      /* as the caller wrote it; not parsed yet */
  char *name;           /* value name; rename-key: the new leaf; else NULL */
  RegistryValue *value; /* set-value, expect-value */
  char *target;         /* create-link: target path; copy-key: destination */
  char *class_name;     /* create-key: option class, or NULL */
  guint64 revision;     /* expect-revision */
  /* set-acl: the list, of a type that only regd knows; NULL: the key inherits. fleet: the order. */
  gpointer acl;
  GDestroyNotify acl_free; /* frees acl, if not NULL */
} Operation;

typedef struct Change Change;
/* Adds operations to @change; FALSE with @error if they can't be read. */
typedef gboolean (*ChangeFill)(Change *change, gpointer source, GError **error);

struct Change {
  GPtrArray *operations; /* of Operation */
  char *comment;         /* or NULL */
  gboolean dry_run;
  guint32 confirm_within; /* seconds; 0: not on trial */
  char *owner;            /* who declares what this change sets, or NULL */
  gboolean prune;         /* what the owner has declared and does not declare again goes */
  char *lock_reason;      /* the declared values are locked, or NULL */
  gboolean over_locks;    /* the daemon's own: what is locked does not hold it up */
  gboolean indexed;       /* errors name the operation by its index (Commit) */
  /* Not NULL: the operations are still to be read from @source, which change_fill() does on the
   * thread that applies the change. */
  ChangeFill fill;
  gpointer source;
  GDestroyNotify free_source;
  guint64 fill_steps; /* what reading them is charged */
};

Change *change_new(void);
void change_free(Change *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Change, change_free)

/* Reads what is still to be read; TRUE at once if there is nothing. */
gboolean change_fill(Change *change, GError **error);

/* Frees an operation that is not needed any more. NULL stands in its place. */
void change_drop_operation(Change *change, guint index);

/* Appends an operation and returns it, to be filled in. If @key equals the last
 * operation's, both share one string. */
Operation *change_add(Change *change, OperationKind kind, const char *key);
Operation *change_add_set_value(Change *change, const char *key, const char *name,
                                const RegistryValue *value);
Operation *change_add_delete_value(Change *change, const char *key, const char *name);

/* "set-value" and so on; FALSE for a word that Commit does not know. */
const char *operation_kind_get_name(OperationKind kind);
gboolean operation_kind_parse(const char *word, OperationKind *kind);

/* What a commit did to one key or value. */
typedef enum {
  CHANGE_KEY_CREATED,
  CHANGE_KEY_DELETED,
  CHANGE_VALUE_SET,
  CHANGE_VALUE_DELETED,
  CHANGE_ACL_CHANGED,
  CHANGE_LINK_CHANGED,
  CHANGE_TREE_CHANGED,
  CHANGE_LOCK_CHANGED,
} ChangeKind;

/* "key-created" and so on; static. FALSE for any other word. */
const char *change_kind_get_name(ChangeKind kind);
gboolean change_kind_parse(const char *word, ChangeKind *kind);

#endif
