/* SPDX-License-Identifier: MIT */
/* Reading what has changed below a view's key, and showing it. Not installed. */
#ifndef CLIENT_VIEW_CATCH_UP_H
#define CLIENT_VIEW_CATCH_UP_H

#include "client/view/view-state.h"

/* Goes on with whatever is to be done next. May call the user. */
void reread_step(RegistryView *view);
/* The end of every call-back: the same, then tells those whose sync is complete, then
 * drops the call-back's reference on the view. */
void view_turn(RegistryView *view);
/* A round trip after which every signal that was sent before it has come. */
void reread_send_fence(RegistryView *view);
/* Forgets what is under way or staged. */
void reread_cancel(RegistryView *view);

#endif
