/* SPDX-License-Identifier: MIT */
/* What each user has under way: calls and their bytes, watches and files, each up to a limit, so
 * that nobody takes more than their share. */
#ifndef REGD_SERVICE_SHARES_H
#define REGD_SERVICE_SHARES_H

#include "regd/base/access.h"
#include "regd/tree/settings.h"

typedef enum { SHARE_CALLS, SHARE_CALL_BYTES, SHARE_WATCHES, SHARE_FILES, SHARE_COUNT } Share;

typedef struct Shares Shares;
/* @settings, borrowed, has the limits that hold now. */
Shares *shares_new(const LiveSettings *settings);
void shares_free(Shares *shares);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shares, shares_free)

/* Takes @amount of @share for the user; shares_give_back() ends it. A user who has nothing of it
 * gets it in any case. LIMIT_EXCEEDED names the setting. Administrators are limited in files
 * only. */
gboolean shares_take(Shares *shares, const Identity *who, Share share, guint64 amount,
                     GError **error);
void shares_give_back(Shares *shares, guint32 uid, Share share, guint64 amount);

/* Of all users together. */
typedef struct {
  guint64 now;     /* taken and not given back */
  guint64 taken;   /* since the start */
  guint64 refused; /* since the start */
} ShareLoad;
ShareLoad shares_get_load(const Shares *shares, Share share);

#endif
