/* SPDX-License-Identifier: MIT */
/* Carries bytes between two streams, both ways, until both directions have ended. It
 * stands between the front and a mail server that is reached by TLS, whose keys the
 * front does not hold. */
#ifndef MAILAUTH_BACKEND_PUMP_H
#define MAILAUTH_BACKEND_PUMP_H

#include <glib.h>

#include "mailauth/backend/backend-stream.h"

typedef struct Pump Pump;
/* Called once, when all is over: the callee frees the pump. */
typedef void (*PumpEnded)(Pump *pump, gpointer data);

/* A pump with no streams yet. */
Pump *pump_new(PumpEnded ended, gpointer data);
void pump_free(Pump *pump);
/* For backend_stream_new(): @pump_ready and the pump as its data. */
void pump_ready(gpointer data);
/* Takes both streams, and begins. */
void pump_start(Pump *pump, BackendStream *one, BackendStream *other);

#endif
