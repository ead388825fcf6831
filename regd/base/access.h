/* SPDX-License-Identifier: MIT */
/* Who is calling, and what an access list allows them, as org.regd.Registry1(5) says under
 * ACCESS. Pure: names of users and groups are looked up by a resolver that is handed in. */
#ifndef REGD_BASE_ACCESS_H
#define REGD_BASE_ACCESS_H

#include "client/base/change.h"

/* The caller as the bus knows it. Immutable, counted atomically. */
typedef struct {
  guint32 uid;
  guint32 pid; /* for information */
  gboolean administrator;
  guint32 *groups;
  guint n_groups;
  char *branch;  /* the canonical path of the user's own branch */
  char *program; /* first word of the command line, for information; never NULL */
} Identity;
Identity *identity_new(guint32 uid, gboolean administrator, const guint32 *groups, guint n_groups,
                       guint32 pid, const char *program);
/* Whether @uid is root or @own, the user that regd runs as: they are always administrators. */
gboolean identity_is_administrator(guint32 uid, guint32 own);
Identity *identity_ref(Identity *identity);
void identity_unref(Identity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Identity, identity_unref)

typedef enum { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE, ACCESS_CONTROL } AccessLevel;
/* "none", "read", "write", "control". */
const char *access_level_get_name(AccessLevel level);

/* The id of a name that this host does not know: nobody has it, and a list may name it more than
 * once. */
#define ACCESS_NOBODY G_MAXUINT32

typedef enum { PRINCIPAL_EVERYONE, PRINCIPAL_USER, PRINCIPAL_GROUP } PrincipalKind;
/* One entry with its principal resolved: the text as it was given, and the id
 * that decides. */
typedef struct {
  PrincipalKind kind;
  guint32 id;
  AccessLevel level;
  char *principal; /* "user:alice", as given */
} AclEntry;
/* Immutable, counted atomically. */
typedef struct Acl Acl;
Acl *acl_ref(Acl *acl);
void acl_unref(Acl *acl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Acl, acl_unref)

/* Looks a name up; FALSE: no such name. NSS may block: not on the main loop. */
typedef gboolean (*PrincipalResolver)(PrincipalKind kind, const char *name, guint32 *id);
gboolean access_resolve_with_nss(PrincipalKind kind, const char *name, guint32 *id);
/* The name of a user, as long to wait for; NULL: there is none. Owned. */
char *access_dup_user_name(guint32 uid);

/* INVALID_VALUE: a principal or level is malformed, a name is unknown, or a principal is named
 * twice. LIMIT_EXCEEDED: there are too many entries. */
Acl *acl_new(const AclText *entries, guint n_entries, PrincipalResolver resolver, GError **error);
const AclEntry *acl_get_entries(const Acl *acl, guint *n_entries);
/* Splits "user:alice" into its kind and, borrowed, what follows ("" for everyone). INVALID_VALUE:
 * it is no principal. */
gboolean access_split_principal(const char *principal, PrincipalKind *kind, const char **name,
                                GError **error);
/* The uid or gid that @name is in decimal, or that @resolver finds. */
gboolean access_find_id(PrincipalKind kind, const char *name, PrincipalResolver resolver,
                        guint32 *id);
/* A caller who is that user with all their groups, anybody of that group, or anybody (@id is
 * not used). Asks NSS: not on the main loop. */
Identity *access_new_stand_in(PrincipalKind kind, guint32 id, gboolean administrator);
/* One line of text, for the database; acl_decode() refuses anything else. */
char *acl_encode(const Acl *acl);
Acl *acl_decode(const char *text, GError **error);
gboolean acl_equal(const Acl *a, const Acl *b);

/* Whether the canonical path @path lies in @identity's own branch, at or below HKEY_USERS\<uid>. */
gboolean access_owns(const Identity *identity, const char *path);
/* What @identity may do at the canonical path @path, where @acl decides. A NULL list gives nothing.
 * Administrators, and users in their own branch, have control whatever the list says: nobody locks
 * themselves out. */
AccessLevel acl_get_level(const Acl *acl, const char *path, const Identity *identity);
/* The same without the entry for everyone: the level that counts for secret values. */
AccessLevel acl_get_secret_level(const Acl *acl, const char *path, const Identity *identity);

#endif
