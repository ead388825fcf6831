/* SPDX-License-Identifier: MIT */
/* What has been signalled as changed and has not been read since. Pure: knows
 * revisions and paths, and no message. Not installed. */
#ifndef CLIENT_VIEW_CHANGED_KEYS_H
#define CLIENT_VIEW_CHANGED_KEYS_H

#include <glib.h>

/* More changed keys than that are read as the whole sub-tree. */
#define DIRT_MAX_KEYS 64

typedef enum {
  DIRT_BELOW = 1 << 0,   /* what is below may have changed too */
  DIRT_CREATED = 1 << 1, /* the key was made */
} DirtFlags;

typedef struct {
  guint64 first; /* revision of the first change that was not read */
  guint64 last;
  guint flags;
} DirtSpan;

typedef struct {
  guint64 signalled; /* the greatest revision heard of */
  gboolean everything;
  DirtSpan span;    /* of everything */
  GHashTable *keys; /* path -> DirtSpan; empty while everything is dirty */
} Dirt;

void dirt_init(Dirt *dirt);
/* Clean, and @signalled heard of. */
void dirt_reset(Dirt *dirt, guint64 signalled);
void dirt_clear(Dirt *dirt);

/* At @revision the key at @path changed, with @flags. */
void dirt_add_key(Dirt *dirt, const char *path, guint flags, guint64 revision);
/* At @revision anything may have changed. */
void dirt_add_everything(Dirt *dirt, guint64 revision);

/* Everything, or one key, was read as it stood at @revision or later. Of a key
 * that was read without what is @below, changes there are left. */
void dirt_cover_everything(Dirt *dirt, guint64 revision);
void dirt_cover_key(Dirt *dirt, const char *path, gboolean below, guint64 revision);

/* The revision of the first change that was not read; G_MAXUINT64: none. */
guint64 dirt_find_first(const Dirt *dirt);
gboolean dirt_is_clean(const Dirt *dirt);
/* Whether some change up to @revision has not been read. */
gboolean dirt_reaches_back(const Dirt *dirt, guint64 revision);

#endif
