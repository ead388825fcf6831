/* SPDX-License-Identifier: MIT */
/* Landlock: rights over files, networks and other processes that a process gives up for
 * good, and for all that it starts (landlock(7)). The kernel is asked at run time what
 * it knows of it; what it does not know is left out, and reported. */
#ifndef CLIENT_CONFINE_LANDLOCK_H
#define CLIENT_CONFINE_LANDLOCK_H

#include <glib.h>

/* The version of Landlock that first has a thing. */
#define LANDLOCK_VERSION_FILES 1
#define LANDLOCK_VERSION_MOVES 2   /* files may be let move between folders */
#define LANDLOCK_VERSION_NETWORK 4 /* TCP */
#define LANDLOCK_VERSION_SIGNALS 6 /* signals, and Unix sockets without a path */

/* What may be done with the files below a folder; never running one. */
typedef enum {
  FILES_NONE = 0,
  FILES_READ = 1 << 0,   /* files and lists of files */
  FILES_CHANGE = 1 << 1, /* regular files: made, written, cut, removed */
  FILES_ARRANGE = 1 << 2 /* folders are made, and files moved between them */
} FileRights;

typedef struct {
  FileRights files;     /* below `folder`; nothing anywhere else */
  int folder;           /* borrowed; -1 if `files` is FILES_NONE */
  gboolean no_connect;  /* TCP connections can't be made, but to `ports`; accepting them
                           never can */
  const guint16 *ports; /* borrowed */
  guint n_ports;
  gboolean no_abstract_sockets; /* nor Unix sockets without a path be connected to */
} LandlockRules;

/* 0: the kernel has none, or has it turned off. */
guint landlock_get_version(void);

/* For this thread and those it starts; needs PR_SET_NO_NEW_PRIVS. Rules add up: what one
 * call has taken no other gives back. TRUE even if the kernel has none. */
gboolean landlock_restrict(const LandlockRules *rules, GError **error);

#endif
