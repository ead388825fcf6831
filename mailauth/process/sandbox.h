/* SPDX-License-Identifier: MIT */
/* What each role is kept from once it has started, besides the rights of root, as a
 * table of roles. Landlock takes files, networks and other processes away (landlock.h),
 * and a filter takes system calls away (syscall-filter.h); the front, if root starts it,
 * is also in an empty folder.
 *
 * A piece that the kernel lacks is left out, and listed by sandbox_get_lacks(). A piece
 * that it has and refuses is an error. */
#ifndef MAILAUTH_PROCESS_SANDBOX_H
#define MAILAUTH_PROCESS_SANDBOX_H

#include "mailauth/ipc/messages.h"

/* Bits of what is lacking. */
typedef enum {
  SANDBOX_LACKS_CALLS = 1 << 0,    /* system calls are not filtered */
  SANDBOX_LACKS_FILES = 1 << 1,    /* no Landlock at all */
  SANDBOX_LACKS_MOVES = 1 << 2,    /* the store can't be kept to one Maildir */
  SANDBOX_LACKS_NETWORK = 1 << 3,  /* TCP is kept away by the filter only */
  SANDBOX_LACKS_SCOPES = 1 << 4,   /* signals to others: by the filter and the user only */
  SANDBOX_LACKS_LOCKS = 1 << 5,    /* memory that held a password may be swapped out */
  SANDBOX_LACKS_FOLDER = 1 << 6,   /* the front, started by root, is in no empty folder */
  SANDBOX_LACKS_SOCKETS = 1 << 7,  /* sockets of all kinds: socketcall(2) can't be filtered */
  SANDBOX_LACKS_MAPPINGS = 1 << 8, /* memory that may be run: mmap(2) can't be filtered */
} SandboxLacks;

/* What the kernel has no part in. */
#define SANDBOX_LACKS_ANY_KERNEL                                                                   \
  (SANDBOX_LACKS_CALLS | SANDBOX_LACKS_FILES | SANDBOX_LACKS_MOVES | SANDBOX_LACKS_NETWORK |       \
   SANDBOX_LACKS_SCOPES)

/* What the kernel lacks. */
guint sandbox_get_lacks(void);
/* What is lacking, in words: one string a bit of @lacks. Free with g_strfreev(). */
char **sandbox_describe_lacks(guint lacks);

/* The parent, as root: keeps the rights of root's that it has a use for, and rules
 * new ones out. FALSE: they can't be given up. */
gboolean sandbox_enter_parent(GError **error);
/* As root if the role was started so: takes the front to an empty folder. Call before there
 * are threads. Returns what of it could not be done (SandboxLacks). */
guint sandbox_prepare(Role role);
/* For good. Call before there are threads, with PR_SET_NO_NEW_PRIVS set. */
gboolean sandbox_enter(Role role, GError **error);
/* The second step of a role that speaks to one server: no TCP but to @ports, and to a name
 * server's if @has_names. For good. */
gboolean sandbox_enter_server(const guint16 *ports, guint n_ports, gboolean has_names,
                              GError **error);
/* The store's second step: no files but those below the folder @path, and no more
 * processes. For good. */
gboolean sandbox_enter_folder(const char *path, GError **error);

#endif
