/* SPDX-License-Identifier: MIT */
/* Carries bytes between two streams: see pump.h. Each direction holds one
 * buffer; a side that is slow to read stops the other from being read. */
#include "mailauth/backend/pump.h"

#include "mailauth/base/limits.h"

/* Buffers that one direction carries before the rest of the loop has its turn. */
#define MAX_TURNS 16U
/* How long one direction may go on after the other has ended. */
#define LINGER_SECONDS 60

typedef struct {
  BackendStream *from;
  BackendStream *to;
  guint8 bytes[RELAY_BUFFER];
  gsize start, end; /* what waits to be written */
  gboolean ended;   /* nothing more comes */
  gboolean closed;  /* and that has been passed on */
  gboolean more;    /* stopped for the others' sake: there may be more at once */
} Direction;

struct Pump {
  BackendStream *streams[2];
  Direction directions[2];
  guint linger;
  PumpEnded ended;
  gpointer data;
};

Pump *pump_new(PumpEnded ended, gpointer data) {
  Pump *pump = g_new0(Pump, 1);
  pump->ended = ended;
  pump->data = data;
  return pump;
}

void pump_free(Pump *pump) {
  if (pump == NULL)
    return;
  if (pump->linger != 0)
    g_source_remove(pump->linger);
  backend_stream_free(pump->streams[0]);
  backend_stream_free(pump->streams[1]);
  g_free(pump);
}

/* FALSE if it can't go on now. */
static gboolean fill(Direction *direction, gboolean *failed) {
  if (direction->ended || direction->start != direction->end)
    return FALSE;
  gsize size = sizeof direction->bytes;
  BackendStreamResult result = backend_stream_read(direction->from, direction->bytes, &size);
  *failed |= result == BACKEND_STREAM_FAILED;
  direction->ended = result == BACKEND_STREAM_ENDED;
  direction->start = 0;
  direction->end = result == BACKEND_STREAM_DONE ? size : 0;
  return result == BACKEND_STREAM_DONE;
}

static gboolean drain(Direction *direction, gboolean *failed) {
  if (direction->start == direction->end)
    return FALSE;
  gsize size = direction->end - direction->start;
  BackendStreamResult result =
      backend_stream_write(direction->to, direction->bytes + direction->start, &size);
  *failed |= result == BACKEND_STREAM_FAILED || result == BACKEND_STREAM_ENDED;
  direction->start += result == BACKEND_STREAM_DONE ? size : 0;
  return result == BACKEND_STREAM_DONE;
}

/* As far as it goes without waiting. */
static void carry(Direction *direction, gboolean *failed) {
  gboolean moved = TRUE;
  for (guint turns = 0; moved && !*failed && turns < MAX_TURNS; turns++) {
    moved = fill(direction, failed);
    moved |= drain(direction, failed);
  }
  direction->more = moved;
  if (direction->ended && !direction->closed && direction->start == direction->end) {
    direction->closed = TRUE;
    backend_stream_shut_down(direction->to);
  }
}

static GIOCondition get_wants(const Pump *pump, guint index) {
  const Direction *out = &pump->directions[index];
  const Direction *in = &pump->directions[1 - index];
  GIOCondition wants = 0;
  if (!out->ended && out->start == out->end)
    wants |= G_IO_IN;
  /* What TLS holds already makes no socket readable; that one is writable does. */
  if (in->start != in->end || out->more)
    wants |= G_IO_OUT;
  return wants;
}

static gboolean on_lingered(gpointer data) {
  Pump *pump = data;
  pump->linger = 0;
  pump->ended(pump, pump->data);
  return G_SOURCE_REMOVE;
}

void pump_ready(gpointer data) {
  Pump *pump = data;
  gboolean failed = FALSE;
  for (guint i = 0; i < 2; i++)
    carry(&pump->directions[i], &failed);
  if (failed || (pump->directions[0].closed && pump->directions[1].closed)) {
    pump->ended(pump, pump->data);
    return;
  }
  if (pump->linger == 0 && (pump->directions[0].closed || pump->directions[1].closed))
    pump->linger = g_timeout_add_seconds(LINGER_SECONDS, on_lingered, pump);
  for (guint i = 0; i < 2; i++)
    backend_stream_watch(pump->streams[i], get_wants(pump, i));
}

void pump_start(Pump *pump, BackendStream *one, BackendStream *other) {
  BackendStream *streams[] = {one, other};
  for (guint i = 0; i < 2; i++) {
    pump->streams[i] = streams[i];
    pump->directions[i].from = streams[i];
    pump->directions[i].to = streams[1 - i];
  }
  pump_ready(pump);
}
