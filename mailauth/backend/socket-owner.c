/* SPDX-License-Identifier: MIT */
/* See socket-owner.h. The kernel keeps who has called listen(2). */
#include "mailauth/backend/socket-owner.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"

static gboolean owns_folder(uid_t user, const char *path) {
  struct stat status;
  g_autofree char *folder = g_path_get_dirname(path);
  return stat(folder, &status) == 0 && status.st_uid == user;
}

gboolean socket_owner_check(int descriptor, const char *path, GError **error) {
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "who listens there can't be told: %s",
                     g_strerror(errno));
  if (peer.uid == 0 || peer.uid == geteuid() || owns_folder(peer.uid, path))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "user %u listens there, who may have been first by chance: the master user's "
                   "password goes only to root, to this server's user, and to the owner of the "
                   "socket's folder",
                   peer.uid);
}
