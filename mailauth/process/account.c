/* SPDX-License-Identifier: MIT */
/* See account.h. */
#include "mailauth/process/account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"

#define MAX_USER_RECORD 65536
#define MAX_LINKS 16
/* A user without an entry whose group is root's owns only by the uid. */
#define NO_GROUP 65534

/* ---- users ---- */

typedef struct {
  struct passwd record;
  char *strings;
} UserRecord;

static void clear_record(UserRecord *record) {
  g_free(record->strings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UserRecord, clear_record)

/* By @name, or by @uid if it is NULL. */
static gboolean read_record(const char *name, uid_t uid, UserRecord *record) {
  struct passwd *found = NULL;
  record->strings = g_malloc(MAX_USER_RECORD);
  int problem = name != NULL
                    ? getpwnam_r(name, &record->record, record->strings, MAX_USER_RECORD, &found)
                    : getpwuid_r(uid, &record->record, record->strings, MAX_USER_RECORD, &found);
  return problem == 0 && found != NULL;
}

static gboolean parse_uid(const char *text, uid_t *uid) {
  guint64 number;
  if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &number, NULL))
    return FALSE;
  *uid = (uid_t)number;
  return TRUE;
}

static void add_groups(const char *name, RoleUser *user) {
  gid_t groups[G_N_ELEMENTS(user->groups)];
  int n = G_N_ELEMENTS(groups);
  if (getgrouplist(name, user->gid, groups, &n) < 0)
    n = G_N_ELEMENTS(groups); /* more than are kept: the first */
  for (int i = 0; i < n; i++)
    user->groups[user->n_groups++] = groups[i];
}

static gboolean check_not_root(const RoleUser *user, const char *what, GError **error) {
  if (user->uid != 0 && user->gid != 0)
    return TRUE;
  if (user->uid != 0)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                     "%s: its user is in root's group, and nothing runs in it", what);
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "%s is root's, and nothing runs as root",
                   what);
}

gboolean account_find(const char *name, gboolean with_groups, RoleUser *user, GError **error) {
  g_auto(UserRecord) record = {0};
  uid_t uid = 0;
  gboolean is_number = parse_uid(name, &uid);
  *user = (RoleUser){0};
  if (!read_record(is_number ? NULL : name, uid, &record))
    return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND,
                     "There is no user '%s'. To make it: useradd --system --user-group "
                     "--no-create-home --shell /usr/sbin/nologin %s",
                     name, is_number ? "NAME" : name);
  user->uid = record.record.pw_uid;
  user->gid = record.record.pw_gid;
  if (with_groups)
    add_groups(record.record.pw_name, user);
  return check_not_root(user, name, error);
}

/* ---- owners of folders ---- */

static gboolean set_path_error(GError **error, const char *path, int number) {
  return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", path, g_strerror(number));
}

static gboolean is_trusted(uid_t uid) {
  return uid == 0 || uid == geteuid();
}

/* Whether nobody else could have put the link @link into the folder @folder. */
static gboolean is_trusted_link(int folder, const struct stat *link) {
  struct stat status;
  return is_trusted(link->st_uid) && fstat(folder, &status) == 0 && is_trusted(status.st_uid) &&
         ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (status.st_mode & S_ISVTX) != 0);
}

typedef struct {
  int folder;  /* the walk stands here; -1 before the root is opened */
  char *rest;  /* what is still to be walked */
  guint links; /* that have been followed */
} Walk;

static void clear_walk(Walk *walk) {
  if (walk->folder >= 0)
    close(walk->folder);
  g_free(walk->rest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, clear_walk)

static void move_to(Walk *walk, int folder) {
  if (walk->folder >= 0)
    close(walk->folder);
  walk->folder = folder;
}

/* The walk goes on by the link's target, with @rest behind it. */
static gboolean follow_link(Walk *walk, int link, const char *rest) {
  char target[PATH_MAX];
  gssize length = readlinkat(link, "", target, sizeof target - 1);
  if (length <= 0 || ++walk->links > MAX_LINKS)
    return FALSE;
  target[length] = '\0';
  if (target[0] == '/')
    move_to(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  char *whole = g_strconcat(target, "/", rest, NULL);
  g_free(walk->rest);
  walk->rest = whole;
  return walk->folder >= 0;
}

/* Takes @name, the next part of the path; @rest follows it. Returns an errno, 0 on success. */
static int walk_part(Walk *walk, const char *name, const char *rest) {
  struct stat status;
  int part = openat(walk->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (part < 0 || fstat(part, &status) < 0)
    return errno;
  if (S_ISDIR(status.st_mode)) {
    move_to(walk, part);
    g_autofree char *left = g_strdup(rest);
    g_free(walk->rest);
    walk->rest = g_steal_pointer(&left);
    return 0;
  }
  gboolean followed = S_ISLNK(status.st_mode) && rest[0] != '\0' &&
                      is_trusted_link(walk->folder, &status) && follow_link(walk, part, rest);
  close(part);
  return followed ? 0 : S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;
}

/* The folder that @path names, or the last one on the way that is there; to look at
 * only. -1 and an errno. */
static int walk_path(const char *path) {
  g_auto(Walk)
      walk = {.folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .rest = g_strdup(path)};
  for (;;) {
    const char *start = walk.rest + strspn(walk.rest, "/");
    gsize length = strcspn(start, "/");
    if (length == 0)
      break;
    g_autofree char *name = g_strndup(start, length);
    const char *rest = start + length;
    int problem = walk_part(&walk, name, rest + strspn(rest, "/"));
    if (problem == ENOENT && walk.folder >= 0)
      break;
    if (problem != 0) {
      errno = problem;
      return -1;
    }
  }
  int folder = walk.folder;
  walk.folder = -1;
  return folder;
}

static gboolean is_plain_path(const char *path) {
  g_auto(GStrv) parts = g_strsplit(path, "/", -1);
  return g_path_is_absolute(path) && strlen(path) < PATH_MAX &&
         !g_strv_contains((const char *const *)parts, "..");
}

gboolean account_find_owner(const char *path, RoleUser *user, GError **error) {
  g_auto(UserRecord) record = {0};
  struct stat status;
  *user = (RoleUser){0};
  if (!is_plain_path(path))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: the mail folder must be an absolute path without '..'", path);
  int folder = walk_path(path);
  if (folder < 0 || fstat(folder, &status) < 0)
    return set_path_error(error, path, errno);
  close(folder);
  user->uid = status.st_uid;
  if (read_record(NULL, status.st_uid, &record))
    user->gid = record.record.pw_gid;
  else
    user->gid = status.st_gid != 0 ? status.st_gid : NO_GROUP;
  return user->uid != 0 ? check_not_root(user, path, error)
                        : error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                                    "%s is root's, or would be made in a folder of root's, and "
                                    "nothing runs as root; `Mail User` can name another user",
                                    path);
}
