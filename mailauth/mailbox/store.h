/* SPDX-License-Identifier: MIT */
/* The store role: POP3 sessions on Maildirs, as the mail's user. It holds no password,
 * no key, no bus and no client's connection but the socket that the front relays to. The
 * process that the parent starts serves none itself: it splits off a process for each
 * Maildir, which gives up all other files before it opens the Maildir, and outlives the
 * first process. */
#ifndef MAILAUTH_MAILBOX_STORE_H
#define MAILAUTH_MAILBOX_STORE_H

#include "mailauth/process/role.h"
#include "mailauth/process/watchdog.h"

/* Answers each MESSAGE_SPLIT until the verifier closes the channel, and waits for
 * those that were split off. Returns the exit code, in each process that there is then. */
int store_run(const RoleStart *start);

/* Serves each MESSAGE_OPEN of one Maildir on the channel @descriptor, one at a time,
 * until the verifier closes it; a session that runs then is served to its end first.
 * @bell: an eventfd that has the verifier hear what is said on the channel, or -1; taken.
 * @confined: it is a process of its own: gives up all files but that Maildir's at the first,
 * and is killed if it hangs. Returns the exit code. */
int store_serve_maildir(int descriptor, int bell, gboolean confined);

/* One session on @socket (non-blocking, closed at the end) of the mailbox
 * @maildir, which is released before QUIT is answered. The other end silent, or
 * not reading, for @idle_timeout seconds ends it without removing anything. */
typedef struct Maildir Maildir;
typedef struct {
  Watchdog *watchdog; /* borrowed: extended as long as the session gets on; NULL: none */
  /* A message is stored in a way that can't be read here; told before the client is. NULL:
   * nobody is told */
  void (*unreadable)(const char *problem, gpointer data);
  gpointer data;
} StoreHooks;
void store_serve(int socket, Maildir *maildir, guint idle_timeout, const StoreHooks *hooks);

#endif
