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

void log_frames_init(LogFrames *frames) {
  frames->complete = G_MAXINT64;
  frames->headed = -1;
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

void log_frames_note_write(LogFrames *frames, const void *bytes, int size, sqlite3_int64 at) {
  static const guint8 no_salt[8];
  gint64 frame = log_frames_number(at);
  if (size == FRAME_HEADER && is_in_frame(at, 0)) {
    gboolean summed = memcmp((const guint8 *)bytes + SALT_AT, no_salt, sizeof no_salt) != 0;
    frames->headed = frame;
    if (frame <= frames->complete)
      frames->complete = summed ? frame + 1 : frame;
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

gboolean log_frames_check(const LogFrames *frames, sqlite3_file *file, const void *page,
                          sqlite3_int64 at, guint32 *number, int *code) {
  guint8 header[FRAME_HEADER], before[8], magic[MAGIC_BYTES];
  gint64 frame = log_frames_number(at);
  sqlite3_int64 sum_before = frame == 0 ? LOG_SUM_AT : at - FRAME - FRAME_HEADER + SUM_AT;
  if (frame >= frames->complete)
    return TRUE;
  if ((*code = read_exactly(file, header, sizeof header, at - FRAME_HEADER)) != SQLITE_OK ||
      (*code = read_exactly(file, before, sizeof before, sum_before)) != SQLITE_OK ||
      (*code = read_exactly(file, magic, sizeof magic, 0)) != SQLITE_OK)
    return FALSE;
  gboolean big = (load_big(magic) & 1) != 0;
  Sums sums = load_sums(before);
  add(&sums, header, SUMMED_OF_HEADER, big);
  add(&sums, page, PAGE_SUM_PAGE, big);
  const Sums written = load_sums(header + SUM_AT);
  *number = load_big(header);
  return sums.first == written.first && sums.second == written.second;
}
