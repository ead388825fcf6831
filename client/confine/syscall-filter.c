/* SPDX-License-Identifier: MIT */
/* See syscall-filter.h. */
#include "client/confine/syscall-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/net.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/confine/sanitizer.h"

#define MAX_CONDITIONS 2
/* Of socket()'s second argument, which holds flags too. */
#define SOCKET_TYPE 0xfU
#define CALLS_ALWAYS (1U << 31)
#ifdef IS_SANITIZED
/* The check for leaks traces the process from a copy of it, and reads /proc. */
#define CALLS_SANITIZER CALLS_ALWAYS
#else
#define CALLS_SANITIZER 0U
#endif

/* The call that the C library maps memory by; clone()'s argument with the flags. */
#ifdef SYS_mmap2
#define CALL_MMAP SCMP_SYS(mmap2)
#else
#define CALL_MMAP SCMP_SYS(mmap)
#endif
#ifdef __s390x__
#define CLONE_FLAGS 1
#define PROTECTION_IS_SEEN 0
#else
#define CLONE_FLAGS 0
#define PROTECTION_IS_SEEN 1
#endif

/* ---- the tables ---- */

typedef struct {
  guint groups; /* any of which has it */
  int call;
} PlainRow;

/* Calls that may be made with any arguments. */
static const PlainRow plain_rows[] = {
    /* memory */
    {CALLS_ALWAYS, SCMP_SYS(brk)},
    {CALLS_ALWAYS, SCMP_SYS(madvise)},
    {CALLS_ALWAYS, SCMP_SYS(mlock)},
    {CALLS_ALWAYS, SCMP_SYS(mlock2)},
    {CALLS_ALWAYS, SCMP_SYS(mremap)},
    {CALLS_ALWAYS, SCMP_SYS(munlock)},
    {CALLS_ALWAYS, SCMP_SYS(munmap)},
    /* time, and waiting */
    {CALLS_ALWAYS, SCMP_SYS(clock_getres)},
    {CALLS_ALWAYS, SCMP_SYS(clock_getres_time64)},
    {CALLS_ALWAYS, SCMP_SYS(clock_gettime)},
    {CALLS_ALWAYS, SCMP_SYS(clock_gettime64)},
    {CALLS_ALWAYS, SCMP_SYS(clock_nanosleep)},
    {CALLS_ALWAYS, SCMP_SYS(clock_nanosleep_time64)},
    {CALLS_ALWAYS, SCMP_SYS(futex)},
    {CALLS_ALWAYS, SCMP_SYS(futex_time64)},
    {CALLS_ALWAYS, SCMP_SYS(gettimeofday)},
    {CALLS_ALWAYS, SCMP_SYS(nanosleep)},
    {CALLS_ALWAYS, SCMP_SYS(restart_syscall)},
    {CALLS_ALWAYS, SCMP_SYS(sched_yield)},
    {CALLS_ALWAYS, SCMP_SYS(time)},
    {CALLS_ALWAYS, SCMP_SYS(timer_create)},
    {CALLS_ALWAYS, SCMP_SYS(timer_delete)},
    {CALLS_ALWAYS, SCMP_SYS(timer_settime)},
    {CALLS_ALWAYS, SCMP_SYS(timer_settime64)},
    {CALLS_ALWAYS, SCMP_SYS(epoll_create1)},
    {CALLS_ALWAYS, SCMP_SYS(epoll_ctl)},
    {CALLS_ALWAYS, SCMP_SYS(epoll_pwait)},
    {CALLS_ALWAYS, SCMP_SYS(epoll_wait)},
    {CALLS_ALWAYS, SCMP_SYS(eventfd2)},
    {CALLS_ALWAYS, SCMP_SYS(poll)},
    {CALLS_ALWAYS, SCMP_SYS(ppoll)},
    {CALLS_ALWAYS, SCMP_SYS(ppoll_time64)},
    {CALLS_ALWAYS, SCMP_SYS(select)},
    {CALLS_ALWAYS, SCMP_SYS(_newselect)},
    {CALLS_ALWAYS, SCMP_SYS(pselect6)},
    {CALLS_ALWAYS, SCMP_SYS(pselect6_time64)},
    /* what is open */
    {CALLS_ALWAYS, SCMP_SYS(close)},
    {CALLS_ALWAYS, SCMP_SYS(dup)},
    {CALLS_ALWAYS, SCMP_SYS(dup3)},
    {CALLS_ALWAYS, SCMP_SYS(fstat)},
    {CALLS_ALWAYS, SCMP_SYS(fstat64)},
    {CALLS_ALWAYS, SCMP_SYS(lseek)},
    {CALLS_ALWAYS, SCMP_SYS(_llseek)},
    {CALLS_ALWAYS, SCMP_SYS(pipe2)},
    {CALLS_ALWAYS, SCMP_SYS(pread64)},
    {CALLS_ALWAYS, SCMP_SYS(read)},
    {CALLS_ALWAYS, SCMP_SYS(readv)},
    {CALLS_ALWAYS, SCMP_SYS(write)},
    {CALLS_ALWAYS, SCMP_SYS(writev)},
    {CALLS_ALWAYS, SCMP_SYS(getpeername)},
    {CALLS_ALWAYS, SCMP_SYS(getsockname)},
    {CALLS_ALWAYS, SCMP_SYS(getsockopt)},
    {CALLS_ALWAYS, SCMP_SYS(recvfrom)},
    {CALLS_ALWAYS, SCMP_SYS(recvmsg)},
    {CALLS_ALWAYS, SCMP_SYS(setsockopt)},
    {CALLS_ALWAYS, SCMP_SYS(shutdown)},
    {CALLS_ACCEPT, SCMP_SYS(accept4)},
    /* itself */
    {CALLS_ALWAYS, SCMP_SYS(exit)},
    {CALLS_ALWAYS, SCMP_SYS(exit_group)},
    {CALLS_ALWAYS, SCMP_SYS(getegid)},
    {CALLS_ALWAYS, SCMP_SYS(getegid32)},
    {CALLS_ALWAYS, SCMP_SYS(geteuid)},
    {CALLS_ALWAYS, SCMP_SYS(geteuid32)},
    {CALLS_ALWAYS, SCMP_SYS(getgid)},
    {CALLS_ALWAYS, SCMP_SYS(getgid32)},
    {CALLS_ALWAYS, SCMP_SYS(getpid)},
    {CALLS_ALWAYS, SCMP_SYS(getppid)},
    {CALLS_ALWAYS, SCMP_SYS(getrandom)},
    {CALLS_ALWAYS, SCMP_SYS(getresgid)},
    {CALLS_ALWAYS, SCMP_SYS(getresgid32)},
    {CALLS_ALWAYS, SCMP_SYS(getresuid)},
    {CALLS_ALWAYS, SCMP_SYS(getresuid32)},
    {CALLS_ALWAYS, SCMP_SYS(getrlimit)},
    {CALLS_ALWAYS, SCMP_SYS(ugetrlimit)},
    {CALLS_ALWAYS, SCMP_SYS(getrusage)},
    {CALLS_ALWAYS, SCMP_SYS(gettid)},
    {CALLS_ALWAYS, SCMP_SYS(getuid)},
    {CALLS_ALWAYS, SCMP_SYS(getuid32)},
    {CALLS_ALWAYS, SCMP_SYS(rseq)},
    {CALLS_ALWAYS, SCMP_SYS(rt_sigaction)},
    {CALLS_ALWAYS, SCMP_SYS(rt_sigprocmask)},
    {CALLS_ALWAYS, SCMP_SYS(rt_sigreturn)},
    {CALLS_ALWAYS, SCMP_SYS(sigreturn)},
    {CALLS_ALWAYS, SCMP_SYS(sched_getaffinity)},
    {CALLS_ALWAYS, SCMP_SYS(set_robust_list)},
    {CALLS_ALWAYS, SCMP_SYS(sigaltstack)},
    {CALLS_ALWAYS, SCMP_SYS(sysinfo)},
    {CALLS_ALWAYS, SCMP_SYS(uname)},
    {CALLS_THREADS, SCMP_SYS(sched_getattr)},
    {CALLS_THREADS, SCMP_SYS(sched_setattr)}, /* as its maker has it */
    {CALLS_THREADS, SCMP_SYS(set_tid_address)},
    {CALLS_CONFINE, SCMP_SYS(landlock_create_ruleset)},
    {CALLS_CONFINE, SCMP_SYS(landlock_add_rule)},
    {CALLS_CONFINE, SCMP_SYS(landlock_restrict_self)},
    {CALLS_CHILDREN, SCMP_SYS(wait4)},
    {CALLS_CHILDREN, SCMP_SYS(waitid)},
    {CALLS_CHILDREN, SCMP_SYS(waitpid)},
    /* files */
    {CALLS_READ_FILES, SCMP_SYS(access)},
    {CALLS_READ_FILES, SCMP_SYS(faccessat)},
    {CALLS_READ_FILES, SCMP_SYS(fstatat64)},
    {CALLS_READ_FILES, SCMP_SYS(fstatfs)},
    {CALLS_READ_FILES, SCMP_SYS(fstatfs64)},
    {CALLS_READ_FILES, SCMP_SYS(getcwd)},
    {CALLS_READ_FILES, SCMP_SYS(getdents64)},
    {CALLS_READ_FILES, SCMP_SYS(lstat)},
    {CALLS_READ_FILES, SCMP_SYS(lstat64)},
    {CALLS_READ_FILES, SCMP_SYS(newfstatat)},
    {CALLS_READ_FILES, SCMP_SYS(open)},
    {CALLS_READ_FILES, SCMP_SYS(openat)},
    {CALLS_READ_FILES, SCMP_SYS(readlink)},
    {CALLS_READ_FILES, SCMP_SYS(readlinkat)},
    {CALLS_READ_FILES, SCMP_SYS(stat)},
    {CALLS_READ_FILES, SCMP_SYS(stat64)},
    {CALLS_READ_FILES, SCMP_SYS(statfs)},
    {CALLS_READ_FILES, SCMP_SYS(statfs64)},
    {CALLS_READ_FILES, SCMP_SYS(statx)},
    {CALLS_CHANGE_FILES, SCMP_SYS(fchmod)},
    {CALLS_CHANGE_FILES, SCMP_SYS(fdatasync)},
    {CALLS_CHANGE_FILES, SCMP_SYS(flock)},
    {CALLS_CHANGE_FILES, SCMP_SYS(fsync)},
    {CALLS_CHANGE_FILES, SCMP_SYS(ftruncate)},
    {CALLS_CHANGE_FILES, SCMP_SYS(ftruncate64)},
    {CALLS_CHANGE_FILES, SCMP_SYS(pwrite64)},
    {CALLS_CHANGE_FILES, SCMP_SYS(unlink)},
    {CALLS_CHANGE_FILES, SCMP_SYS(unlinkat)},
    {CALLS_ARRANGE_FILES, SCMP_SYS(mkdirat)},
    {CALLS_ARRANGE_FILES, SCMP_SYS(renameat)},
    {CALLS_ARRANGE_FILES, SCMP_SYS(renameat2)},
    /* other processes */
    {CALLS_UNIX | CALLS_INTERNET, SCMP_SYS(connect)},
    {CALLS_INTERNET, SCMP_SYS(recvmmsg)},
    {CALLS_INTERNET, SCMP_SYS(recvmmsg_time64)},
    {CALLS_UNIX, SCMP_SYS(memfd_create)}, /* what is too long for a message to the journal */
    /* a sanitiser's */
    {CALLS_SANITIZER, SCMP_SYS(clone)},
    {CALLS_SANITIZER, SCMP_SYS(getdents)},
    {CALLS_SANITIZER, SCMP_SYS(getdents64)},
    {CALLS_SANITIZER, SCMP_SYS(newfstatat)},
    {CALLS_SANITIZER, SCMP_SYS(open)},
    {CALLS_SANITIZER, SCMP_SYS(openat)},
    {CALLS_SANITIZER, SCMP_SYS(prctl)},
    {CALLS_SANITIZER, SCMP_SYS(ptrace)},
    {CALLS_SANITIZER, SCMP_SYS(readlink)},
    {CALLS_SANITIZER, SCMP_SYS(sched_getparam)},
    {CALLS_SANITIZER, SCMP_SYS(wait4)},
};

/* Calls that may be made with some arguments: all conditions of a row hold. */
typedef struct {
  guint groups;
  int call;
  guint n_conditions;
  struct scmp_arg_cmp conditions[MAX_CONDITIONS];
} ConditionalRow;

#define IS(argument, value) SCMP_CMP64(argument, SCMP_CMP_EQ, value, 0)
#define HAS(argument, mask, value) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value)
#define FCNTL_BY(call, groups, operation)                                                          \
  {                                                                                                \
    groups, call, 1, {                                                                             \
      IS(1, operation)                                                                             \
    }                                                                                              \
  }
/* The second is what machines of 32 bits have. */
#define FCNTL(groups, operation)                                                                   \
  FCNTL_BY(SCMP_SYS(fcntl), groups, operation), FCNTL_BY(SCMP_SYS(fcntl64), groups, operation)
#define IOCTL(operation)                                                                           \
  {                                                                                                \
    CALLS_ALWAYS, SCMP_SYS(ioctl), 1, {                                                            \
      IS(1, operation)                                                                             \
    }                                                                                              \
  }
#define INTERNET(family, type)                                                                     \
  {                                                                                                \
    CALLS_INTERNET, SCMP_SYS(socket), 2, {                                                         \
      IS(0, family), HAS(1, SOCKET_TYPE, type)                                                     \
    }                                                                                              \
  }

/* What hands its arguments over in memory, out of the filter's sight. */
#define SOCKETCALL(groups, operation)                                                              \
  {                                                                                                \
    groups, SCMP_SYS(socketcall), 1, {                                                             \
      IS(0, operation)                                                                             \
    }                                                                                              \
  }

static const ConditionalRow conditional_rows[] = {
    /* No code but what was there from the start, or is a file's. */
    {CALLS_ALWAYS, CALL_MMAP, PROTECTION_IS_SEEN, {HAS(2, PROT_EXEC, 0)}},
    {CALLS_ALWAYS, SCMP_SYS(mprotect), 1, {HAS(2, PROT_EXEC, 0)}},
    {CALLS_LIBRARIES, CALL_MMAP, PROTECTION_IS_SEEN, {HAS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC)}},
    FCNTL(CALLS_ALWAYS, F_DUPFD),
    FCNTL(CALLS_ALWAYS, F_DUPFD_CLOEXEC),
    FCNTL(CALLS_ALWAYS, F_GETFD),
    FCNTL(CALLS_ALWAYS, F_SETFD),
    FCNTL(CALLS_ALWAYS, F_GETFL),
    FCNTL(CALLS_ALWAYS, F_SETFL),
    FCNTL(CALLS_READ_FILES, F_GETLK),
    FCNTL(CALLS_READ_FILES, F_SETLK),
    FCNTL(CALLS_READ_FILES, F_SETLKW),
    FCNTL(CALLS_UNIX, F_ADD_SEALS),
    /* Not what connects on the way, of which Landlock knows nothing. */
    {CALLS_ALWAYS, SCMP_SYS(sendto), 1, {HAS(3, MSG_FASTOPEN, 0)}},
    {CALLS_ALWAYS, SCMP_SYS(sendmsg), 1, {HAS(2, MSG_FASTOPEN, 0)}},
    {CALLS_INTERNET, SCMP_SYS(sendmmsg), 1, {HAS(3, MSG_FASTOPEN, 0)}},
    IOCTL(FIONBIO),
    IOCTL(FIONREAD),
    IOCTL(TCGETS),
    {CALLS_ALWAYS, SCMP_SYS(prctl), 1, {IS(0, PR_SET_NAME)}},
    {CALLS_ALWAYS, SCMP_SYS(prlimit64), 2, {IS(0, 0), IS(2, 0)}},
    {CALLS_ALWAYS, SCMP_SYS(socketpair), 1, {IS(0, AF_UNIX)}},
    {CALLS_UNIX, SCMP_SYS(socket), 1, {IS(0, AF_UNIX)}},
    INTERNET(AF_INET, SOCK_STREAM),
    INTERNET(AF_INET6, SOCK_STREAM),
    /* For names. */
    INTERNET(AF_INET, SOCK_DGRAM),
    INTERNET(AF_INET6, SOCK_DGRAM),
    /* The operations of linux/net.h, which calls it after the functions. */
    SOCKETCALL(CALLS_UNIX | CALLS_INTERNET, SYS_SOCKET),
    SOCKETCALL(CALLS_ALWAYS, SYS_SOCKETPAIR),
    SOCKETCALL(CALLS_ALWAYS, SYS_SENDTO),
    SOCKETCALL(CALLS_ALWAYS, SYS_SENDMSG),
    SOCKETCALL(CALLS_ALWAYS, SYS_SEND),
    SOCKETCALL(CALLS_ALWAYS, SYS_RECV),
    SOCKETCALL(CALLS_INTERNET, SYS_SENDMMSG),
    {CALLS_THREADS, SCMP_SYS(clone), 1, {HAS(CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD)}},
    {CALLS_CHILDREN,
     SCMP_SYS(clone),
     1,
     {HAS(CLONE_FLAGS, CLONE_VM | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID, 0)}},
    {CALLS_CHILDREN, SCMP_SYS(prlimit64), 2, {IS(0, 0), IS(1, RLIMIT_NPROC)}},
};

/* Calls that none of the libraries makes in any case: who makes one is an intruder. */
static const PlainRow fatal_rows[] = {
    {CALLS_PROGRAMS, SCMP_SYS(execve)},
    {CALLS_PROGRAMS, SCMP_SYS(execveat)},
    {CALLS_SANITIZER | CALLS_PROGRAMS, SCMP_SYS(ptrace)},
    {CALLS_PROGRAMS, SCMP_SYS(personality)},
    {CALLS_PROGRAMS, SCMP_SYS(add_key)},
    {CALLS_PROGRAMS, SCMP_SYS(keyctl)},
    {CALLS_PROGRAMS, SCMP_SYS(request_key)},
    {0, SCMP_SYS(bpf)},
    {0, SCMP_SYS(chroot)},
    {0, SCMP_SYS(delete_module)},
    {0, SCMP_SYS(finit_module)},
    {0, SCMP_SYS(fsopen)},
    {0, SCMP_SYS(init_module)},
    {0, SCMP_SYS(io_uring_enter)},
    {0, SCMP_SYS(io_uring_register)},
    {0, SCMP_SYS(io_uring_setup)},
    {0, SCMP_SYS(kexec_file_load)},
    {0, SCMP_SYS(kexec_load)},
    {0, SCMP_SYS(mount)},
    {0, SCMP_SYS(move_mount)},
    {0, SCMP_SYS(open_by_handle_at)},
    {0, SCMP_SYS(open_tree)},
    {0, SCMP_SYS(perf_event_open)},
    {0, SCMP_SYS(pidfd_getfd)},
    {0, SCMP_SYS(pivot_root)},
    {0, SCMP_SYS(process_vm_readv)},
    {0, SCMP_SYS(process_vm_writev)},
    {0, SCMP_SYS(reboot)},
    {0, SCMP_SYS(setns)},
    {0, SCMP_SYS(swapon)},
    {0, SCMP_SYS(umount2)},
    {0, SCMP_SYS(unshare)},
    {0, SCMP_SYS(userfaultfd)},
};

/* ---- the filter ---- */

static gboolean add(scmp_filter_ctx filter, guint32 action, int call, guint n_conditions,
                    const struct scmp_arg_cmp *conditions) {
  int result = seccomp_rule_add_array(filter, action, call, n_conditions, conditions);
  /* Calls that this kind of machine does not have. */
  return result == 0 || result == -EDOM;
}

static gboolean add_plain(scmp_filter_ctx filter, CallGroups groups) {
  gboolean added = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(plain_rows); i++)
    if ((plain_rows[i].groups & groups) != 0)
      added = added && add(filter, SCMP_ACT_ALLOW, plain_rows[i].call, 0, NULL);
  return added;
}

static gboolean add_conditional(scmp_filter_ctx filter, CallGroups groups) {
  gboolean added = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(conditional_rows); i++) {
    const ConditionalRow *row = &conditional_rows[i];
    if ((row->groups & groups) != 0)
      added = added && add(filter, SCMP_ACT_ALLOW, row->call, row->n_conditions, row->conditions);
  }
  return added;
}

/* Only to itself: so a failed assertion ends it. */
static gboolean add_own_signals(scmp_filter_ctx filter) {
  const struct scmp_arg_cmp own[] = {SCMP_CMP64(0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)};
  return add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), G_N_ELEMENTS(own), own);
}

static gboolean add_fatal(scmp_filter_ctx filter, CallGroups groups) {
  gboolean added = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(fatal_rows); i++)
    if ((fatal_rows[i].groups & groups) == 0)
      added = added && add(filter, SCMP_ACT_KILL_PROCESS, fatal_rows[i].call, 0, NULL);
  return added;
}

static gboolean fill(scmp_filter_ctx filter, CallGroups groups) {
  gboolean open = (groups & CALLS_PROGRAMS) != 0;
  return seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
         seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
         /* As a tree: calls by the thousand pass it. */
         seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 && add_fatal(filter, groups) &&
         (open || (add_plain(filter, groups) && add_conditional(filter, groups) &&
                   add_own_signals(filter)));
}

gboolean filter_is_known(void) {
  return seccomp_api_get() >= 2;
}

gboolean filter_sees_sockets(void) {
#ifdef SYS_socketcall
  return FALSE;
#else
  return TRUE;
#endif
}

gboolean filter_sees_mappings(void) {
  return PROTECTION_IS_SEEN;
}

static gboolean load(scmp_filter_ctx filter, gboolean filled, GError **error) {
  /* New privileges have been ruled out before. */
  filled = filled && seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) == 0;
  int result = filled ? seccomp_load(filter) : -ENOMEM;
  seccomp_release(filter);
  return result == 0 || error_set(error, REGISTRY_ERROR_FAILED,
                                  "System calls can't be given up: %s", g_strerror(-result));
}

gboolean filter_install(CallGroups groups, GError **error) {
  if (!filter_is_known())
    return TRUE;
  gboolean open = (groups & CALLS_PROGRAMS) != 0;
  scmp_filter_ctx filter = seccomp_init(open ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));
  return load(filter, filter != NULL && fill(filter, groups | CALLS_ALWAYS), error);
}
