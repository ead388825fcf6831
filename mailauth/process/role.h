/* SPDX-License-Identifier: MIT */
/* What a role is given when it starts, and how it gives up what it does not need.
 *
 * Each role but the parent is mailauthd run anew, and the store a smaller program
 * (store-main.c), with its channel as descriptor 3 and nothing else open but standard input,
 * output and error. Each has one entry point, which takes over the process and returns its
 * exit code:
 *
 *   int front_run(const RoleStart *start);      mailauth/front/front.h
 *   int verifier_run(const RoleStart *start);   mailauth/verifier/verifier.h
 *   int verifier_check(const char *bus);        mailauth/verifier/verifier.h; `mailauthd --check`
 *   int store_run(const RoleStart *start);      mailauth/mailbox/store.h
 *   int identity_run(const RoleStart *start);   mailauth/parent/identity.h
 *   int pam_helper_run(const RoleStart *start); mailauth/pam/pam-helper.h
 *   int connector_run(const RoleStart *start);  mailauth/connector/connector.h
 *   int sql_role_run(const RoleStart *start);   mailauth/sql/sql-role.h
 *
 * When its channel ends, the parent has gone: the role ends too. (The store's
 * channel goes to the verifier, and so does that of each process that is split off
 * it: they finish the session that they serve first, which ends with the front.) */
#ifndef MAILAUTH_PROCESS_ROLE_H
#define MAILAUTH_PROCESS_ROLE_H

#include "mailauth/ipc/channel.h"

/* The verifier's exit code when `ObjectName` names another user than the one it
 * runs as (and user_is_chosen): the parent then asks again, and starts one as that user. */
#define ROLE_EXIT_OTHER_USER 77
/* Exit code of a role that could not give up its rights: the parent stops then. */
#define ROLE_EXIT_UNSETTLED 78

/* Has role_launch() run this program. */
#define ROLE_OWN_PROGRAM (-1)

/* Where a role finds its channel. */
#define ROLE_DESCRIPTOR 3

/* The user that a role runs as. */
typedef struct {
  guint32 uid, gid;
  guint32 groups[64]; /* the supplementary ones */
  guint n_groups;
} RoleUser;

typedef struct {
  Role role;
  int descriptor;          /* of the channel: channel_new(start->descriptor, role, peer) */
  const char *bus;         /* what --bus= said, or NULL: for registry_connection_new() */
  gboolean user_is_chosen; /* started by root: `ObjectName` decides whose process the verifier is.
                              Else all roles are the same ordinary user's */
  gboolean drops_rights;   /* to those of `user`; FALSE if the parent has none to drop */
  RoleUser user;
  guint lacks; /* SandboxLacks, once it has settled */
} RoleStart;

/* What a program has of a role that it can be. */
typedef struct {
  /* Reads what is read only once, with the rights that it was started with; NULL: nothing. */
  void (*prepare)(void);
  int (*run)(const RoleStart *start); /* NULL: the program can't be that role */
} RolePart;

/* The command line that makes a program a role. @bus may be NULL; @user is NULL if the
 * parent is no root. NULL-terminated, the caller's. */
char **role_make_arguments(Role role, const char *bus, gboolean user_is_chosen,
                           const RoleUser *user);
/* The same read back. FALSE if it is not such a command line: with start->role N_ROLES
 * if it is an ordinary one. Strings are borrowed from @arguments. */
gboolean role_parse_arguments(char **arguments, RoleStart *start);

/* Gives root's rights up for good, for those of @user. */
gboolean role_become(const RoleUser *user, GError **error);

/* Gives up what the role has no use for: root's rights for good, new ones by any
 * program, core files, being traced, files and system calls (sandbox.h); and has it end
 * with its parent. Call first; if it fails the role must not serve. ACCESS_DENIED: it
 * would run as root. */
gboolean role_settle(RoleStart *start, GError **error);

/* Has @part prepare, settles, and has it run: the process's exit code. */
int role_run(RoleStart *start, const RolePart *part);

/* The store's program, which is beside this one in a build tree, and else where it is
 * installed: a descriptor for role_launch(), the caller's. It stays the same program if
 * another version takes its place. -1 and an error: it is nowhere. */
int role_open_store(GError **error);

/* Runs the open @program, or this one if that is ROLE_OWN_PROGRAM, with @arguments of
 * role_make_arguments(), @channel as its descriptor 3, and nothing else of this process's.
 * Both descriptors stay the caller's. -1 and an error if there is no process to be had. */
GPid role_launch(int program, char *const *arguments, int channel, GError **error);

#endif
