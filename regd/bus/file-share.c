/* SPDX-License-Identifier: MIT */
/* See file-share.h. */
#include "regd/bus/file-share.h"

#include "client/base/error.h"

struct FileShare {
  Service *service;
  guint32 uid;
};

FileShare *file_share_take(Service *service, const Identity *who, GError **error) {
  if (!service_take_share(service, who, SHARE_FILES, error))
    return NULL;
  FileShare *share = g_new0(FileShare, 1);
  share->service = service;
  share->uid = who->uid;
  return share;
}

void file_share_give_back(gpointer data) {
  FileShare *share = data;
  service_give_back(share->service, share->uid, SHARE_FILES);
  g_free(share);
}

int file_share_take_descriptor(DispatchCall *call, DBusMessageIter *iter, GError **error) {
  int descriptor = -1;
  dbus_message_iter_get_basic(iter, &descriptor);
  dbus_message_iter_next(iter);
  if (descriptor < 0)
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "%s: too many files are open; try again",
              dispatch_call_get_method(call));
  return descriptor;
}
