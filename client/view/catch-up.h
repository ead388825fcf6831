/* SPDX-License-Identifier: MIT */
/* Reading what has changed below a view's key, and showing it. Not installed. */
#ifndef CLIENT_VIEW_CATCH_UP_H
#define CLIENT_VIEW_CATCH_UP_H

#include "client/view/view-state.h"

/* Does the next step, if there is one. May call the user. */
void catch_up_step(RegistryView *view);
/* The end of every call-back: the same, then tells those whose sync is complete, then
 * drops the call-back's reference on the view. */
void view_turn(RegistryView *view);
/* A round trip after which every signal that was sent before it has come. */
void catch_up_send_barrier(RegistryView *view);
/* Forgets what is under way or staged. */
void catch_up_cancel(RegistryView *view);

#endif
