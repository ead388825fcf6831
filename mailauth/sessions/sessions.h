/* SPDX-License-Identifier: MIT */
/* Who is logged in, at the front that there is now: every session from its verdict on, or from
 * when the front has told of it again, until the front says that it is over. Sessions are ended
 * here, by an administrator's word, and when their native account is disabled or removed. */
#ifndef MAILAUTH_SESSIONS_SESSIONS_H
#define MAILAUTH_SESSIONS_SESSIONS_H

#include "mailauth/base/kinds.h"
#include "mailauth/events/events.h"
#include "mailauth/ipc/channel.h"
#include "mailauth/settings/live-settings.h"

typedef struct Sessions Sessions;

typedef struct {
  Protocol protocol;
  EventClient client; /* its user is the account */
  gboolean is_native; /* it is an account of HKLM\SAM */
  gint64 since;       /* µs since 1970; 0: now */
} SessionFacts;

/* Borrows the views. In all functions NULL is no sessions. */
Sessions *sessions_new(Views *views);
void sessions_free(Sessions *sessions);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sessions, sessions_free)

/* The front that has come, borrowed, or NULL: it has gone. Its sessions are forgotten: one that is
 * still there tells of them again. */
void sessions_set_front(Sessions *sessions, Channel *front);

/* @number: the front's of the login. @facts are copied. One whose account has been disabled in the
 * meantime is ended at once. Call it after the verdict was sent. Beyond MAX_SESSIONS none is
 * kept. */
void sessions_add(Sessions *sessions, guint64 number, const SessionFacts *facts);
void sessions_remove(Sessions *sessions, guint64 number);

typedef void (*SessionsVisit)(const SessionFacts *facts, gpointer data);
/* Those of @user (any form of the name; "": of everybody), the oldest first. */
void sessions_visit(const Sessions *sessions, const char *user, SessionsVisit visit, gpointer data);
/* Ends those of @user, or the one with that @session number (0: all). Returns how many. */
guint sessions_end(Sessions *sessions, const char *user, guint64 session);

/* Something was written at @account (NULL: at any): sessions of those that are not usable any
 * more end, after a round trip. */
void sessions_take_account(Sessions *sessions, const char *account);
/* The views have changed: sessions whose accounts could not be read before are looked at. */
void sessions_take_views(Sessions *sessions);

#endif
