/* SPDX-License-Identifier: MIT */
/* What the files of the view share: view.c (what users see), watch.c (the
 * watch and what it signals) and catch-up.c (reading what has changed). */
#ifndef CLIENT_VIEW_VIEW_PRIVATE_H
#define CLIENT_VIEW_VIEW_PRIVATE_H

#include "client/connection/connection.h"
#include "client/view/changed-keys.h"
#include "client/view/sync.h"
#include "client/view/tree.h"
#include "client/view/view.h"

/* What was read and can't be shown yet, since other parts of the sub-tree may
 * stand at another revision. */
typedef struct {
  Tree *everything;     /* the whole sub-tree, or NULL */
  char *top;            /* its canonical path */
  gboolean in_one_page; /* all of it is of one revision */
  GPtrArray *keys;      /* of KeyRead: single keys, read after it */
  guint64 newest;       /* the greatest revision among them; 0: nothing is staged */
  guint rounds;         /* reads since something was last shown */
} Staged;

/* A read under way. */
typedef struct {
  gboolean active;
  gboolean everything; /* page by page; else single keys */
  gboolean forced;     /* whatever the revisions say */
  guint64 signalled;   /* heard of before it was sent: it covers that at least */
  Tree *tree;          /* the pages so far */
  char *top;           /* their canonical path, once known */
  guint64 oldest;      /* of the pages' revisions */
  guint64 newest;
  guint pages;
  ConnectionCall *page; /* under way */
  GPtrArray *waiting;   /* of KeyRead: keys to be read */
  GPtrArray *flying;    /* of KeyRead: under way */
} Reread;

struct RegistryView {
  guint references;
  gboolean freed; /* by the user; his call-backs are not called any more */
  RegistryConnection *connection;
  char *key; /* as the user named it */
  RegistryViewChanged changed;
  RegistryViewTouched touched; /* may be NULL */
  gpointer data;

  /* What can be looked up. */
  RegistryViewState state;
  GError *problem;
  Tree *tree;
  guint64 revision;

  /* The watch. */
  ConnectionCall *watching; /* the call under way */
  gboolean watch_again;     /* its answer may be older than what was asked for since */
  gboolean caught_up_from;  /* it asked for what happened since `revision` */
  guint32 watch_id;
  gboolean watched; /* `watch_id` stands */
  char *path;       /* canonical, of the key that is watched */
  guint64 sequence; /* of the next signal */
  GPtrArray *early; /* signals that came before the call's answer */
  gboolean early_lost;
  GSource *retry;

  /* Catching up. */
  Dirt dirt;
  gboolean forced;      /* everything is to be read, whatever the revisions say */
  gboolean reread_once; /* the sub-tree is small: read it in one go */
  guint64 covered;      /* everything was last read at this revision */
  guint64 reached;      /* what was signalled so far can be looked up; 0: nothing */
  Reread reread;
  Staged staged;
  ConnectionCall *fence;
  guint64 fenced; /* every signal up to here has come */
  guint fences;   /* since something was last read */
};

RegistryView *view_ref(RegistryView *view);
void view_unref(RegistryView *view);

/* ---- watch.c ---- */

/* Where the daemon is there: asks it to watch. */
void follow_start(RegistryView *view);
/* Forgets the watch and everything under way; what is shown stays. @problem is taken. */
void follow_lose(RegistryView *view, GError *problem);
void follow_retry_later(RegistryView *view);
extern const ConnectionListener follow_listener;

/* ---- catch-up.c ---- */

/* Goes on with whatever is to be done next. May call the user. */
void reread_step(RegistryView *view);
/* A round trip after which every signal that was sent before it has come. */
void reread_send_fence(RegistryView *view);
gboolean reread_is_idle(const RegistryView *view);
/* Forgets what is under way or staged. */
void reread_cancel(RegistryView *view);

/* ---- view.c ---- */

/* Tells the user that @subkey was written to; NULL: whatever there is. */
void view_touch(RegistryView *view, const char *subkey);
/* Shows the state (with an empty tree unless @tree is given; takes it and
 * @problem) and tells the user where @differs or the state is another. */
void view_show(RegistryView *view, RegistryViewState state, GError *problem, gboolean differs);
void view_set_problem(RegistryView *view, GError *problem);

#endif
