/* SPDX-License-Identifier: MIT */
/* See witness.h. */
#include "regd/storage/witness.h"

#include <unistd.h>

#define MAGIC G_GUINT64_CONSTANT(0x316e746977676572) /* "regwitn1" */
#define HEADER_AT 0
#define REVISIONS_AT 64
#define REVISION_STEP 64 /* each in a sector of its own would be no safer: none is flushed */
#define REVISIONS 2
#define PAGES_AT 4096
#define FACTOR G_GUINT64_CONSTANT(0xd6e8feb86659fd93)

struct Witness {
  int file; /* -1: it tells nothing */
  guint64 database;
  guint next; /* where the next revision goes */
};

typedef struct {
  guint64 number, check;
} Entry;

/* Of what is kept at @at: neither another place's nor another database's passes. */
static guint64 compute_check(const Witness *witness, gint64 at, guint64 number) {
  guint64 check = (number ^ witness->database) * FACTOR;
  check = (check ^ check >> 32 ^ (guint64)at) * FACTOR;
  return check ^ check >> 32;
}

static gboolean load(const Witness *witness, gint64 at, guint64 *number) {
  Entry entry;
  if (witness->file < 0 || pread(witness->file, &entry, sizeof entry, at) != sizeof entry)
    return FALSE;
  *number = GUINT64_FROM_LE(entry.number);
  return GUINT64_FROM_LE(entry.check) == compute_check(witness, at, *number);
}

static gboolean save(const Witness *witness, gint64 at, guint64 number) {
  const Entry entry = {GUINT64_TO_LE(number), GUINT64_TO_LE(compute_check(witness, at, number))};
  return witness->file < 0 || pwrite(witness->file, &entry, sizeof entry, at) == sizeof entry;
}

static void stop(Witness *witness) {
  if (witness->file >= 0)
    close(witness->file);
  witness->file = -1;
}

Witness *witness_new(int file, guint64 database, gboolean begins) {
  guint64 magic = 0;
  Witness *witness = g_new0(Witness, 1);
  witness->file = file;
  witness->database = database;
  if (load(witness, HEADER_AT, &magic) && magic == MAGIC)
    return witness;
  if (!begins || ftruncate(file, 0) != 0 || !save(witness, HEADER_AT, MAGIC))
    stop(witness);
  return witness;
}

void witness_free(Witness *witness) {
  if (witness == NULL)
    return;
  stop(witness);
  g_free(witness);
}

/* ---- pages ---- */

static gint64 place_of(guint32 page) {
  return PAGES_AT + (gint64)page * (gint64)sizeof(Entry);
}

gboolean witness_note_page(Witness *witness, guint32 page, guint64 sum) {
  return save(witness, place_of(page), sum);
}

gboolean witness_contradicts(Witness *witness, guint32 page, guint64 sum) {
  guint64 known = 0;
  return load(witness, place_of(page), &known) && known != sum;
}

gboolean witness_flush(Witness *witness) {
  return witness->file < 0 || fdatasync(witness->file) == 0;
}

/* ---- the newest revision ---- */

static gint64 place_of_revision(guint index) {
  return REVISIONS_AT + (gint64)index * REVISION_STEP;
}

/* In turn, so that one of them is whole whenever the other is being written. */
void witness_note_revision(Witness *witness, guint64 revision) {
  if (save(witness, place_of_revision(witness->next), revision))
    witness->next = (witness->next + 1) % REVISIONS;
}

guint64 witness_get_revision(Witness *witness) {
  guint64 newest = 0;
  for (guint i = 0; i < REVISIONS; i++) {
    guint64 revision = 0;
    if (load(witness, place_of_revision(i), &revision))
      newest = MAX(newest, revision);
  }
  return newest;
}
