/* SPDX-License-Identifier: MIT */
/* relay.h: two flows, pumped alike. */
#include "mailauth/front/relay.h"

#include "mailauth/base/limits.h"

/* How often one pump reads a side before the others have their turn. */
#define ROUNDS 8

void relay_init(Relay *relay, Stream *client, Stream *server, Secret *up, Secret *down) {
  *relay = (Relay){.up = {.from = client, .to = server}, .down = {.from = server, .to = client}};
  secret_move(&relay->up.bytes, up);
  secret_move(&relay->down.bytes, down);
}

void relay_clear(Relay *relay) {
  secret_clear(&relay->up.bytes);
  secret_clear(&relay->down.bytes);
}

static gboolean has_bytes(const Flow *flow) {
  return flow->bytes.size > flow->at;
}

static void drop_bytes(Flow *flow) {
  secret_clear(&flow->bytes);
  flow->at = 0;
}

/* TRUE if something was written. */
static gboolean flow_write(Flow *flow) {
  gboolean moved = FALSE;
  gsize done;
  while (has_bytes(flow)) {
    StreamResult result =
        stream_write(flow->to, flow->bytes.bytes + flow->at, flow->bytes.size - flow->at, &done);
    if (result == STREAM_WAIT)
      return moved;
    if (result != STREAM_DONE) {
      flow->closed = TRUE;
      break;
    }
    flow->at += done;
    flow->total += done;
    moved = TRUE;
  }
  drop_bytes(flow);
  return moved;
}

/* FALSE if nothing can be had now. */
static gboolean flow_read(Flow *flow, guint8 *bytes, gsize size, gsize *done) {
  StreamResult result = stream_read(flow->from, bytes, size, done);
  flow->ended = result == STREAM_END || result == STREAM_BROKEN;
  return result == STREAM_DONE;
}

/* TRUE if there may be more to read, and all so far could be written. Before what may be
 * the last write the end is looked for, so that it can travel with it. */
static gboolean flow_step(Flow *flow, gboolean may_end, gboolean *moved) {
  guint8 bytes[RELAY_BUFFER];
  gsize done = 0;
  gsize more = 0;
  if (flow->ended || flow->closed || has_bytes(flow) ||
      !flow_read(flow, bytes, sizeof bytes, &done))
    return FALSE;
  gboolean drained = done < sizeof bytes &&
                     (!may_end || !flow_read(flow, bytes + done, sizeof bytes - done, &more));
  done += more;
  *moved = TRUE;
  gsize written = 0;
  StreamResult result = flow->ended ? stream_write_last(flow->to, bytes, done, &written)
                                    : stream_write(flow->to, bytes, done, &written);
  flow->total += written;
  if (result == STREAM_BROKEN || result == STREAM_END)
    flow->closed = TRUE;
  else if (result == STREAM_WAIT || written < done)
    secret_append(&flow->bytes, bytes + written, done - written);
  return !drained && !flow->closed && !has_bytes(flow);
}

/* In TLS either side's events may be what any of its work waits for, and what has
 * been read from the socket makes no event. */
static gboolean is_due(const Flow *flow, const Stream *heard) {
  if (flow->from->tls != NULL || flow->to->tls != NULL)
    return TRUE;
  return has_bytes(flow) ? heard != flow->from : heard == flow->from;
}

static gboolean flow_pump(Flow *flow, const Stream *heard, gboolean is_over) {
  if (!is_due(flow, heard))
    return FALSE;
  gboolean is_plain = flow->from->tls == NULL;
  gboolean may_read = heard != NULL || !is_plain;
  gboolean may_end = !is_plain || (is_over && heard == flow->from);
  gboolean moved = flow_write(flow);
  guint rounds = 0;
  while (may_read && flow_step(flow, may_end, &moved) &&
         (++rounds < ROUNDS || stream_has_pending(flow->from)))
    continue;
  if (flow->ended && !flow->closed && !has_bytes(flow)) {
    stream_end_writing(flow->to);
    flow->closed = TRUE;
  }
  return moved;
}

RelayResult relay_pump(Relay *relay, const Stream *heard, gboolean is_over) {
  gboolean moved = flow_pump(&relay->up, heard, is_over);
  moved |= flow_pump(&relay->down, heard, is_over);
  if (relay->down.closed)
    return RELAY_OVER;
  return moved ? RELAY_MOVED : RELAY_IDLE;
}

/* What a flow needs of its two sides. */
static void add_events(const Flow *flow, guint32 *from, guint32 *to) {
  if (has_bytes(flow))
    *to |= flow->to->write_waits;
  else if (!flow->ended && !flow->closed)
    *from |= flow->from->read_waits;
}

void relay_get_events(const Relay *relay, guint32 *client, guint32 *server) {
  *client = 0;
  *server = 0;
  add_events(&relay->up, client, server);
  add_events(&relay->down, server, client);
}
