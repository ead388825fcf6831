/* SPDX-License-Identifier: MIT */
/* See shares.h. */
#include "regd/service/shares.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"

typedef struct {
  guint taken[SHARE_COUNT];
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

static guint get_limit(const Shares *shares, const Identity *who, Share share) {
  if (share == SHARE_FILES)
    return LIMIT_FILES_PER_USER;
  if (who->administrator)
    return G_MAXUINT;
  return share == SHARE_CALLS ? shares->settings->calls_per_user
                              : shares->settings->watches_per_user;
}

static const char *const share_names[] = {
    [SHARE_CALLS] = "calls are waiting (the setting Calls Per User)",
    [SHARE_WATCHES] = "watches stand (the setting Watches Per User)",
    [SHARE_FILES] = "files are being worked on", /* told to nobody: they wait */
};

gboolean shares_take(Shares *shares, const Identity *who, Share share, GError **error) {
  gpointer uid = GUINT_TO_POINTER(who->uid);
  Usage *usage = g_hash_table_lookup(shares->usage, uid);
  guint taken = usage != NULL ? usage->taken[share] : 0;
  guint limit = get_limit(shares, who, share);
  if (taken >= limit) {
    shares->loads[share].refused++;
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "user %u has reached the limit of %u: so many %s already", who->uid, limit,
                     share_names[share]);
  }
  if (usage == NULL) {
    usage = g_new0(Usage, 1);
    g_hash_table_insert(shares->usage, uid, usage);
  }
  usage->taken[share]++;
  shares->loads[share].now++;
  shares->loads[share].taken++;
  return TRUE;
}

void shares_give_back(Shares *shares, guint32 uid, Share share) {
  static const Usage nothing = {{0}};
  Usage *usage = g_hash_table_lookup(shares->usage, GUINT_TO_POINTER(uid));
  g_return_if_fail(usage != NULL && usage->taken[share] > 0);
  usage->taken[share]--;
  shares->loads[share].now--;
  if (memcmp(usage, &nothing, sizeof nothing) == 0)
    g_hash_table_remove(shares->usage, GUINT_TO_POINTER(uid));
}

ShareLoad shares_get_load(const Shares *shares, Share share) {
  return shares->loads[share];
}
