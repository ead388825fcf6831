/* SPDX-License-Identifier: MIT */
/* When to connect again: at once, then after delays that grow to a bound, until somebody
 * says that all is well. */
#ifndef CLIENT_BUS_RETRY_H
#define CLIENT_BUS_RETRY_H

#include <glib.h>

typedef struct Retry Retry;
/* @attempt is called on the loop of @context (NULL: the default one), and calls
 * retry_later() if it fails. It must not free the retry. */
Retry *retry_new(GMainContext *context, void (*attempt)(gpointer data), gpointer data);
/* No attempt comes any more. NULL is fine. */
void retry_free(Retry *retry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Retry, retry_free)

/* An attempt after the current delay, which is 0 at first and longer each time. Has no
 * effect if one is to come already. */
void retry_later(Retry *retry);
/* The next delay is 0 again. */
void retry_reset(Retry *retry);

#endif
