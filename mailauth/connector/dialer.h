/* SPDX-License-Identifier: MIT */
/* Connections to the servers that settings name. The connector (connector.h) makes them;
 * it is started when it is first needed, and again when it has ended. */
#ifndef MAILAUTH_CONNECTOR_DIALER_H
#define MAILAUTH_CONNECTOR_DIALER_H

#include <glib.h>

typedef struct Dialer Dialer;

/* Has a connector started, which dialer_take_connector() or dialer_take_refusal()
 * answers, now or later. FALSE: there will be none. */
typedef gboolean (*DialerWant)(guint64 request, gpointer data);

/* Has the connector that was started for @request killed: it hangs. */
typedef void (*DialerEnd)(guint64 request, gpointer data);

/* @end: NULL, if a connector that hangs is left to itself. */
Dialer *dialer_new(DialerWant want, DialerEnd end, gpointer data);
/* Callers that wait are told that there is no connection, and so are all that ask from
 * now on. Call while other threads may still ask. */
void dialer_close(Dialer *dialer);
/* No thread may ask any more; no call is answered. NULL is fine. */
void dialer_free(Dialer *dialer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dialer, dialer_free)

/* @descriptor: of the channel to the connector; taken. */
void dialer_take_connector(Dialer *dialer, guint64 request, int descriptor);
void dialer_take_refusal(Dialer *dialer, guint64 request, const char *problem);

/* That connections are going to be asked for: a connector that is there has read
 * what is set, should regd go away. */
void dialer_prepare(Dialer *dialer);

/* @descriptor: connected and non-blocking, the callee's to close; or -1 and
 * @problem, for administrators. */
typedef void (*DialerConnected)(int descriptor, const char *problem, gpointer data);

typedef struct {
  const char *account; /* whose `Backend` names the server; "": a setting of all does */
  const char *server;  /* an address as it is set */
  guint timeout;       /* ms */
} DialerTarget;

/* On the loop's thread. @target is copied. Returns a number for dialer_cancel(). @connected is
 * called exactly once, never from inside, unless it is cancelled; that it comes in time is the
 * connector's promise. */
guint64 dialer_dial(Dialer *dialer, const DialerTarget *target, DialerConnected connected,
                    gpointer data);
void dialer_cancel(Dialer *dialer, guint64 number);

/* From any other thread, while the loop runs, for a server that a setting of all names: waits until
 * there is a connection, for @timeout us at most. -1: UNREACHABLE. */
int dialer_dial_and_wait(Dialer *dialer, const char *server, gint64 timeout, GError **error);

#endif
