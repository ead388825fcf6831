/* SPDX-License-Identifier: MIT */
/* gzip (RFC 1952), by zlib. */
#include <zlib.h>

#include "mailauth/packed/unpack.h"

/* The largest window, and a gzip header (zlib.h, inflateInit2). */
#define WINDOW_BITS (15 + 16)

typedef struct {
  z_stream stream;
  gboolean at_end; /* of a member; another may follow */
} Gzip;

static gpointer gzip_begin(void) {
  Gzip *gzip = g_new0(Gzip, 1);
  if (inflateInit2(&gzip->stream, WINDOW_BITS) == Z_OK)
    return gzip;
  g_free(gzip);
  return NULL;
}

static void gzip_end(gpointer state) {
  Gzip *gzip = state;
  inflateEnd(&gzip->stream);
  g_free(gzip);
}

static UnpackResult gzip_step(gpointer state, UnpackPiece *piece) {
  Gzip *gzip = state;
  z_stream *stream = &gzip->stream;
  if (gzip->at_end && piece->input_size == 0)
    return UNPACK_WHOLE;
  if (gzip->at_end && inflateReset(stream) != Z_OK)
    return UNPACK_DAMAGED;
  stream->next_in = (Bytef *)(gsize)piece->input;
  stream->avail_in = (uInt)MIN(piece->input_size, G_MAXUINT);
  stream->next_out = piece->output;
  stream->avail_out = (uInt)MIN(piece->output_size, G_MAXUINT);
  int result = inflate(stream, Z_NO_FLUSH);
  piece->input_size -= (gsize)(stream->next_in - piece->input);
  piece->input = stream->next_in;
  piece->output_size -= (gsize)(stream->next_out - piece->output);
  piece->output = stream->next_out;
  gzip->at_end = result == Z_STREAM_END;
  if (result == Z_STREAM_END)
    return UNPACK_WHOLE;
  return result == Z_OK || result == Z_BUF_ERROR ? UNPACK_MORE : UNPACK_DAMAGED;
}

const Unpacker unpack_gzip = {gzip_begin, gzip_end, gzip_step};
