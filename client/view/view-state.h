/* SPDX-License-Identifier: MIT */
/* What is known of a view: what can be looked up, its watch, and what is being
 * read. Not installed; the files of this folder work on it, each above the one
 * before: catch-up.c (reading what has changed), watch.c (the watch and what it
 * signals) and view.c (what users see). */
#ifndef CLIENT_VIEW_VIEW_STATE_H
#define CLIENT_VIEW_VIEW_STATE_H

#include "client/connection/connection.h"
#include "client/view/changed-keys.h"
#include "client/view/tree.h"

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

gboolean staged_is_empty(const Staged *staged);

/* A read under way. */
typedef struct {
  gboolean active;
  gboolean everything; /* page by page; else single keys */
  gboolean forced;     /* whatever the revisions say */
  guint64 signalled;   /* the newest revision signalled before it was sent, which it covers */
  Tree *tree;          /* the pages so far */
  char *top;           /* their canonical path, once known */
  guint64 oldest;      /* of the pages' revisions */
  guint64 newest;
  guint pages;
  ConnectionCall *page; /* under way */
  GPtrArray *waiting;   /* of KeyRead: keys to be read */
  GPtrArray *in_flight; /* of KeyRead: under way */
} CatchUp;

/* What the files below the watch ask of it. */
typedef struct {
  /* Asks again for what the daemon refused. */
  void (*ask_again)(RegistryView *view);
  /* The same in a while, unless a sync does it before. */
  void (*ask_again_later)(RegistryView *view);
  /* Forgets the watch and everything under way; what is shown stays. Takes @problem. */
  void (*lose)(RegistryView *view, GError *problem);
} ViewWatch;

struct RegistryView {
  guint references;
  gboolean freed; /* by the user; their callbacks are not called any more */
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
  const ViewWatch *watch;
  ConnectionCall *watching; /* the call under way */
  gboolean watch_again;     /* a sync asked for more than its answer may bring */
  gboolean caught_up_from;  /* it asked for what happened since `revision` */
  guint32 watch_id;
  gboolean watched; /* `watch_id` stands */
  char *path;       /* canonical, of the key that is watched */
  guint64 sequence; /* of the next signal */
  GPtrArray *early; /* signals that came before the call's answer */
  gboolean early_lost;
  GSource *retry;

  /* Catching up. */
  ChangedKeys changed_keys;
  gboolean forced;   /* everything must be read, whatever the revisions say */
  gboolean is_small; /* the sub-tree is small: read it in one go */
  guint64 covered;   /* everything was last read at this revision */
  guint64 reached;   /* what was signalled so far can be looked up; 0: nothing */
  CatchUp catch_up;
  Staged staged;
  ConnectionCall *barrier;
  guint64 barrier_revision; /* every signal up to here has come */
  guint barriers;           /* since something was last read */
};

RegistryView *view_ref(RegistryView *view);
void view_unref(RegistryView *view);

/* Tells the user that @subkey was written to; NULL: whatever there is. */
void view_touch(RegistryView *view, const char *subkey);
/* Shows the state (with an empty tree when nothing may be looked up; takes @problem) and
 * tells the user if @differs or the state is another. */
void view_show(RegistryView *view, RegistryViewState state, GError *problem, gboolean differs);
void view_set_problem(RegistryView *view, GError *problem);

/* The greatest revision that the daemon has signalled so far. */
guint64 view_get_signalled(const RegistryView *view);
/* Whether all that was signalled up to @revision can be looked up now, or
 * nothing is under way that could bring it. */
gboolean view_has_reached(const RegistryView *view, guint64 revision);
/* The revision that can be looked up, and whether something that changed up to
 * @revision can't be yet. */
guint64 view_get_shown(const RegistryView *view);
gboolean view_lacks(const RegistryView *view, guint64 revision);
/* Whether what can be looked up is the daemon's word, and not the last known. */
gboolean view_is_current(const RegistryView *view);

#endif
