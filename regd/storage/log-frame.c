/* SPDX-License-Identifier: MIT */
/* See log-frame.h.
 *
 * SQLite may write a page of the open transaction a second time in its place. Then it leaves the
 * checksums from there on empty or wrong until the commit, which only the connection that writes
 * can see: `complete` is the first frame of these. */
#include "regd/storage/log-frame.h"

#include <string.h>

#include "regd/storage/page-sum.h"

#define LOG_HEADER 32
#define FRAME_HEADER 24
#define FRAME (FRAME_HEADER + PAGE_SUM_PAGE)
/* In the log's header: the byte order of the sums is the lowest bit of the magic number. */
#define MAGIC_BYTES 4
#define SUMMED_OF_HEADER 8 /* bytes of a frame's header that are summed */
#define SALT_AT 8
#define SUM_AT 16
#define LOG_SUM_AT 24

/* Frames whose headers are kept: a log of 256 MiB. */
#define MOST_OWN 65536

/* The header of a frame as it is in the log; without a checksum: it is not known. */
typedef struct {
  guint8 bytes[FRAME_HEADER];
} Header;

void log_frames_init(LogFrames *frames) {
  frames->complete = G_MAXINT64;
  frames->headed = -1;
  frames->own = g_array_new(FALSE, TRUE, sizeof(Header));
  frames->magic = -1;
}

void log_frames_clear(LogFrames *frames) {
  g_array_unref(frames->own);
}

gint64 log_frames_number(sqlite3_int64 at) {
  return (at - LOG_HEADER) / FRAME;
}

static gboolean is_in_frame(sqlite3_int64 at, sqlite3_int64 offset) {
  return at >= LOG_HEADER && (at - LOG_HEADER) % FRAME == offset;
}

gboolean log_frames_is_page(int size, sqlite3_int64 at) {
  return size == PAGE_SUM_PAGE && is_in_frame(at, FRAME_HEADER);
}

static guint32 load_big(const guint8 *bytes) {
  guint32 word;
  memcpy(&word, bytes, sizeof word);
  return GUINT32_FROM_BE(word);
}

static gboolean has_sum(const Header *header) {
  static const guint8 no_salt[8];
  return memcmp(header->bytes + SALT_AT, no_salt, sizeof no_salt) != 0;
}

static void keep_header(LogFrames *frames, gint64 frame, const Header *header) {
  if (frame >= MOST_OWN)
    return;
  if (frame >= frames->own->len)
    g_array_set_size(frames->own, (guint)frame + 1);
  g_array_index(frames->own, Header, frame) = *header;
}

/* NULL: this connection has not written it. */
static const Header *find_header(const LogFrames *frames, gint64 frame) {
  if (frame < 0 || frame >= frames->own->len)
    return NULL;
  const Header *header = &g_array_index(frames->own, Header, frame);
  return has_sum(header) ? header : NULL;
}

static void note_header(LogFrames *frames, gint64 frame, const void *bytes) {
  Header header;
  memcpy(header.bytes, bytes, sizeof header.bytes);
  keep_header(frames, frame, &header);
  frames->headed = frame;
  if (frame <= frames->complete)
    frames->complete = has_sum(&header) ? frame + 1 : frame;
}

void log_frames_note_write(LogFrames *frames, const void *bytes, int size, sqlite3_int64 at) {
  gint64 frame = log_frames_number(at);
  if (at == 0) {
    g_array_set_size(frames->own, 0); /* the log begins anew */
    frames->magic = -1;
  } else if (size == FRAME_HEADER && is_in_frame(at, 0)) {
    note_header(frames, frame, bytes);
  } else if (log_frames_is_page(size, at)) {
    if (frame != frames->headed)
      frames->complete = MIN(frames->complete, frame);
    frames->headed = -1;
  }
}

/* ---- sums ---- */

typedef struct {
  guint32 first, second;
} Sums;

static void add(Sums *sums, const guint8 *bytes, gsize size, gboolean big) {
  for (gsize i = 0; i < size; i += 8) {
    guint32 words[2];
    memcpy(words, bytes + i, sizeof words);
    sums->first += (big ? GUINT32_FROM_BE(words[0]) : GUINT32_FROM_LE(words[0])) + sums->second;
    sums->second += (big ? GUINT32_FROM_BE(words[1]) : GUINT32_FROM_LE(words[1])) + sums->first;
  }
}

static Sums load_sums(const guint8 *bytes) {
  return (Sums){load_big(bytes), load_big(bytes + 4)};
}

static int read_exactly(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at) {
  return file->pMethods->xRead(file, bytes, size, at);
}

/* From memory, or from the file. */
static int load_header(const LogFrames *frames, sqlite3_file *file, gint64 frame, Header *header) {
  const Header *own = find_header(frames, frame);
  if (own == NULL)
    return read_exactly(file, header->bytes, FRAME_HEADER, LOG_HEADER + frame * FRAME);
  *header = *own;
  return SQLITE_OK;
}

/* What the sum of a frame goes on from. */
static int load_sums_before(const LogFrames *frames, sqlite3_file *file, gint64 frame, Sums *sums) {
  guint8 bytes[8];
  const Header *own = find_header(frames, frame - 1);
  sqlite3_int64 at = frame == 0 ? LOG_SUM_AT : LOG_HEADER + (frame - 1) * FRAME + SUM_AT;
  int code = own == NULL ? read_exactly(file, bytes, sizeof bytes, at) : SQLITE_OK;
  *sums = load_sums(own != NULL ? own->bytes + SUM_AT : bytes);
  return code;
}

/* The order of bytes never changes in one log. */
static int load_magic(LogFrames *frames, sqlite3_file *file) {
  guint8 bytes[MAGIC_BYTES];
  if (frames->magic >= 0)
    return SQLITE_OK;
  int code = read_exactly(file, bytes, sizeof bytes, 0);
  if (code == SQLITE_OK)
    frames->magic = load_big(bytes);
  return code;
}

gboolean log_frames_check(LogFrames *frames, sqlite3_file *file, const void *page, sqlite3_int64 at,
                          guint32 *number, int *code) {
  Header header;
  Sums sums;
  gint64 frame = log_frames_number(at);
  if (frame >= frames->complete)
    return TRUE;
  if ((*code = load_header(frames, file, frame, &header)) != SQLITE_OK ||
      (*code = load_sums_before(frames, file, frame, &sums)) != SQLITE_OK ||
      (*code = load_magic(frames, file)) != SQLITE_OK)
    return FALSE;
  gboolean big = (frames->magic & 1) != 0;
  add(&sums, header.bytes, SUMMED_OF_HEADER, big);
  add(&sums, page, PAGE_SUM_PAGE, big);
  const Sums written = load_sums(header.bytes + SUM_AT);
  *number = load_big(header.bytes);
  return sums.first == written.first && sums.second == written.second;
}
