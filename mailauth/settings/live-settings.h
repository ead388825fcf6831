/* SPDX-License-Identifier: MIT */
/* The live views that settings and accounts are read from, and the round trip
 * that brings in every write that has been answered. */
#ifndef MAILAUTH_SETTINGS_LIVE_SETTINGS_H
#define MAILAUTH_SETTINGS_LIVE_SETTINGS_H

#include "mailauth/settings/settings.h"

typedef struct Views Views;
typedef void (*ViewsChanged)(gpointer data);
/* @current: as registry_connection_sync(). */
typedef void (*ViewsSynced)(gboolean current, gpointer data);

/* Watches every key that settings and accounts are in. @changed comes after any
 * has changed, from the loop. */
Views *views_new(RegistryConnection *connection, ViewsChanged changed, gpointer data);
/* The native account @account (borrowed; in any case) has been written to; NULL: any of
 * them. Called before the new values can be read, also for changes that are undone
 * again; with views_new()'s data. */
typedef void (*AccountTouched)(const char *account, gpointer data);
void views_set_account_touched(Views *views, AccountTouched touched);
void views_free(Views *views);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Views, views_free)

/* The settings as the views stand now; the caller's reference. The same one as
 * long as nothing has changed. */
Settings *views_get_settings(Views *views);
/* Borrowed. */
const RegistryView *views_get_accounts(const Views *views);
/* @synced comes once, later, from the loop. @delay: how long the round trip may
 * be put off for others to share it, in ms. */
void views_sync(Views *views, guint delay, ViewsSynced synced, gpointer data);
/* Begins the round trip that was put off, if there is one. */
void views_sync_now(Views *views);

/* The greatest revision that a view stands at; 0 before the first read. */
guint64 views_get_revision(const Views *views);
/* Whether regd is there and every watch stands. */
gboolean views_are_live(const Views *views);
/* FALSE: regd is there, and hangs. */
gboolean views_are_answering(const Views *views);
/* Whether every key has been asked about at least once. */
gboolean views_are_known(const Views *views);

#endif
