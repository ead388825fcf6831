/* SPDX-License-Identifier: MIT */
/* See sandbox.h. */
#include "mailauth/process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/confine/landlock.h"
#include "client/confine/rights.h"
#include "client/confine/sanitizer.h"
#include "client/confine/syscall-filter.h"

typedef struct {
  CallGroups calls;
  gboolean has_landlock;
  FileRights files; /* everywhere, as far as the role's user may */
  gboolean no_connect, no_abstract_sockets;
} Confinement;

static const Confinement confinements[N_ROLES] = {
    /* The bus. */
    [ROLE_IDENTITY] = {CALLS_READ_FILES | CALLS_UNIX, TRUE, FILES_READ, TRUE, FALSE},
    /* The bus; members' databases, of which SQLite may have to undo what a writer left
     * half done; certificates; the system's names. Brokers by the connector. */
    [ROLE_VERIFIER] = {CALLS_READ_FILES | CALLS_CHANGE_FILES | CALLS_UNIX | CALLS_THREADS |
                           CALLS_LIBRARIES,
                       TRUE, FILES_READ | FILES_CHANGE, TRUE, FALSE},
    /* The bus, names, and the servers that are set. */
    [ROLE_CONNECTOR] = {CALLS_READ_FILES | CALLS_UNIX | CALLS_INTERNET | CALLS_THREADS |
                            CALLS_LIBRARIES,
                        TRUE, FILES_READ, FALSE, FALSE},
    /* Names, certificates, and the database: by sandbox_enter_server() only that one. */
    [ROLE_SQL] = {CALLS_READ_FILES | CALLS_UNIX | CALLS_INTERNET | CALLS_LIBRARIES | CALLS_CONFINE,
                  TRUE, FILES_READ, FALSE, TRUE},
    /* Modules may run programs, and whatever else its user may. */
    [ROLE_PAM] = {CALLS_PROGRAMS, FALSE, FILES_NONE, FALSE, FALSE},
    /* What it is handed. */
    [ROLE_FRONT] = {CALLS_ACCEPT, TRUE, FILES_NONE, TRUE, TRUE},
    [ROLE_STORE] = {CALLS_READ_FILES | CALLS_CHANGE_FILES | CALLS_ARRANGE_FILES | CALLS_CHILDREN |
                        CALLS_CONFINE,
                    TRUE, FILES_READ | FILES_CHANGE | FILES_ARRANGE, TRUE, TRUE},
};

/* ---- what is lacking ---- */

static const struct {
  SandboxLacks lack;
  const char *text;
} texts[] = {
    {SANDBOX_LACKS_CALLS, "system calls are not filtered: the kernel has no seccomp filters"},
    {SANDBOX_LACKS_FILES, "files are kept away by users and the filter alone: the kernel has no "
                          "Landlock, or it is turned off"},
    {SANDBOX_LACKS_MOVES, "a mailbox's process is not kept to its Maildir: Landlock 2 (Linux "
                          "5.19) is needed"},
    {SANDBOX_LACKS_NETWORK, "TCP is kept away by the filter alone, which can't keep a connection "
                            "that was handed over from being led elsewhere: Landlock 4 (Linux "
                            "6.7) is needed"},
    {SANDBOX_LACKS_SCOPES, "signals and abstract sockets are kept away by the filter alone: "
                           "Landlock 6 (Linux 6.12) is needed"},
    {SANDBOX_LACKS_LOCKS, "passwords in memory may be swapped out: the limit on locked memory "
                          "(RLIMIT_MEMLOCK) is too low"},
    {SANDBOX_LACKS_FOLDER, "the front is not in an empty folder: it takes CAP_SYS_CHROOT and a "
                           "/proc that is mounted"},
    {SANDBOX_LACKS_SOCKETS, "sockets are not told apart by their kind, nor what connects while it "
                            "sends: on this kind of machine socketcall(2) keeps its arguments from "
                            "the filter"},
    {SANDBOX_LACKS_MAPPINGS, "memory may be mapped to be run: on this kind of machine mmap(2) "
                             "keeps its arguments from the filter"},
};

guint sandbox_get_lacks(void) {
  guint version = landlock_get_version();
  guint lacks = 0;
  if (!filter_is_known())
    lacks |= SANDBOX_LACKS_CALLS;
  if (version < LANDLOCK_VERSION_FILES)
    lacks |= SANDBOX_LACKS_FILES;
  if (version < LANDLOCK_VERSION_MOVES)
    lacks |= SANDBOX_LACKS_MOVES;
  if (version < LANDLOCK_VERSION_NETWORK)
    lacks |= SANDBOX_LACKS_NETWORK;
  if (version < LANDLOCK_VERSION_SIGNALS)
    lacks |= SANDBOX_LACKS_SCOPES;
  if (!filter_sees_sockets())
    lacks |= SANDBOX_LACKS_SOCKETS;
  if (!filter_sees_mappings())
    lacks |= SANDBOX_LACKS_MAPPINGS;
  return lacks;
}

char **sandbox_describe_lacks(guint lacks) {
  GStrvBuilder *builder = g_strv_builder_new();
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    if ((lacks & texts[i].lack) != 0)
      g_strv_builder_add(builder, texts[i].text);
  char **words = g_strv_builder_end(builder);
  g_strv_builder_unref(builder);
  return words;
}

/* ---- the parent ---- */

/* To become users and end their processes; to bind ports, open keys, and put sockets
 * into others' folders under others' groups; and, for roles that begin as root, to
 * raise limits and leave files. */
static const int kept_rights[] = {CAP_SETUID,       CAP_SETGID,           CAP_KILL,
                                  CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,  CAP_CHOWN,
                                  CAP_SYS_RESOURCE, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT};

static guint64 get_kept_rights(void) {
  guint64 kept = 0;
  for (guint i = 0; i < G_N_ELEMENTS(kept_rights); i++)
    kept |= G_GUINT64_CONSTANT(1) << kept_rights[i];
  return kept;
}

gboolean sandbox_enter_parent(GError **error) {
  return rights_keep(get_kept_rights(), error);
}

/* ---- before ---- */

#ifndef IS_SANITIZED
#define LEAVER_STACK 8192

/* What is shared with the one that started it is its root and its working folder.
 * The folder is its own process's: empty and shut for good once that has ended. */
static int take_away(G_GNUC_UNUSED void *data) {
  return chroot("/proc/self/fdinfo") == 0 && chdir("/") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* By a process that ends, so that no folder has to be made anywhere. */
static gboolean leave_files(void) {
  _Alignas(16) char stack[LEAVER_STACK];
  int status = 0;
  pid_t leaver = clone(take_away, stack + sizeof stack, CLONE_FS | SIGCHLD, NULL);
  return leaver > 0 && TEMP_FAILURE_RETRY(waitpid(leaver, &status, 0)) == leaver && status == 0;
}
#endif

guint sandbox_prepare(Role role) {
  if (role != ROLE_FRONT)
    return 0;
#ifndef IS_SANITIZED /* which reads /proc when it is left */
  /* Without an empty folder it is Landlock and the filter that keep it. */
  if (geteuid() == 0 && !leave_files())
    return SANDBOX_LACKS_FOLDER;
#endif
  return 0;
}

/* ---- entering ---- */

static gboolean restrict_below(LandlockRules *rules, const char *folder, GError **error) {
  rules->folder = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (rules->folder < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "The folder can't be opened: %s: %s", folder,
                     g_strerror(errno));
  gboolean restricted = landlock_restrict(rules, error);
  close(rules->folder);
  return restricted;
}

static gboolean give_up_files(const Confinement *confinement, GError **error) {
  LandlockRules rules = {.files = confinement->files,
                         .folder = -1,
                         .no_connect = confinement->no_connect,
                         .no_abstract_sockets = confinement->no_abstract_sockets};
  /* Before that version nobody could move files between folders. */
  if ((rules.files & FILES_ARRANGE) != 0 && landlock_get_version() < LANDLOCK_VERSION_MOVES)
    return TRUE;
#ifdef IS_SANITIZED
  /* It reads /proc, and writes what it finds to a file. */
  rules.files |= FILES_READ | FILES_CHANGE;
#endif
  return rules.files == FILES_NONE ? landlock_restrict(&rules, error)
                                   : restrict_below(&rules, "/", error);
}

/* Names may be looked up by TCP, where an answer is long. */
#define PORT_OF_NAMES 53

gboolean sandbox_enter_server(const guint16 *ports, guint n_ports, gboolean has_names,
                              GError **error) {
  g_autofree guint16 *all = g_new(guint16, n_ports + 1);
  LandlockRules rules = {.files = FILES_READ,
                         .no_connect = TRUE,
                         .ports = all,
                         .n_ports = n_ports,
                         .no_abstract_sockets = TRUE};
  memcpy(all, ports, n_ports * sizeof *ports);
  if (has_names)
    all[rules.n_ports++] = PORT_OF_NAMES;
  return restrict_below(&rules, "/", error);
}

gboolean sandbox_enter(Role role, GError **error) {
  const Confinement *confinement = &confinements[role];
  if (confinement->has_landlock && !give_up_files(confinement, error))
    return FALSE;
  return filter_install(confinement->calls, error);
}

/* By a limit, which only root could raise again: a filter more would cost each
 * mailbox's process more than all the rest of this. */
static gboolean give_up_children(GError **error) {
#ifndef IS_SANITIZED
  const struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_NPROC, &none) < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "Further processes can't be ruled out: %s",
                     g_strerror(errno));
#endif
  (void)error;
  return TRUE;
}

gboolean sandbox_enter_folder(const char *path, GError **error) {
  LandlockRules rules = {.files = FILES_READ | FILES_CHANGE | FILES_ARRANGE,
                         .no_connect = TRUE,
                         .no_abstract_sockets = TRUE};
  gboolean restricted =
      landlock_get_version() < LANDLOCK_VERSION_MOVES || restrict_below(&rules, path, error);
  return restricted && give_up_children(error);
}
