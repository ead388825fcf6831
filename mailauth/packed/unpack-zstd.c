/* SPDX-License-Identifier: MIT */
/* Zstandard (RFC 8878), by libzstd. */
#include <zstd.h>

#include "mailauth/base/limits.h"
#include "mailauth/packed/unpack.h"

static gpointer zstd_begin(void) {
  ZSTD_DStream *stream = ZSTD_createDStream();
  if (stream == NULL)
    return NULL;
  if (!ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, MAX_UNPACK_WINDOW_LOG)))
    return stream;
  ZSTD_freeDStream(stream);
  return NULL;
}

static void zstd_end(gpointer state) {
  ZSTD_freeDStream(state);
}

/* 0: a frame has ended, and all of it is in the output. */
static UnpackResult zstd_step(gpointer state, UnpackPiece *piece) {
  ZSTD_inBuffer input = {piece->input, piece->input_size, 0};
  ZSTD_outBuffer output = {piece->output, piece->output_size, 0};
  size_t result = ZSTD_decompressStream(state, &output, &input);
  piece->input += input.pos;
  piece->input_size -= input.pos;
  piece->output += output.pos;
  piece->output_size -= output.pos;
  if (ZSTD_isError(result))
    return UNPACK_DAMAGED;
  return result == 0 ? UNPACK_WHOLE : UNPACK_MORE;
}

const Unpacker unpack_zstd = {zstd_begin, zstd_end, zstd_step};
