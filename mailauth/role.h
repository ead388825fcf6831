/* What a role is given when it starts, and how it gives up what it does not need.
 *
 * Each role but the parent is this binary run anew, with its channel as
 * descriptor 3 and nothing else open but standard input, output and error. Each
 * has one entry point, which takes over the process and returns its exit code:
 *
 *   int front_run(const RoleStart *start);      mailauth/front.h
 *   int verifier_run(const RoleStart *start);   mailauth/verifier.h
 *   int verifier_check(const char *bus);        mailauth/verifier.h; `mailauthd --check`
 *   int store_run(const RoleStart *start);      mailauth/store.h
 *   int identity_run(const RoleStart *start);   mailauth/identity.h
 *
 * When its channel ends, the parent has gone: the role ends too. (The store's
 * channel goes to the verifier: it finishes the session that it serves first.) */
#ifndef MAILAUTH_ROLE_H
#define MAILAUTH_ROLE_H

#include "mailauth/channel.h"

/* The verifier's exit code when `ObjectName` names another user than the one it
 * runs as (and user_is_chosen): the parent then asks again, and starts one as that user. */
#define ROLE_EXIT_OTHER_USER 77

typedef struct {
  Role role;
  int descriptor;          /* of the channel: channel_new(start->descriptor, role, peer) */
  const char *bus;         /* what --bus= said: for registry_connection_new() */
  gboolean user_is_chosen; /* started by root: `ObjectName` decides whose process the verifier is.
                              Else all roles are the same ordinary user's */
} RoleStart;

#endif
