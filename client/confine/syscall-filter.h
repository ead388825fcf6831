/* SPDX-License-Identifier: MIT */
/* The system calls that a process keeps (seccomp(2)): a table of groups of them, and the
 * filter that is made of it. They are named: libseccomp knows the machine's numbers. */
#ifndef CLIENT_CONFINE_SYSCALL_FILTER_H
#define CLIENT_CONFINE_SYSCALL_FILTER_H

#include <glib.h>

/* What a process may do with system calls beyond computing, telling the time, and
 * reading, writing and passing on what it has open. */
typedef enum {
  CALLS_ACCEPT = 1 << 0,        /* take connections from a socket that listens */
  CALLS_READ_FILES = 1 << 1,    /* open, look at and list files */
  CALLS_CHANGE_FILES = 1 << 2,  /* make, cut, lock and remove files */
  CALLS_ARRANGE_FILES = 1 << 3, /* make folders, rename */
  CALLS_UNIX = 1 << 4,          /* connect to Unix sockets */
  CALLS_INTERNET = 1 << 5,      /* connect to other machines; never listen */
  CALLS_THREADS = 1 << 6,       /* start threads */
  CALLS_CHILDREN = 1 << 7,      /* split in two, and wait for the other */
  CALLS_LIBRARIES = 1 << 8,     /* map code out of files */
  CALLS_PROGRAMS = 1 << 9,      /* run programs, and whatever else: only what no server
                                   does is ended */
  CALLS_CONFINE = 1 << 10,      /* give up more rights later, by Landlock */
} CallGroups;

/* Whether the kernel has filters. */
gboolean filter_is_known(void);
/* Whether it can tell sockets of one family from others', and what connects while it
 * sends: not where the C library makes these calls by socketcall(2), which hands its
 * arguments over in memory (i386, s390x). */
gboolean filter_sees_sockets(void);
/* Whether it can tell memory that may be run from other: not where mmap(2) does the
 * same (s390x). */
gboolean filter_sees_mappings(void);

/* For all threads of the process, for good; needs PR_SET_NO_NEW_PRIVS. Any other call
 * fails with ENOSYS, as on an older kernel: so libraries fall back. Calls that only an
 * intruder makes (execve, ptrace, mount...) end the process. TRUE even if the kernel has
 * no filters. */
gboolean filter_install(CallGroups groups, GError **error);

#endif
