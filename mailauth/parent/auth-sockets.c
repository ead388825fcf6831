/* SPDX-License-Identifier: MIT */
/* See auth-sockets.h. */
#include "mailauth/parent/auth-sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/parent/private-mount.h"

#define BACKLOG 1024
/* Nobody but the owner gets at a socket that has not its rights yet. */
#define FIRST_UMASK 0177

/* Who may connect. */
typedef struct {
  mode_t mode;
  gid_t group;
} Rights;

typedef struct {
  char *path; /* "": not wanted */
  int socket; /* -1 while it does not listen */
  dev_t device;
  ino_t inode;
  char *problem; /* "" if there is none */
} AuthSocket;

struct AuthSockets {
  AuthSocket list[N_AUTH_KINDS];
  mode_t mode;
  char *group; /* "": this process's own */
  AuthSocketChanged changed;
  gpointer data;
};

static gboolean fail(const char *path, const char *what, GError **error) {
  return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s: %s", path, what, g_strerror(errno));
}

/* ---- the path ---- */

static gboolean fill_address(const char *path, struct sockaddr_un *address, GError **error) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (path[0] != '/' || strlen(path) >= sizeof address->sun_path)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: it is no absolute path, or too long for a socket", path);
  memcpy(address->sun_path, path, strlen(path) + 1);
  return TRUE;
}

static int new_socket(void) {
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Only a refusal says that nobody is there: a full backlog, for one, doesn't. */
static gboolean is_deserted(const struct sockaddr_un *address) {
  int probe = new_socket();
  gboolean refused = probe >= 0 &&
                     connect(probe, (const struct sockaddr *)address, sizeof *address) < 0 &&
                     errno == ECONNREFUSED;
  if (probe >= 0)
    close(probe);
  return refused;
}

/* Makes room for a socket if one was left behind. */
static gboolean clear_path(const char *path, const struct sockaddr_un *address, GError **error) {
  struct stat status;
  if (lstat(path, &status) < 0)
    return errno == ENOENT || fail(path, "it can't be looked at", error);
  if (!S_ISSOCK(status.st_mode))
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: what is there is no socket, and is left",
                     path);
  if (!is_deserted(address))
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: another server listens on it", path);
  return unlink(path) == 0 || errno == ENOENT || fail(path, "it can't be removed", error);
}

static gboolean is_ours(const AuthSocket *own) {
  struct stat status;
  return lstat(own->path, &status) == 0 && S_ISSOCK(status.st_mode) &&
         status.st_dev == own->device && status.st_ino == own->inode;
}

/* ---- rights ---- */

static gboolean find_group(const char *name, gid_t *group, GError **error) {
  guint64 number = 0;
  const struct group *entry = NULL;
  *group = getegid();
  if (name[0] == '\0')
    return TRUE;
  if (g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, &number, NULL)) {
    *group = (gid_t)number;
    return TRUE;
  }
  entry = getgrnam(name);
  if (entry == NULL)
    return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND,
                     "Auth Socket Group: there is no group '%s'", name);
  *group = entry->gr_gid;
  return TRUE;
}

static gboolean set_rights(const char *path, const Rights *rights, GError **error) {
  if (lchown(path, (uid_t)-1, rights->group) < 0)
    return fail(path, "it can't be given the group", error);
  if (fchmodat(AT_FDCWD, path, rights->mode, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(path, "it can't be given the mode", error);
  return TRUE;
}

/* ---- opening and closing ---- */

static gboolean bind_socket(AuthSocket *own, const struct sockaddr_un *address, GError **error) {
  struct stat status;
  mode_t before = umask(FIRST_UMASK);
  int result = bind(own->socket, (const struct sockaddr *)address, sizeof *address);
  umask(before);
  if (result < 0)
    return fail(own->path, "it can't be bound", error);
  if (lstat(own->path, &status) < 0)
    return fail(own->path, "it can't be looked at", error);
  own->device = status.st_dev;
  own->inode = status.st_ino;
  return TRUE;
}

static void close_socket(AuthSocket *own) {
  if (own->socket < 0)
    return;
  if (own->inode != 0 && is_ours(own))
    unlink(own->path);
  shutdown(own->socket, SHUT_RDWR);
  close(own->socket);
  own->socket = -1;
  own->inode = 0;
}

/* Nobody can connect before it listens, and then its rights are set. */
static gboolean open_socket(AuthSocket *own, const Rights *rights, GError **error) {
  struct sockaddr_un address;
  if (!fill_address(own->path, &address, error) || !clear_path(own->path, &address, error))
    return FALSE;
  own->socket = new_socket();
  if (own->socket < 0)
    return fail(own->path, "there is no socket to be had", error);
  if (bind_socket(own, &address, error) && set_rights(own->path, rights, error)) {
    if (listen(own->socket, BACKLOG) == 0)
      return TRUE;
    fail(own->path, "it can't be listened on", error);
  }
  close_socket(own);
  return FALSE;
}

static gboolean get_rights(const AuthSockets *sockets, Rights *rights, GError **error) {
  rights->mode = sockets->mode;
  return find_group(sockets->group, &rights->group, error);
}

static void set_problem(AuthSocket *own, const GError *error) {
  g_free(own->problem);
  own->problem = g_strdup(error == NULL ? "" : error->message);
}

/* It listens, and nobody hears of it. */
static void check_reach(AuthSocket *own) {
  g_autofree char *point = private_mount_find(own->path);
  if (point == NULL)
    return;
  g_free(own->problem);
  own->problem =
      g_strdup_printf("%s: no other server can reach it, as this service has a %s of its "
                      "own (PrivateTmp); a path below /run will do",
                      own->path, point);
}

static gboolean try_to_open(AuthSockets *sockets, AuthKind kind) {
  AuthSocket *own = &sockets->list[kind];
  Rights rights;
  g_autoptr(GError) error = NULL;
  if (get_rights(sockets, &rights, &error) && open_socket(own, &rights, &error))
    sockets->changed(kind, own->socket, sockets->data);
  set_problem(own, error);
  if (own->socket >= 0)
    check_reach(own);
  return own->socket >= 0;
}

static void stop_listening(AuthSockets *sockets, AuthKind kind) {
  AuthSocket *own = &sockets->list[kind];
  if (own->socket < 0)
    return;
  sockets->changed(kind, -1, sockets->data);
  close_socket(own);
}

/* New rights for one that stays; if they can't be set, or another program has taken its
 * path, it is opened again or not at all. */
static void renew(AuthSockets *sockets, AuthKind kind) {
  AuthSocket *own = &sockets->list[kind];
  Rights rights;
  if (own->socket >= 0 && is_ours(own) && get_rights(sockets, &rights, NULL) &&
      set_rights(own->path, &rights, NULL))
    return;
  stop_listening(sockets, kind);
}

/* ---- the whole ---- */

AuthSockets *auth_sockets_new(AuthSocketChanged changed, gpointer data) {
  AuthSockets *sockets = g_new0(AuthSockets, 1);
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    sockets->list[i] = (AuthSocket){.path = g_strdup(""), .socket = -1, .problem = g_strdup("")};
  sockets->group = g_strdup("");
  sockets->changed = changed;
  sockets->data = data;
  return sockets;
}

void auth_sockets_free(AuthSockets *sockets) {
  for (guint i = 0; i < N_AUTH_KINDS; i++) {
    close_socket(&sockets->list[i]);
    g_free(sockets->list[i].path);
    g_free(sockets->list[i].problem);
  }
  g_free(sockets->group);
  g_free(sockets);
}

static void set_path(AuthSockets *sockets, AuthKind kind, const char *path) {
  AuthSocket *own = &sockets->list[kind];
  if (g_str_equal(own->path, path)) {
    renew(sockets, kind);
    return;
  }
  stop_listening(sockets, kind);
  g_free(own->path);
  own->path = g_strdup(path);
  set_problem(own, NULL);
}

/* What goes makes room for what comes, which may want its path. */
void auth_sockets_replace(AuthSockets *sockets, GVariant *wanted) {
  g_auto(GStrv) paths = NULL;
  guint32 mode = 0;
  g_free(sockets->group);
  g_variant_get(wanted, "(^asus)", &paths, &mode, &sockets->group);
  sockets->mode = (mode_t)mode & 0777;
  guint n_paths = g_strv_length(paths);
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    set_path(sockets, (AuthKind)i, i < n_paths ? paths[i] : "");
  auth_sockets_retry(sockets);
}

gboolean auth_sockets_retry(AuthSockets *sockets) {
  gboolean changed = FALSE;
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    if (sockets->list[i].path[0] != '\0' && sockets->list[i].socket < 0)
      changed |= try_to_open(sockets, (AuthKind)i);
  return changed;
}

gboolean auth_sockets_have_problem(const AuthSockets *sockets) {
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    if (sockets->list[i].path[0] != '\0' && sockets->list[i].socket < 0)
      return TRUE;
  return FALSE;
}

void auth_sockets_foreach(const AuthSockets *sockets, AuthSocketChanged callback, gpointer data) {
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    if (sockets->list[i].socket >= 0)
      callback((AuthKind)i, sockets->list[i].socket, data);
}

GVariant *auth_sockets_report(const AuthSockets *sockets) {
  GVariantBuilder report;
  g_variant_builder_init(&report, G_VARIANT_TYPE("as"));
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    g_variant_builder_add(&report, "s", sockets->list[i].problem);
  return g_variant_builder_end(&report);
}
