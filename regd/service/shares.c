/* SPDX-License-Identifier: MIT */
/* See shares.h. */
#include "regd/service/shares.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"

typedef struct {
  guint64 taken[SHARE_COUNT];
} Usage;

struct Shares {
  const LiveSettings *settings;
  GHashTable *usage; /* uid -> Usage, only if something is taken */
  ShareLoad loads[SHARE_COUNT];
};

Shares *shares_new(const LiveSettings *settings) {
  Shares *shares = g_new0(Shares, 1);
  shares->settings = settings;
  shares->usage = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
  return shares;
}

void shares_free(Shares *shares) {
  if (shares == NULL)
    return;
  g_hash_table_unref(shares->usage);
  g_free(shares);
}

static guint64 get_limit(const Shares *shares, const Identity *who, Share share) {
  const guint64 limits[] = {
      [SHARE_CALLS] = shares->settings->calls_per_user,
      [SHARE_CALL_BYTES] = shares->settings->call_bytes_per_user,
      [SHARE_WATCHES] = shares->settings->watches_per_user,
      [SHARE_FILES] = LIMIT_FILES_PER_USER,
  };
  return who->administrator && share != SHARE_FILES ? G_MAXUINT64 : limits[share];
}

static const char *const share_names[] = {
    [SHARE_CALLS] = "calls are waiting (the setting Calls Per User)",
    [SHARE_CALL_BYTES] = "bytes of calls are waiting (the setting Call Bytes Per User)",
    [SHARE_WATCHES] = "watches stand (the setting Watches Per User)",
    [SHARE_FILES] = "files are being worked on", /* told to nobody: they wait */
};

gboolean shares_take(Shares *shares, const Identity *who, Share share, guint64 amount,
                     GError **error) {
  gpointer uid = GUINT_TO_POINTER(who->uid);
  Usage *usage = g_hash_table_lookup(shares->usage, uid);
  guint64 taken = usage != NULL ? usage->taken[share] : 0;
  guint64 limit = get_limit(shares, who, share);
  if (taken > 0 && amount > limit - MIN(limit, taken)) {
    shares->loads[share].refused++;
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "user %u has reached the limit of %" G_GUINT64_FORMAT ": so many %s already",
                     who->uid, limit, share_names[share]);
  }
  if (usage == NULL) {
    usage = g_new0(Usage, 1);
    g_hash_table_insert(shares->usage, uid, usage);
  }
  usage->taken[share] += amount;
  shares->loads[share].now += amount;
  shares->loads[share].taken += amount;
  return TRUE;
}

void shares_give_back(Shares *shares, guint32 uid, Share share, guint64 amount) {
  static const Usage nothing = {{0}};
  Usage *usage = g_hash_table_lookup(shares->usage, GUINT_TO_POINTER(uid));
  g_return_if_fail(usage != NULL && usage->taken[share] >= amount);
  usage->taken[share] -= amount;
  shares->loads[share].now -= amount;
  if (memcmp(usage, &nothing, sizeof nothing) == 0)
    g_hash_table_remove(shares->usage, GUINT_TO_POINTER(uid));
}

ShareLoad shares_get_load(const Shares *shares, Share share) {
  return shares->loads[share];
}
