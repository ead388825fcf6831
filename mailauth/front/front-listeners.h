/* SPDX-License-Identifier: MIT */
/* The sockets by which clients come in: accepts connections once the settings are
 * there, lets admission.h decide who may stay, and rests while the system has no
 * descriptor left. */
#ifndef MAILAUTH_FRONT_FRONT_LISTENERS_H
#define MAILAUTH_FRONT_FRONT_LISTENERS_H

#include "mailauth/front/admission.h"
#include "mailauth/front/refusals.h"
#include "mailauth/ipc/messages.h"

typedef struct FrontListeners FrontListeners;

/* Borrows both. No connection is accepted before front_listeners_open(). */
FrontListeners *front_listeners_new(SessionHost *host, Admission *admission, Refusals *refusals);
/* Closes all; sessions that came by them stay. NULL is fine. */
void front_listeners_free(FrontListeners *listeners);

/* Accepts connections from now on. */
void front_listeners_open(FrontListeners *listeners);
/* LISTENER and UNLISTEN. */
void front_listeners_add(FrontListeners *listeners, Message *message);
void front_listeners_remove(FrontListeners *listeners, const Message *message);

#endif
