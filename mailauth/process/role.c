/* SPDX-License-Identifier: MIT */
/* See role.h. The only place where a role gives up its rights; sandbox.c has the rest of
 * what is taken from it. */
#include "mailauth/process/role.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/confine/sanitizer.h"
#include "mailauth/base/secret.h"
#include "mailauth/process/sandbox.h"

#define TITLE "mailauthd: "
#define USER_OPTION "--user="
#define BUS_OPTION "--bus="
#define CHOSEN_OPTION "--chosen"
#define STORE_PROGRAM "mailauthd-store"

/* Descriptors that the front or the verifier may hold: one or two a session; and the
 * connector, one a connection that is being made. */
#define MOST_DESCRIPTORS 65536

/* ---- the command line between parent and role ---- */

char **role_make_arguments(Role role, const char *bus, gboolean user_is_chosen,
                           const RoleUser *user) {
  GPtrArray *arguments = g_ptr_array_new();
  g_ptr_array_add(arguments, g_strconcat(TITLE, role_get_name(role), NULL));
  if (bus != NULL)
    g_ptr_array_add(arguments, g_strconcat(BUS_OPTION, bus, NULL));
  if (user_is_chosen)
    g_ptr_array_add(arguments, g_strdup(CHOSEN_OPTION));
  if (user != NULL) {
    GString *text = g_string_new(USER_OPTION);
    g_string_append_printf(text, "%u:%u", user->uid, user->gid);
    for (guint i = 0; i < user->n_groups; i++)
      g_string_append_printf(text, "%c%u", i == 0 ? ':' : ',', user->groups[i]);
    g_ptr_array_add(arguments, g_string_free(text, FALSE));
  }
  g_ptr_array_add(arguments, NULL);
  return (char **)g_ptr_array_free(arguments, FALSE);
}

static gboolean parse_id(const char **text, guint32 *id) {
  char *end;
  errno = 0;
  guint64 number = g_ascii_strtoull(*text, &end, 10);
  if (end == *text || errno != 0 || number >= G_MAXUINT32)
    return FALSE;
  *id = (guint32)number;
  *text = end;
  return TRUE;
}

static gboolean parse_user(const char *text, RoleUser *user) {
  if (!parse_id(&text, &user->uid) || *text++ != ':' || !parse_id(&text, &user->gid))
    return FALSE;
  char separator = ':';
  while (*text == separator && user->n_groups < G_N_ELEMENTS(user->groups)) {
    text++;
    if (!parse_id(&text, &user->groups[user->n_groups++]))
      return FALSE;
    separator = ',';
  }
  return *text == '\0';
}

gboolean role_parse_arguments(char **arguments, RoleStart *start) {
  *start = (RoleStart){.role = N_ROLES, .descriptor = ROLE_DESCRIPTOR};
  if (arguments[0] == NULL || !g_str_has_prefix(arguments[0], TITLE))
    return FALSE;
  for (Role role = ROLE_IDENTITY; role < N_ROLES; role++)
    if (strcmp(arguments[0] + strlen(TITLE), role_get_name(role)) == 0)
      start->role = role;
  gboolean known = start->role != N_ROLES;
  for (char **argument = arguments + 1; *argument != NULL; argument++) {
    if (g_str_has_prefix(*argument, BUS_OPTION))
      start->bus = *argument + strlen(BUS_OPTION);
    else if (strcmp(*argument, CHOSEN_OPTION) == 0)
      start->user_is_chosen = TRUE;
    else if (g_str_has_prefix(*argument, USER_OPTION))
      known &= start->drops_rights = parse_user(*argument + strlen(USER_OPTION), &start->user);
    else
      known = FALSE;
  }
  return known;
}

/* ---- giving up rights ---- */

static gboolean set_errno_error(GError **error, const char *what) {
  return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", what, g_strerror(errno));
}

/* There is no way back: the saved ids change too, and root's rights are tried. */
gboolean role_become(const RoleUser *user, GError **error) {
  if (user->uid == 0 || user->gid == 0)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "A role does not run as root");
  if (setgroups(user->n_groups, user->groups) < 0)
    return set_errno_error(error, "The groups can't be changed");
  if (setresgid(user->gid, user->gid, user->gid) < 0)
    return set_errno_error(error, "The group can't be changed");
  if (setresuid(user->uid, user->uid, user->uid) < 0)
    return set_errno_error(error, "The user can't be changed");
  if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setegid(0) == 0)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "The rights of root came back");
  return TRUE;
}

static void raise_descriptors(rlim_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
    return;
  struct rlimit raised = {wanted, MAX(wanted, limit.rlim_max)};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/* No core file, no tracing by others: memory may hold passwords and mail. */
static gboolean keep_memory(GError **error) {
  const struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) < 0)
    return set_errno_error(error, "Core files can't be turned off");
#ifndef IS_SANITIZED /* whose check for leaks traces the process */
  if (prctl(PR_SET_DUMPABLE, 0) < 0)
    return set_errno_error(error, "Tracing can't be turned off");
#endif
  return TRUE;
}

/* What a stranger makes it take: a database's answer is held whole. */
static gboolean bound_memory(Role role, GError **error) {
#ifndef IS_SANITIZED /* which takes far more itself */
  const struct rlimit most = {MAX_SQL_MEMORY, MAX_SQL_MEMORY};
  if (role == ROLE_SQL && setrlimit(RLIMIT_DATA, &most) < 0)
    return set_errno_error(error, "Memory can't be bounded");
#endif
  (void)role;
  (void)error;
  return TRUE;
}

static void ignore(int number) {
  const struct sigaction action = {.sa_handler = SIG_IGN};
  sigaction(number, &action, NULL);
}

static gboolean holds_passwords(Role role) {
  return role == ROLE_FRONT || role == ROLE_VERIFIER || role == ROLE_PAM || role == ROLE_SQL;
}

static gboolean holds_many(Role role) {
  return role == ROLE_FRONT || role == ROLE_VERIFIER || role == ROLE_CONNECTOR;
}

static gboolean is_channel(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

gboolean role_settle(RoleStart *start, GError **error) {
  if (!is_channel(start->descriptor))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "A role is started by mailauthd itself, not by hand");
  fcntl(start->descriptor, F_SETFD, FD_CLOEXEC);
  umask(077);
  g_autofree char *name = g_strconcat("mailauthd-", role_get_name(start->role), NULL);
  prctl(PR_SET_NAME, name); /* which keeps 15 bytes of it */
  /* Ctrl-C reaches the whole group; it is the parent's to stop the roles. */
  ignore(SIGINT);
  ignore(SIGPIPE);
  if (holds_many(start->role))
    raise_descriptors(MOST_DESCRIPTORS);
  start->lacks = sandbox_get_lacks() | sandbox_prepare(start->role);
  gboolean is_locked = !holds_passwords(start->role) || secret_lock_memory();
  if (start->drops_rights && !role_become(&start->user, error))
    return FALSE;
  if (!start->drops_rights && geteuid() == 0)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "A role does not run as root");
  /* After the change of user, which resets it. */
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
    return set_errno_error(error, "The parent's end can't be watched for");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return set_errno_error(error, "New rights can't be ruled out");
  start->lacks |= is_locked ? 0 : SANDBOX_LACKS_LOCKS;
  return keep_memory(error) && bound_memory(start->role, error) &&
         sandbox_enter(start->role, error);
}

int role_run(RoleStart *start, const RolePart *part) {
  g_autoptr(GError) error = NULL;
  if (part->prepare != NULL)
    part->prepare();
  if (part->run == NULL)
    error_set(&error, REGISTRY_ERROR_INVALID_ARGUMENTS, "It is another program");
  else if (role_settle(start, &error))
    return part->run(start);
  g_printerr("mailauthd: The %s does not serve: %s\n", role_get_name(start->role), error->message);
  return ROLE_EXIT_UNSETTLED;
}

/* ---- starting one ---- */

static int open_program(const char *folder) {
  g_autofree char *path = g_build_filename(folder, STORE_PROGRAM, NULL);
  return open(path, O_PATH | O_CLOEXEC);
}

int role_open_store(GError **error) {
  g_autofree char *own = g_file_read_link("/proc/self/exe", NULL);
  g_autofree char *folder = own != NULL ? g_path_get_dirname(own) : NULL;
  int program = folder != NULL ? open_program(folder) : -1;
  if (program < 0)
    program = open_program(PROGRAM_FOLDER);
  if (program < 0)
    error_set(
        error, REGISTRY_ERROR_FAILED,
        "The program that serves mailboxes can't be opened: %s/%s: %s; install it with mailauthd",
        PROGRAM_FOLDER, STORE_PROGRAM, g_strerror(errno));
  return program;
}

/* Between fork and exec: nothing but system calls. */
static _Noreturn void become_role(int program, char *const *arguments, int channel, int nothing) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  /* dup2() of a descriptor to itself would leave it to be closed by exec; and it is not to
   * close the program. */
  int passed = fcntl(channel, F_DUPFD, ROLE_DESCRIPTOR + 1);
  int run = fcntl(program, F_DUPFD, ROLE_DESCRIPTOR + 1);
  if (passed < 0 || (run < 0 && program != ROLE_OWN_PROGRAM) || dup2(nothing, STDIN_FILENO) < 0 ||
      dup2(passed, ROLE_DESCRIPTOR) < 0 ||
      close_range(ROLE_DESCRIPTOR + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
    _exit(127);
  if (program == ROLE_OWN_PROGRAM)
    execv("/proc/self/exe", arguments);
  else
    fexecve(run, arguments, environ);
  _exit(127);
}

GPid role_launch(int program, char *const *arguments, int channel, GError **error) {
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  GPid child = nothing < 0 ? -1 : fork();
  if (child == 0)
    become_role(program, arguments, channel, nothing);
  if (child < 0)
    set_errno_error(error, "A process can't be started");
  if (nothing >= 0)
    close(nothing);
  return child;
}
