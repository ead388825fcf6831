/* SPDX-License-Identifier: MIT */
/* See packed.h. Input and output have a buffer each; a plain message is passed on from the
 * first. */
#include "mailauth/packed/packed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/packed/unpack.h"

#define BUFFER_SIZE 32768

typedef struct {
  const char *name;
  const char *beginning;
  gsize length;
  gboolean (*is_one)(const guint8 *bytes, gsize size); /* what begins so; NULL: all of it */
  const Unpacker *unpacker;                            /* NULL: it can't be unpacked here */
} Format;

/* "BZh", the size of blocks, and the magic number of the first one or, if there is none, of the
 * end. */
static gboolean is_bzip2(const guint8 *bytes, gsize size) {
  static const guint8 block[] = {0x31, 0x41, 0x59, 0x26, 0x53, 0x59};
  static const guint8 end[] = {0x17, 0x72, 0x45, 0x38, 0x50, 0x90};
  return size >= 10 && bytes[3] >= '1' && bytes[3] <= '9' &&
         (memcmp(bytes + 4, block, sizeof block) == 0 || memcmp(bytes + 4, end, sizeof end) == 0);
}

/* One of 16 magic numbers: what tools put before the frames that hold something. */
static gboolean is_skippable(const guint8 *bytes, gsize size) {
  static const guint8 rest[] = {0x2a, 0x4d, 0x18};
  return size >= 4 && bytes[0] >= 0x50 && bytes[0] <= 0x5f &&
         memcmp(bytes + 1, rest, sizeof rest) == 0;
}

#define BEGINS(text) .beginning = (text), .length = sizeof(text) - 1

/* A message begins with a header's name (RFC 5322), and so with none of these; of those that
 * are letters, enough is asked for. */
static const Format formats[] = {
    {.name = "gzip", BEGINS("\x1f\x8b"), .unpacker = &unpack_gzip},
    {.name = "zstd", BEGINS("\x28\xb5\x2f\xfd"), .unpacker = &unpack_zstd},
    {.name = "zstd", BEGINS(""), .is_one = is_skippable, .unpacker = &unpack_zstd},
    {.name = "xz", BEGINS("\xfd\x37zXZ")},
    {.name = "LZMA", BEGINS("\x5d\0\0")},
    {.name = "LZ4", BEGINS("Dovecot-LZ4\x0d")},
    {.name = "LZ4", BEGINS("\x04\x22\x4d\x18")},
    {.name = "LZ4", BEGINS("\x02\x21\x4c\x18")}, /* as it was once */
    {.name = "mail_crypt, which encrypts", BEGINS("CRYPTED\x03\x07")},
    {.name = "bzip2", BEGINS("BZh"), .is_one = is_bzip2},
};

struct PackedReader {
  int file;
  gboolean begun, ended; /* of the file */
  const Format *format;  /* NULL: it is plain, or nothing has been read yet */
  gpointer state;        /* of the unpacker */
  gboolean whole;        /* the file may end here */
  const guint8 *input;   /* what is left in the buffer */
  gsize input_size;
  guint64 total; /* unpacked */
  guint8 in[BUFFER_SIZE];
  guint8 out[BUFFER_SIZE];
};

PackedReader *packed_reader_new(int file) {
  PackedReader *reader = g_malloc(sizeof(PackedReader));
  memset(reader, 0, G_STRUCT_OFFSET(PackedReader, in));
  reader->file = file;
  return reader;
}

static void end_unpacking(PackedReader *reader) {
  if (reader->state != NULL)
    reader->format->unpacker->end(reader->state);
  reader->state = NULL;
}

void packed_reader_free(PackedReader *reader) {
  if (reader == NULL)
    return;
  end_unpacking(reader);
  g_free(reader);
}

gboolean packed_reader_is_packed(const PackedReader *reader) {
  return reader->format != NULL;
}

gboolean packed_reader_rewind(PackedReader *reader, GError **error) {
  int file = reader->file;
  end_unpacking(reader);
  memset(reader, 0, G_STRUCT_OFFSET(PackedReader, in));
  reader->file = file;
  return lseek(file, 0, SEEK_SET) == 0 ||
         error_set(error, REGISTRY_ERROR_FAILED, "it can't be read: %s", g_strerror(errno));
}

/* ---- reading ---- */

static gboolean fill(PackedReader *reader, GError **error) {
  gssize size = TEMP_FAILURE_RETRY(read(reader->file, reader->in, sizeof reader->in));
  if (size < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "it can't be read: %s", g_strerror(errno));
  reader->input = reader->in;
  reader->input_size = (gsize)size;
  reader->ended = size == 0;
  return TRUE;
}

static const Format *find_format(const guint8 *bytes, gsize size) {
  for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
    const Format *format = &formats[i];
    if (size < format->length || memcmp(bytes, format->beginning, format->length) != 0)
      continue;
    if (format->is_one == NULL || format->is_one(bytes, size))
      return format;
  }
  return NULL;
}

gboolean packed_reader_begin(PackedReader *reader, GError **error) {
  reader->begun = TRUE;
  if (!fill(reader, error))
    return FALSE;
  reader->format = find_format(reader->input, reader->input_size);
  if (reader->format == NULL)
    return TRUE;
  if (reader->format->unpacker != NULL)
    reader->state = reader->format->unpacker->begin();
  return reader->state != NULL ||
         error_set(error, REGISTRY_ERROR_NOT_SUPPORTED,
                   "another server has stored it with %s, which can't be read here",
                   reader->format->name);
}

static gssize read_plain(PackedReader *reader, const char **bytes, GError **error) {
  if (reader->input_size == 0 && !reader->ended && !fill(reader, error))
    return -1;
  gssize size = (gssize)reader->input_size;
  *bytes = (const char *)reader->input;
  reader->input_size = 0;
  return size;
}

/* Has some output, or the end. */
static gssize unpack(PackedReader *reader, GError **error) {
  UnpackPiece piece = {.output = reader->out, .output_size = sizeof reader->out};
  while (piece.output_size == sizeof reader->out) {
    if (reader->input_size == 0 && !reader->ended && !fill(reader, error))
      return -1;
    if (reader->ended && reader->whole)
      return 0;
    piece.input = reader->input;
    piece.input_size = reader->input_size;
    UnpackResult result = reader->format->unpacker->step(reader->state, &piece);
    gboolean stuck =
        reader->ended && result == UNPACK_MORE && piece.output_size == sizeof reader->out;
    if (result == UNPACK_DAMAGED || stuck) {
      error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                "another server has stored it with %s, and it is damaged", reader->format->name);
      return -1;
    }
    reader->whole = result == UNPACK_WHOLE;
    reader->input = piece.input;
    reader->input_size = piece.input_size;
  }
  return (gssize)(sizeof reader->out - piece.output_size);
}

/* What comes out of one format may be in another: a server may pack what it has encrypted. */
static gboolean check_inside(const PackedReader *reader, gsize size, GError **error) {
  const Format *inside = find_format(reader->out, size);
  return inside == NULL ||
         error_set(error, REGISTRY_ERROR_NOT_SUPPORTED,
                   "another server has stored it with %s inside of %s, which can't be read here",
                   inside->name, reader->format->name);
}

gssize packed_reader_read(PackedReader *reader, const char **bytes, GError **error) {
  if (!reader->begun && !packed_reader_begin(reader, error))
    return -1;
  if (reader->format == NULL)
    return read_plain(reader, bytes, error);
  gssize size = unpack(reader, error);
  if (size > 0 && reader->total == 0 && !check_inside(reader, (gsize)size, error))
    return -1;
  *bytes = (const char *)reader->out;
  reader->total += (guint64)MAX(size, 0);
  if (reader->total <= MAX_UNPACKED_MESSAGE)
    return size;
  error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
            "another server has stored it with %s, and it comes to more than %d MiB",
            reader->format->name, MAX_UNPACKED_MESSAGE / 1048576);
  return -1;
}
