/* SPDX-License-Identifier: MIT */
/* sandbox.c: each role, settled as it is when it is started, tries what it must not
 * do, and can't; and what it is there for, and can. Each try is a process of its own. */
#include "mailauth/process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/confine/landlock.h"
#include "client/confine/sanitizer.h"
#include "mailauth/process/role.h"
#include "tests/unit/support/emulator.h"

/* What the tries are made on: made before the role settles, as an intruder would
 * find it. */
typedef struct {
  char *folder;  /* anybody may write here */
  char *inside;  /* a Maildir's folder in it */
  char *program; /* a file there that could be run */
  char *socket_path;
  int listener, unix_listener; /* on loopback, and on socket_path */
  struct sockaddr_in address;  /* the listener's */
  int stream, other_stream;    /* not connected yet */
  int sent_on[2];              /* neither */
  int connected;               /* to the listener */
  pid_t other;                 /* a process of the same user's */
} Scene;

/* TRUE: it could be done. */
typedef gboolean (*Try)(const Scene *scene);

/* ---- files ---- */

static gboolean opens(const char *path, int flags) {
  int file = open(path, flags | O_CLOEXEC, 0600);
  return file >= 0 && close(file) == 0;
}

static gboolean try_read_file(G_GNUC_UNUSED const Scene *scene) {
  return opens("/etc/passwd", O_RDONLY);
}

static gboolean try_look_at_file(G_GNUC_UNUSED const Scene *scene) {
  struct stat status;
  return fstatat(AT_FDCWD, "/etc/passwd", &status, AT_EMPTY_PATH) == 0;
}

static gboolean try_list_folder(G_GNUC_UNUSED const Scene *scene) {
  return opens("/", O_RDONLY | O_DIRECTORY);
}

static gboolean try_make_file(const Scene *scene) {
  g_autofree char *path = g_build_filename(scene->folder, "made", NULL);
  return opens(path, O_WRONLY | O_CREAT | O_TRUNC) && unlink(path) == 0;
}

static gboolean try_make_file_inside(const Scene *scene) {
  g_autofree char *path = g_build_filename(scene->inside, "made", NULL);
  return opens(path, O_WRONLY | O_CREAT | O_TRUNC) && unlink(path) == 0;
}

static gboolean try_move_file_inside(const Scene *scene) {
  g_autofree char *folder = g_build_filename(scene->inside, "below", NULL);
  g_autofree char *path = g_build_filename(scene->inside, "moving", NULL);
  g_autofree char *target = g_build_filename(folder, "moved", NULL);
  return mkdirat(AT_FDCWD, folder, 0700) == 0 && opens(path, O_WRONLY | O_CREAT) &&
         renameat2(AT_FDCWD, path, AT_FDCWD, target, RENAME_NOREPLACE) == 0 && unlink(target) == 0;
}

static gboolean try_make_folder(const Scene *scene) {
  g_autofree char *path = g_build_filename(scene->folder, "new-folder", NULL);
  return mkdir(path, 0700) == 0 || mkdirat(AT_FDCWD, path, 0700) == 0;
}

static gboolean try_make_link(const Scene *scene) {
  g_autofree char *path = g_build_filename(scene->inside, "link", NULL);
  return symlink("/etc/shadow", path) == 0;
}

static gboolean try_run_file(const Scene *scene) {
  execl(scene->program, scene->program, NULL);
  return FALSE;
}

static gboolean try_own_memory(G_GNUC_UNUSED const Scene *scene) {
  return opens("/proc/self/mem", O_RDWR);
}

/* ---- networks ---- */

static gboolean makes_socket(int family, int type) {
  int descriptor = socket(family, type | SOCK_CLOEXEC, 0);
  return descriptor >= 0 && close(descriptor) == 0;
}

static gboolean try_tcp_socket(G_GNUC_UNUSED const Scene *scene) {
  return makes_socket(AF_INET, SOCK_STREAM);
}

static gboolean try_udp_socket(G_GNUC_UNUSED const Scene *scene) {
  return makes_socket(AF_INET6, SOCK_DGRAM);
}

static gboolean try_unix_socket(const Scene *scene) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_strlcpy(address.sun_path, scene->socket_path, sizeof address.sun_path);
  return descriptor >= 0 &&
         connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0;
}

static gboolean try_netlink_socket(G_GNUC_UNUSED const Scene *scene) {
  return makes_socket(AF_NETLINK, SOCK_RAW);
}

static gboolean try_algorithm_socket(G_GNUC_UNUSED const Scene *scene) {
  return makes_socket(AF_ALG, SOCK_SEQPACKET);
}

static gboolean try_connect(const Scene *scene) {
  return connect(scene->stream, (const struct sockaddr *)&scene->address, sizeof scene->address) ==
         0;
}

/* With a connection that was handed over. */
static gboolean try_connect_again(const Scene *scene) {
  const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
  return connect(scene->connected, &nowhere, sizeof nowhere) == 0 &&
         connect(scene->connected, (const struct sockaddr *)&scene->address,
                 sizeof scene->address) == 0;
}

/* Connects on the way, and asks nobody for the right to. */
static gboolean try_send_fast(const Scene *scene) {
  return sendto(scene->sent_on[0], "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&scene->address,
                sizeof scene->address) == 1;
}

static gboolean try_send_message_fast(const Scene *scene) {
  struct sockaddr_in address = scene->address;
  struct iovec part = {(char[]){"x"}, 1};
  const struct msghdr message = {
      .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &part, .msg_iovlen = 1};
  return sendmsg(scene->sent_on[1], &message, MSG_FASTOPEN) == 1;
}

static gboolean try_bind(const Scene *scene) {
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return bind(scene->other_stream, (const struct sockaddr *)&any, sizeof any) == 0;
}

static gboolean try_listen(const Scene *scene) {
  return listen(scene->other_stream, 1) == 0;
}

static gboolean try_accept(const Scene *scene) {
  int client = accept4(scene->listener, NULL, NULL, SOCK_NONBLOCK);
  return client >= 0 || errno == EAGAIN;
}

/* ---- processes ---- */

static gboolean try_execve(G_GNUC_UNUSED const Scene *scene) {
  char *const arguments[] = {(char[]){"/bin/true"}, NULL};
  execv(arguments[0], arguments);
  return FALSE; /* /bin/true would have succeeded */
}

static gboolean try_fork(G_GNUC_UNUSED const Scene *scene) {
  pid_t child = fork();
  if (child == 0)
    _exit(0);
  return child > 0;
}

static void *do_nothing(G_GNUC_UNUSED void *data) {
  return NULL;
}

static gboolean try_thread(G_GNUC_UNUSED const Scene *scene) {
  pthread_t thread;
  return pthread_create(&thread, NULL, do_nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static gboolean try_ptrace(const Scene *scene) {
  return ptrace(PTRACE_ATTACH, scene->other, NULL, NULL) == 0;
}

static gboolean try_read_other(const Scene *scene) {
  char byte;
  struct iovec here = {&byte, 1};
  struct iovec there = {scene->folder, 1};
  return process_vm_readv(scene->other, &here, 1, &there, 1, 0) == 1;
}

static gboolean try_kill(const Scene *scene) {
  return kill(scene->other, 0) == 0;
}

static gboolean try_kill_thread(const Scene *scene) {
  return syscall(SYS_tgkill, scene->other, scene->other, 0) == 0;
}

static gboolean try_become_root(G_GNUC_UNUSED const Scene *scene) {
  return setuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0;
}

static gboolean try_be_dumpable(G_GNUC_UNUSED const Scene *scene) {
  return prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* ---- memory ---- */

static gboolean try_map_code(G_GNUC_UNUSED const Scene *scene) {
  return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
         MAP_FAILED;
}

static gboolean try_make_code(G_GNUC_UNUSED const Scene *scene) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

/* ---- the system ---- */

#define TRY_CALL(name, ...)                                                                        \
  static gboolean try_##name(G_GNUC_UNUSED const Scene *scene) {                                   \
    return syscall(__VA_ARGS__) >= 0;                                                              \
  }
TRY_CALL(chroot, SYS_chroot, "/")
TRY_CALL(unshare, SYS_unshare, CLONE_NEWUSER)
TRY_CALL(mount, SYS_mount, "none", "/mnt", "tmpfs", 0, NULL)
TRY_CALL(io_uring, SYS_io_uring_setup, 1, (char[256]){0})
TRY_CALL(bpf, SYS_bpf, 0, (char[256]){0}, 128)
TRY_CALL(keyctl, SYS_keyctl, 0, -3, 0)
TRY_CALL(userfaultfd, SYS_userfaultfd, 1)
TRY_CALL(open_by_handle, SYS_open_by_handle_at, AT_FDCWD, (char[256]){0}, O_RDONLY)
TRY_CALL(perf, SYS_perf_event_open, (char[256]){0}, 0, -1, -1, 0)
TRY_CALL(personality, SYS_personality, 0xffffffff)
TRY_CALL(set_groups, SYS_setgroups, 0, NULL)

/* ---- what each role may ---- */

/* The roles; the store once it has its Maildir; the sql role once it knows its server, here or on
 * another port; and, so that no try fails for
 * another reason, a process of the same user's that is kept from nothing. */
typedef enum {
  STAGE_STORE_INSIDE = N_ROLES,
  STAGE_SQL_HERE,
  STAGE_SQL_ELSEWHERE,
  STAGE_FREE,
  N_STAGES
} Stage;

#define IDENTITY (1U << ROLE_IDENTITY)
#define VERIFIER (1U << ROLE_VERIFIER)
#define FRONT (1U << ROLE_FRONT)
#define STORE (1U << ROLE_STORE)
#define CONNECTOR (1U << ROLE_CONNECTOR)
#define INSIDE (1U << STAGE_STORE_INSIDE)
#define SQL_HERE (1U << ROLE_SQL | 1U << STAGE_SQL_HERE)
#define SQL (SQL_HERE | 1U << STAGE_SQL_ELSEWHERE)
#define FREE (1U << STAGE_FREE)
#define NOBODY 0U
/* The check for leaks, and the writing of reports. */
#ifdef IS_SANITIZED
#define SANITIZER (IDENTITY | VERIFIER | CONNECTOR | SQL | FRONT | STORE | INSIDE)
#define SANITIZER_FILES (IDENTITY | VERIFIER | CONNECTOR | SQL | FRONT | STORE)
#else
#define SANITIZER 0U
#define SANITIZER_FILES 0U
#endif

/* Where socketcall(2) keeps its arguments from the filter. */
#ifdef SYS_socketcall
#define ANY_SOCKET (IDENTITY | VERIFIER | CONNECTOR | SQL)
#define ANY_SENDING (IDENTITY | VERIFIER | CONNECTOR | SQL | FRONT | STORE | INSIDE | FREE)
#else
#define ANY_SOCKET 0U
#define ANY_SENDING NOBODY
#endif

typedef struct {
  const char *name;
  Try try;
  guint allowed; /* to these */
} Row;

static const Row rows[] = {
    {"read-file", try_read_file,
     SANITIZER_FILES | IDENTITY | VERIFIER | CONNECTOR | SQL | STORE | FREE},
    {"look-at-file", try_look_at_file,
     SANITIZER | IDENTITY | VERIFIER | CONNECTOR | SQL | STORE | INSIDE | FREE},
    {"list-folder", try_list_folder,
     SANITIZER_FILES | IDENTITY | VERIFIER | CONNECTOR | SQL | STORE | FREE},
    {"make-file", try_make_file, VERIFIER | STORE | FREE},
    {"make-file-inside", try_make_file_inside, VERIFIER | STORE | INSIDE | FREE},
    {"move-file-inside", try_move_file_inside, STORE | INSIDE | FREE},
    {"make-folder", try_make_folder, STORE | FREE},
    {"make-link", try_make_link, FREE},
    {"run-file", try_run_file, FREE},
    {"own-memory", try_own_memory, NOBODY},
    {"tcp-socket", try_tcp_socket, ANY_SOCKET | CONNECTOR | SQL | FREE},
    {"udp-socket", try_udp_socket, ANY_SOCKET | CONNECTOR | SQL | FREE},
    {"unix-socket", try_unix_socket, IDENTITY | VERIFIER | CONNECTOR | SQL | FREE},
    {"netlink-socket", try_netlink_socket, ANY_SOCKET | FREE},
    {"algorithm-socket", try_algorithm_socket, NOBODY},
    {"connect", try_connect, CONNECTOR | SQL_HERE | FREE},
    {"connect-again", try_connect_again, CONNECTOR | SQL_HERE | FREE},
    {"send-fast", try_send_fast, ANY_SENDING},
    {"send-message-fast", try_send_message_fast, ANY_SENDING},
    {"bind", try_bind, FREE},
    {"listen", try_listen, FREE},
    {"accept", try_accept, FRONT | FREE},
    {"execve", try_execve, FREE},
    {"fork", try_fork, SANITIZER | STORE | FREE},
    {"thread", try_thread, SANITIZER | VERIFIER | CONNECTOR | FREE},
    {"ptrace", try_ptrace, NOBODY},
    {"read-other", try_read_other, NOBODY},
    {"kill", try_kill, FREE},
    {"kill-thread", try_kill_thread, FREE},
    {"become-root", try_become_root, NOBODY},
    {"set-groups", try_set_groups, NOBODY},
    {"be-dumpable", try_be_dumpable, SANITIZER | FREE},
    {"map-code", try_map_code, FREE},
    {"make-code", try_make_code, FREE},
    {"chroot", try_chroot, NOBODY},
    {"unshare", try_unshare, NOBODY},
    {"mount", try_mount, NOBODY},
    {"io-uring", try_io_uring, NOBODY},
    {"bpf", try_bpf, NOBODY},
    {"keyctl", try_keyctl, NOBODY},
    {"userfaultfd", try_userfaultfd, NOBODY},
    {"open-by-handle", try_open_by_handle, NOBODY},
    {"perf", try_perf, NOBODY},
    {"personality", try_personality, FREE},
};

/* Rows that differ by what may be in force: unknown, so left out. */
static gboolean is_uncertain(const Row *row, Stage stage) {
#ifdef IS_SANITIZED /* its own memory stays its own, unless its user changes */
  if (row->try == try_own_memory && geteuid() != 0)
    return TRUE;
#endif
  return stage == STAGE_FREE && row->allowed == NOBODY;
}

/* ---- trying ---- */

/* Exit codes of a try; one that is ended by the filter was refused too. */
enum { DONE = 0, REFUSED = 1, UNSETTLED = 3 };

/* Whom the tests run as where they are root's. */
#define ORDINARY_ID 65534U

static RoleStart make_start(Role role) {
  int ends[2];
  RoleStart start = {.role = role, .drops_rights = geteuid() == 0};
  start.user = (RoleUser){.uid = ORDINARY_ID, .gid = ORDINARY_ID};
  g_assert_true(channel_pair(ends, NULL));
  start.descriptor = ends[0];
  return start;
}

/* The role and what it does once it has settled. */
static gboolean enter_stage(const Scene *scene, Stage stage, GError **error) {
  guint16 port = ntohs(scene->address.sin_port);
  if (stage == STAGE_STORE_INSIDE)
    return sandbox_enter_folder(scene->inside, error);
  if (stage == STAGE_SQL_HERE)
    return sandbox_enter_server(&port, 1, FALSE, error);
  port = 1;
  return stage != STAGE_SQL_ELSEWHERE || sandbox_enter_server(&port, 1, TRUE, error);
}

static Role get_role(Stage stage) {
  if (stage == STAGE_SQL_HERE || stage == STAGE_SQL_ELSEWHERE)
    return ROLE_SQL;
  return stage == STAGE_STORE_INSIDE ? ROLE_STORE : (Role)stage;
}

static gboolean settle(const Scene *scene, Stage stage, GError **error) {
  RoleStart start = make_start(get_role(stage));
  if (stage == STAGE_FREE)
    return !start.drops_rights || role_become(&start.user, error);
  return role_settle(&start, error) && enter_stage(scene, stage, error);
}

static int run_in_child(const Scene *scene, Stage stage, Try try) {
  int status;
  pid_t child = fork();
  g_assert_cmpint(child, >=, 0);
  if (child == 0) {
    g_autoptr(GError) error = NULL;
    if (!settle(scene, stage, &error)) {
      g_printerr("%s\n", error->message);
      _exit(UNSETTLED);
    }
    _exit(try(scene) ? DONE : REFUSED);
  }
  g_assert_cmpint(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)), ==, child);
  return status;
}

static const char *describe(int status) {
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGSYS ? "ended by the filter" : strsignal(WTERMSIG(status));
  static const char *const words[] = {"done", "refused", "?", "the role could not settle"};
  return words[MIN((guint)WEXITSTATUS(status), 3)];
}

static gboolean is_as_expected(int status, gboolean allowed) {
  if (WIFSIGNALED(status))
    return !allowed && WTERMSIG(status) == SIGSYS;
  return WEXITSTATUS(status) == (allowed ? DONE : REFUSED);
}

static const char *get_stage_name(Stage stage) {
  static const char *const names[] = {[STAGE_STORE_INSIDE] = "store-inside",
                                      [STAGE_SQL_HERE] = "sql-here",
                                      [STAGE_SQL_ELSEWHERE] = "sql-elsewhere",
                                      [STAGE_FREE] = "free"};
  return (guint)stage < N_ROLES ? role_get_name((Role)stage) : names[stage];
}

/* ---- the scene ---- */

static int make_listener(int family, const void *address, socklen_t size) {
  int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint(bind(listener, address, size), ==, 0);
  g_assert_cmpint(listen(listener, 64), ==, 0);
  return listener;
}

static void make_sockets(Scene *scene) {
  socklen_t size = sizeof scene->address;
  struct sockaddr_un path = {.sun_family = AF_UNIX};
  scene->address =
      (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  scene->listener = make_listener(AF_INET, &scene->address, size);
  getsockname(scene->listener, (struct sockaddr *)&scene->address, &size);
  g_strlcpy(path.sun_path, scene->socket_path, sizeof path.sun_path);
  scene->unix_listener = make_listener(AF_UNIX, &path, sizeof path);
  g_assert_cmpint(chmod(scene->socket_path, 0777), ==, 0);
  scene->stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  scene->other_stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (guint i = 0; i < G_N_ELEMENTS(scene->sent_on); i++)
    scene->sent_on[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  scene->connected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(connect(scene->connected, (const struct sockaddr *)&scene->address, size), ==, 0);
}

static pid_t make_other(void) {
  pid_t child = fork();
  if (child != 0)
    return child;
  if (geteuid() == 0 && (setgid(ORDINARY_ID) != 0 || setuid(ORDINARY_ID) != 0))
    _exit(1);
  /* After the change of user, which forgets it. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;)
    pause();
}

static void set_up(Scene *scene, G_GNUC_UNUSED gconstpointer data) {
  g_autofree char *copy = NULL;
  gsize size;
  *scene = (Scene){.folder = g_dir_make_tmp("sandbox-XXXXXX", NULL)};
  scene->inside = g_build_filename(scene->folder, "Maildir", NULL);
  scene->program = g_build_filename(scene->folder, "program", NULL);
  scene->socket_path = g_build_filename(scene->folder, "socket", NULL);
  g_assert_cmpint(g_mkdir(scene->inside, 0777), ==, 0);
  g_assert_cmpint(chmod(scene->folder, 0777) + chmod(scene->inside, 0777), ==, 0);
  g_assert_true(g_file_get_contents("/bin/true", &copy, &size, NULL));
  g_assert_true(g_file_set_contents(scene->program, copy, (gssize)size, NULL));
  g_assert_cmpint(chmod(scene->program, 0755), ==, 0);
  make_sockets(scene);
  scene->other = make_other();
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer data) {
  const int descriptors[] = {scene->listener,     scene->unix_listener, scene->stream,
                             scene->other_stream, scene->sent_on[0],    scene->sent_on[1],
                             scene->connected};
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", scene->folder);
  kill(scene->other, SIGKILL);
  waitpid(scene->other, NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS(descriptors); i++)
    close(descriptors[i]);
  g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
  g_free(scene->folder);
  g_free(scene->inside);
  g_free(scene->program);
  g_free(scene->socket_path);
}

/* ---- the tests ---- */

static void test_stage(Scene *scene, gconstpointer data) {
  Stage stage = (Stage)GPOINTER_TO_UINT(data);
  guint n_wrong = 0;
  if (stage != STAGE_FREE && (sandbox_get_lacks() & SANDBOX_LACKS_ANY_KERNEL) != 0) {
    g_test_skip("THE KERNEL LACKS PARTS OF THE SANDBOX: see /sandbox/lacks");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    gboolean allowed = (rows[i].allowed & (1U << stage)) != 0;
    if (is_uncertain(&rows[i], stage))
      continue;
    int status = run_in_child(scene, stage, rows[i].try);
    g_test_message("%s: %s", rows[i].name, describe(status));
    if (is_as_expected(status, allowed))
      continue;
    n_wrong++;
    g_printerr("# %s of the %s was %s\n", rows[i].name, get_stage_name(stage), describe(status));
  }
  g_assert_cmpuint(n_wrong, ==, 0);
}

static gboolean try_landlock_alone(const Scene *scene) {
  const LandlockRules nothing = {.folder = -1, .no_connect = TRUE, .no_abstract_sockets = TRUE};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (!landlock_restrict(&nothing, NULL))
    return TRUE;
  guint version = landlock_get_version();
  gboolean breached = try_read_file(scene) || try_list_folder(scene) || try_make_file(scene);
  if (version >= LANDLOCK_VERSION_NETWORK)
    breached = breached || try_connect(scene) || try_bind(scene);
  if (version >= LANDLOCK_VERSION_SIGNALS)
    breached = breached || try_kill(scene);
  return breached || try_run_file(scene);
}

/* Each layer by itself: where one has a hole, the other holds. */
static void test_landlock_alone(Scene *scene, G_GNUC_UNUSED gconstpointer data) {
  if (landlock_get_version() == 0) {
    g_test_skip("THE KERNEL HAS NO LANDLOCK");
    return;
  }
  g_assert_cmpstr(describe(run_in_child(scene, STAGE_FREE, try_landlock_alone)), ==, "refused");
}

static void test_lacks(void) {
  guint lacks = sandbox_get_lacks();
  g_auto(GStrv) now = sandbox_describe_lacks(lacks);
  g_auto(GStrv) none = sandbox_describe_lacks(0);
  g_auto(GStrv) all = sandbox_describe_lacks(~0U);
  for (char **each = now; *each != NULL; each++)
    g_test_message("LACKING: %s", *each);
  g_assert_cmpuint(g_strv_length(none), ==, 0);
  g_assert_cmpuint(g_strv_length(all), ==, 9);
  g_assert_cmpint((lacks & SANDBOX_LACKS_FILES) != 0, ==, landlock_get_version() == 0);
}

#ifndef IS_SANITIZED
static gboolean give_up_chroot(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
  if (syscall(SYS_capget, &header, sets) < 0)
    return FALSE;
  sets[0].effective &= ~(1U << CAP_SYS_CHROOT);
  sets[0].permitted = sets[0].effective;
  return syscall(SYS_capset, &header, sets) == 0;
}

/* What a process that has been prepared as the front still sees. */
static const char *leave_files(gboolean with_right) {
  enum { NOTHING, FILES, FILES_AND_TOLD, TOLD };
  static const char *const words[] = {"nothing", "files", "files, and says so",
                                      "nothing, and says it does"};
  int status;
  pid_t child = fork();
  g_assert_cmpint(child, >=, 0);
  if (child == 0) {
    if (!with_right && !give_up_chroot())
      _exit(G_N_ELEMENTS(words));
    gboolean told = (sandbox_prepare(ROLE_FRONT) & SANDBOX_LACKS_FOLDER) != 0;
    gboolean sees = try_look_at_file(NULL) || try_list_folder(NULL) || opens("made", O_CREAT) ||
                    opens("/made", O_CREAT) || opens("..", O_PATH);
    _exit(told ? sees ? FILES_AND_TOLD : TOLD : sees ? FILES : NOTHING);
  }
  g_assert_cmpint(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)), ==, child);
  g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) < (int)G_N_ELEMENTS(words));
  return words[WEXITSTATUS(status)];
}

static void test_empty_folder(void) {
  if (geteuid() != 0) {
    g_test_skip("takes root");
    return;
  }
  if (emulator_skips("LETS NO TWO PROCESSES SHARE A ROOT"))
    return;
  g_assert_cmpstr(leave_files(TRUE), ==, "nothing");
  g_assert_cmpstr(leave_files(FALSE), ==, "files, and says so");
}
#endif

/* A role that could not settle, and says so, is no role. */
static void test_root_is_refused(void) {
  if (geteuid() != 0) {
    g_test_skip("takes root");
    return;
  }
  g_autoptr(GError) error = NULL;
  RoleStart start = make_start(ROLE_FRONT);
  start.user = (RoleUser){0};
  g_assert_false(role_become(&start.user, &error));
}

int main(int argc, char **argv) {
  static const Stage stages[] = {(Stage)ROLE_IDENTITY,  (Stage)ROLE_VERIFIER,
                                 (Stage)ROLE_FRONT,     (Stage)ROLE_STORE,
                                 (Stage)ROLE_CONNECTOR, (Stage)ROLE_SQL,
                                 STAGE_STORE_INSIDE,    STAGE_SQL_HERE,
                                 STAGE_SQL_ELSEWHERE,   STAGE_FREE};
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(stages); i++) {
    g_autofree char *path = g_strconcat("/sandbox/", get_stage_name(stages[i]), NULL);
    g_test_add(path, Scene, GUINT_TO_POINTER((guint)stages[i]), set_up, test_stage, tear_down);
  }
  g_test_add("/sandbox/landlock-alone", Scene, NULL, set_up, test_landlock_alone, tear_down);
  g_test_add_func("/sandbox/lacks", test_lacks);
#ifndef IS_SANITIZED /* which keeps its files */
  g_test_add_func("/sandbox/empty-folder", test_empty_folder);
#endif
  g_test_add_func("/sandbox/root", test_root_is_refused);
  return g_test_run();
}
