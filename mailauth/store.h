/* The store role: one POP3 session at a time on one user's Maildir, as the
 * mail's user. It holds no password, no key, no bus and no client's connection
 * but the socket that the front relays to. */
#ifndef MAILAUTH_STORE_H
#define MAILAUTH_STORE_H

#include "mailauth/role.h"

/* Serves each MESSAGE_OPEN until the verifier closes the channel; a session
 * that runs then is served to its end first. Returns the exit code. */
int store_run(const RoleStart *start);

/* One session on @socket (non-blocking, closed at the end) of the mailbox
 * @maildir, which is released before QUIT is answered. The other end silent, or
 * not reading, for @idle_timeout seconds ends it without removing anything. */
typedef struct Maildir Maildir;
void store_serve(int socket, Maildir *maildir, guint idle_timeout);

#endif
