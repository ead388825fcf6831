/* SPDX-License-Identifier: MIT */
/* A role's process as the parent sees it: it is started, told things, asked whether it
 * still answers, and its end is noticed. parent.h decides what happens then; the growing
 * delay before a restart is kept here. */
#ifndef MAILAUTH_PARENT_CHILD_H
#define MAILAUTH_PARENT_CHILD_H

#include "mailauth/ipc/channel.h"
#include "mailauth/process/role.h"

/* How often a role is to be asked whether it answers, in ms. */
#define CHILD_PING_MS 2000

/* What every role is started with. */
typedef struct {
  const char *bus; /* may be NULL; borrowed */
  gboolean is_root;
  int store; /* the store's program: role_open_store() */
} Launcher;

/* Starts a role as @user, which is ignored unless the parent is root, on @channel, which
 * stays the caller's. -1 and an error if there is no process to be had. */
GPid launcher_start(const Launcher *launcher, Role role, const RoleUser *user, int channel,
                    GError **error);

typedef struct Child Child;
typedef struct {
  void (*message)(Message *message, gpointer data);
  /* @status: as waitpid() has it. What it said last may be unread: child_hear_out(). */
  void (*exited)(Child *child, int status, gpointer data);
  /* Its delay is over. */
  void (*start_again)(Child *child, gpointer data);
} ChildEvents;

/* Part of the parent. */
struct Child {
  const ChildEvents *events;
  gpointer data;
  Role role;
  GPid pid;         /* 0 while there is none */
  Channel *channel; /* NULL while there is none */
  gint64 started;   /* monotonic time, us */
  guint failures;   /* in a row */
  guint timer;      /* that starts it again; 0 for none */
  guint unanswered; /* pings since the last answer */
};

/* Borrows @events. */
void child_init(Child *child, Role role, const ChildEvents *events, gpointer data);
void child_clear(Child *child);

gboolean child_start(Child *child, const Launcher *launcher, const RoleUser *user, GError **error);
/* Has start_again() called: at once after the first failure, then after a delay that
 * doubles. */
void child_start_later(Child *child);
void child_signal(const Child *child, int number);
/* Asks it to end by closing the way to it, or else by SIGTERM. */
void child_stop(const Child *child);

/* Sends @body, which may be NULL. A role that can't be told what it must know is ended,
 * so that it is replaced. */
void child_tell(Child *child, MessageKind kind, GVariant *body, const int *descriptors,
                guint n_descriptors);
void child_tell_with(Child *child, MessageKind kind, GVariant *body, int descriptor);
/* What a process said just before its end: the messages that are still unread. */
void child_hear_out(Child *child);

/* Asks, every CHILD_PING_MS, by a message of @kind whether it answers, which
 * child_note_answer() notes; one that has not answered for long is ended. FALSE: it should have
 * ended long ago. */
gboolean child_ping(Child *child, MessageKind kind);
void child_note_answer(Child *child);

#endif
