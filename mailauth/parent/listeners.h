/* SPDX-License-Identifier: MIT */
/* The sockets that the parent listens with: opened and closed as the wanted list
 * changes, each kept while it is wanted. It accepts no connection. */
#ifndef MAILAUTH_PARENT_LISTENERS_H
#define MAILAUTH_PARENT_LISTENERS_H

#include <glib.h>

#include "mailauth/base/kinds.h"

typedef struct {
  guint64 id;    /* never used twice */
  char *address; /* "127.0.0.1:110", "[::1]:110" */
  Protocol protocol;
  gboolean tls;
  int socket;    /* -1 while it does not listen */
  char *bound;   /* the address with the port that it has; "" while it does not listen */
  char *problem; /* why it does not listen; "" while it does */
} Listener;

typedef struct Listeners Listeners;

/* Called while the list changes: for a listener that has opened, and for one that is
 * about to close (for other holders of its socket it is closed already). */
typedef struct {
  void (*opened)(const Listener *listener, gpointer data);
  void (*closed)(const Listener *listener, gpointer data);
  gpointer data;
} ListenerHooks;

Listeners *listeners_new(const ListenerHooks *hooks);
void listeners_free(Listeners *listeners);
/* @wanted: the a(syb) that MESSAGE_LISTEN has. */
void listeners_replace(Listeners *listeners, GVariant *wanted);
/* Tries those that do not listen again; TRUE if one does now. */
gboolean listeners_retry(Listeners *listeners);
gboolean listeners_have_problem(const Listeners *listeners);
/* Those that listen. */
void listeners_foreach(const Listeners *listeners,
                       void (*callback)(const Listener *listener, gpointer data), gpointer data);
/* a(syss), as MESSAGE_LISTENING has it. Floating. */
GVariant *listeners_report(const Listeners *listeners);

#endif
