/* SPDX-License-Identifier: MIT */
/* The watch of a view: asking the daemon for it, and what it signals. Not installed. */
#ifndef CLIENT_VIEW_WATCH_H
#define CLIENT_VIEW_WATCH_H

#include "client/view/view-state.h"

/* Asks the daemon to watch; it must be present. */
void view_watch_start(RegistryView *view);
/* See ViewWatch. */
void view_watch_lose(RegistryView *view, GError *problem);
extern const ViewWatch view_watch_functions;
/* What the connection tells a view. */
extern const ConnectionListener view_watch_listener;

#endif
