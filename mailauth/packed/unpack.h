/* SPDX-License-Identifier: MIT */
/* What unpacks one format, piece by piece. Pure. */
#ifndef MAILAUTH_PACKED_UNPACK_H
#define MAILAUTH_PACKED_UNPACK_H

#include <glib.h>

/* A piece: input is taken from its beginning, output added at its end. */
typedef struct {
  const guint8 *input;
  gsize input_size;
  guint8 *output;
  gsize output_size; /* free */
} UnpackPiece;

typedef enum {
  UNPACK_MORE,    /* more input is needed, or more room */
  UNPACK_WHOLE,   /* the file may end here; another packed part may follow */
  UNPACK_DAMAGED, /* it is no such format, or too much memory is asked for */
} UnpackResult;

typedef struct {
  /* NULL: there is no memory, or the format is not known to this build. */
  gpointer (*begin)(void);
  void (*end)(gpointer state);
  UnpackResult (*step)(gpointer state, UnpackPiece *piece);
} Unpacker;

extern const Unpacker unpack_gzip;
extern const Unpacker unpack_zstd;

#endif
