/* SPDX-License-Identifier: MIT */
/* See file-share.h. How many a user has under way is the service's count; here is who waits. */
#include "regd/bus/file-share.h"

#include "client/base/error.h"

struct FileShares {
  Service *service;
  GHashTable *waiting; /* uid -> GQueue of Waiting, not empty */
  guint given;         /* shares that are out */
  gboolean freed;
};

struct FileShare {
  FileShares *shares;
  guint32 uid;
};

typedef struct {
  Identity *who;
  const FileStartKind *kind;
  gpointer data;
} Waiting;

static void waiting_free(gpointer data) {
  Waiting *waiting = data;
  if (waiting->data != NULL)
    waiting->kind->drop(waiting->data);
  identity_unref(waiting->who);
  g_free(waiting);
}

static void queue_free(gpointer queue) {
  g_queue_free_full(queue, waiting_free);
}

FileShares *file_shares_new(Service *service) {
  FileShares *shares = g_new0(FileShares, 1);
  shares->service = service;
  shares->waiting = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, queue_free);
  return shares;
}

void file_shares_free(FileShares *shares) {
  if (shares == NULL)
    return;
  g_clear_pointer(&shares->waiting, g_hash_table_unref);
  shares->freed = TRUE;
  if (shares->given == 0)
    g_free(shares);
}

/* NULL: the user has all that they may have. */
static FileShare *take(FileShares *shares, const Identity *who) {
  if (!service_take_share(shares->service, who, SHARE_FILES, 1, NULL))
    return NULL;
  FileShare *share = g_new0(FileShare, 1);
  share->shares = shares;
  share->uid = who->uid;
  shares->given++;
  return share;
}

static void wait_for_turn(FileShares *shares, Identity *who, const FileStartKind *kind,
                          gpointer data) {
  gpointer uid = GUINT_TO_POINTER(who->uid);
  GQueue *queue = g_hash_table_lookup(shares->waiting, uid);
  if (queue == NULL) {
    queue = g_queue_new();
    g_hash_table_insert(shares->waiting, uid, queue);
  }
  Waiting *waiting = g_new0(Waiting, 1);
  waiting->who = identity_ref(who);
  waiting->kind = kind;
  waiting->data = data;
  g_queue_push_tail(queue, waiting);
}

void file_shares_request(FileShares *shares, Identity *who, const FileStartKind *kind,
                         gpointer data) {
  gboolean others_wait = g_hash_table_contains(shares->waiting, GUINT_TO_POINTER(who->uid));
  FileShare *share = others_wait ? NULL : take(shares, who);
  if (share != NULL)
    kind->start(share, data);
  else
    wait_for_turn(shares, who, kind, data);
}

/* Starts the file that the user has waited with longest. */
static void start_next(FileShares *shares, guint32 uid) {
  GQueue *queue = g_hash_table_lookup(shares->waiting, GUINT_TO_POINTER(uid));
  Waiting *waiting = queue != NULL ? g_queue_peek_head(queue) : NULL;
  FileShare *share = waiting != NULL ? take(shares, waiting->who) : NULL;
  if (share == NULL)
    return;
  g_queue_pop_head(queue);
  if (g_queue_is_empty(queue))
    g_hash_table_remove(shares->waiting, GUINT_TO_POINTER(uid));
  waiting->kind->start(share, g_steal_pointer(&waiting->data));
  waiting_free(waiting);
}

void file_share_give_back(gpointer data) {
  FileShare *share = data;
  FileShares *shares = share->shares;
  guint32 uid = share->uid;
  g_free(share);
  service_give_back(shares->service, uid, SHARE_FILES, 1);
  shares->given--;
  if (!shares->freed)
    start_next(shares, uid);
  else if (shares->given == 0)
    g_free(shares);
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
