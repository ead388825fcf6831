/* SPDX-License-Identifier: MIT */
/* What the pool of stores is made of. */
#ifndef MAILAUTH_MAILBOX_STORE_POOL_PRIVATE_H
#define MAILAUTH_MAILBOX_STORE_POOL_PRIVATE_H

#include "mailauth/mailbox/store-pool.h"

typedef struct Opening Opening;

typedef struct {
  Stores *stores;
  Channel *channel;
  guint64 number; /* the maker's, of those that it has split off too */
  guint32 uid;
  char *mail_user;
  char *maildir;        /* NULL: a maker, which serves none */
  Opening *opening;     /* being asked to open; NULL else */
  char *user, *address; /* of the session that is served; NULL else */
  gboolean serving;
  gint64 idle_since; /* monotonic, in µs */
} StoreProcess;

struct Opening {
  Stores *stores;
  guint64 id;
  char *user, *address, *maildir, *mail_user, *unique_ids;
  guint32 idle_timeout;
  StoreOpened opened;
  gpointer data;
  int socket; /* the front's end; -1 if there is none yet */
  gboolean guessed;
  guint64 tried; /* the maker that it was given to last; 0: none */
  StoreProcess *store;
  guint timer;
};

struct Stores {
  Channel *parent;
  /* Epoll sets of all stores' channels. The main loop looks at the one, where each
   * store that is asked something is heard once; what others say, that a session is
   * over, is heard in the other when somebody wants to know. */
  int asked, quiet;
  GSource *ready;
  /* Rung by a store that says something while it serves: the quiet are heard then. */
  int bell;
  GSource *rung;
  StoreUnreadable unreadable;
  gpointer data;
  guint32 own_uid;
  guint sweep; /* of those that are idle for long; 0 while there are no stores */
  guint64 last_id, last_maker;
  /* The parent is asked one question at a time: what it answers to the first of many
   * logins is for the others, too. */
  gboolean is_asked;
  GQueue waiting;       /* of Opening, that have yet to ask; borrowed */
  GHashTable *openings; /* id -> Opening */
  GPtrArray *stores;    /* of StoreProcess */
  GHashTable *owners;   /* Maildir -> uid, as the parent said last */
};

gboolean store_is_busy(const StoreProcess *store);
/* It serves a Maildir, and no session now. */
gboolean store_is_idle(const StoreProcess *store);
guint stores_find_idle_count(const Stores *stores);
/* The uids of makers that may be tried for it: an array "au". Floating. */
GVariant *store_find_makers(const Opening *opening);
/* NULL for none; borrowed. */
StoreProcess *store_find_idle(const Stores *stores, const Opening *opening);
StoreProcess *store_find_maker(const Stores *stores, const Opening *opening);

#endif
