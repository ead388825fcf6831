/* SPDX-License-Identifier: MIT */
/* The processes that the verifier has started, and gets the channels to: stores as the
 * mail's users, PAM's processes and connectors as its own, those that speak to an SQL database
 * as theirs. They answer to the verifier that asked for them, and end with their work. */
#ifndef MAILAUTH_PARENT_SERVANTS_H
#define MAILAUTH_PARENT_SERVANTS_H

#include "mailauth/parent/child.h"

typedef struct Servants Servants;

typedef struct {
  /* The user that a role runs as. */
  gboolean (*find_user)(Role role, RoleUser *user, GError **error, gpointer data);
  /* One has ended. */
  void (*ended)(gpointer data);
  gpointer data;
} ServantsHooks;

/* Borrows @launcher and @verifier, and copies @hooks. */
Servants *servants_new(const Launcher *launcher, Child *verifier, const ServantsHooks *hooks);
/* The processes stay. */
void servants_free(Servants *servants);

/* WANT_STORE and WANT_SERVANT. */
void servants_take_want_store(Servants *servants, const Message *message);
void servants_take_want(Servants *servants, const Message *message);
/* END_SERVANT: kills a connector, or a process that speaks to an SQL database, that the verifier of
 * now has asked for; no other process. */
void servants_take_end(const Servants *servants, const Message *message);

guint servants_count(const Servants *servants);
void servants_signal(const Servants *servants, int number);

#endif
