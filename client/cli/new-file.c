/* SPDX-License-Identifier: MIT */
/* If the file system allows it, the new file has no name until it is whole, so that
 * nothing is left behind however the program ends. */
#include "client/cli/new-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "client/base/error.h"

struct NewFile {
  char *target;    /* the file itself, if it was named by a symbolic link */
  char *directory; /* that it is in */
  char *temporary; /* what has a name already; NULL: nothing */
  int descriptor;
  gboolean in_place;
};

static gboolean fail(const NewFile *file, GError **error) {
  return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", file->target, g_strerror(errno));
}

static char *temporary_name(const NewFile *file) {
  g_autofree char *leaf = g_path_get_basename(file->target);
  return g_strdup_printf("%s/.%s.XXXXXX", file->directory, leaf);
}

static gboolean open_new(NewFile *file, NewFileKind kind, GError **error) {
  mode_t mode = kind == NEW_FILE_SECRET ? 0600 : 0666;
  file->descriptor = open(file->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
  if (file->descriptor >= 0)
    return TRUE;
  file->temporary = temporary_name(file);
  file->descriptor = g_mkstemp_full(file->temporary, O_RDWR | O_CLOEXEC, (int)mode);
  if (file->descriptor >= 0)
    return TRUE;
  g_clear_pointer(&file->temporary, g_free);
  return fail(file, error);
}

static gboolean open_in_place(NewFile *file, GError **error) {
  file->in_place = TRUE;
  file->descriptor = open(file->target, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  return file->descriptor >= 0 || fail(file, error);
}

/* Owner before mode: a change of owner takes bits of the mode away. Only root gives files
 * away; for others the file that they may replace becomes theirs. */
static gboolean take_after(const NewFile *file, const struct stat *old, GError **error) {
  mode_t kept = 07777;
  if (fchown(file->descriptor, old->st_uid, old->st_gid) != 0) {
    kept = 0777;
    if (fchown(file->descriptor, (uid_t)-1, old->st_gid) != 0) {
      kept = 0707; /* what the old group might is not for another one */
      if (errno != EPERM)
        return fail(file, error);
    }
  }
  return fchmod(file->descriptor, old->st_mode & kept) == 0 || fail(file, error);
}

NewFile *new_file_open(const char *name, NewFileKind kind, GError **error) {
  struct stat status;
  g_autoptr(NewFile) file = g_new0(NewFile, 1);
  char *resolved = realpath(name, NULL);
  file->descriptor = -1;
  file->target = g_strdup(resolved != NULL ? resolved : name);
  free(resolved);
  file->directory = g_path_get_dirname(file->target);
  gboolean exists = stat(file->target, &status) == 0;
  if (exists && !S_ISREG(status.st_mode))
    return open_in_place(file, error) ? g_steal_pointer(&file) : NULL;
  if (!open_new(file, kind, error))
    return NULL;
  if (exists && kind == NEW_FILE_ORDINARY && !take_after(file, &status, error))
    return NULL;
  return g_steal_pointer(&file);
}

int new_file_get_descriptor(const NewFile *file) {
  return file->descriptor;
}

/* Gives the file its name. */
static gboolean give_name(NewFile *file, GError **error) {
  g_autofree char *template = temporary_name(file);
  g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", file->descriptor);
  int reserved = g_mkstemp(template);
  if (reserved < 0)
    return fail(file, error);
  close(reserved);
  if (unlink(template) != 0 || linkat(AT_FDCWD, link, AT_FDCWD, template, AT_SYMLINK_FOLLOW) != 0)
    return fail(file, error);
  file->temporary = g_steal_pointer(&template);
  return TRUE;
}

static gboolean sync_directory(const NewFile *file, GError **error) {
  int directory = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return fail(file, error);
  gboolean synced = fsync(directory) == 0 || errno == EINVAL || fail(file, error);
  close(directory);
  return synced;
}

gboolean new_file_keep(NewFile *file, GError **error) {
  if (file->in_place)
    return TRUE;
  if (fsync(file->descriptor) != 0)
    return fail(file, error);
  if (file->temporary == NULL && !give_name(file, error))
    return FALSE;
  if (rename(file->temporary, file->target) != 0)
    return fail(file, error);
  g_clear_pointer(&file->temporary, g_free);
  return sync_directory(file, error);
}

void new_file_free(NewFile *file) {
  if (file == NULL)
    return;
  if (file->temporary != NULL)
    (void)unlink(file->temporary);
  if (file->descriptor >= 0)
    close(file->descriptor);
  g_free(file->temporary);
  g_free(file->directory);
  g_free(file->target);
  g_free(file);
}
