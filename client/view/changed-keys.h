/* SPDX-License-Identifier: MIT */
/* What has been signalled as changed and has not been read since. Pure. Not installed. */
#ifndef CLIENT_VIEW_CHANGED_KEYS_H
#define CLIENT_VIEW_CHANGED_KEYS_H

#include <glib.h>

/* If more keys have changed, the whole sub-tree is read. */
#define CHANGED_KEYS_MAX 64

typedef enum {
  CHANGED_BELOW = 1 << 0,   /* what is below may have changed too */
  CHANGED_CREATED = 1 << 1, /* the key was made */
} ChangedFlags;

typedef struct {
  guint64 first; /* revision of the first change that was not read */
  guint64 last;
  guint flags;
} ChangedSpan;

typedef struct {
  guint64 signalled; /* the greatest revision heard of */
  gboolean everything;
  ChangedSpan span; /* of everything */
  GHashTable *keys; /* path -> ChangedSpan; empty while everything is unread */
} ChangedKeys;

void changed_keys_init(ChangedKeys *changed);
/* Everything was read, and changes up to @signalled were heard of. */
void changed_keys_reset(ChangedKeys *changed, guint64 signalled);
void changed_keys_clear(ChangedKeys *changed);

/* At @revision the key at @path changed, with @flags. */
void changed_keys_add_key(ChangedKeys *changed, const char *path, guint flags, guint64 revision);
/* At @revision anything may have changed. */
void changed_keys_add_everything(ChangedKeys *changed, guint64 revision);

/* Everything, or one key, was read as it stood at @revision or later. If a key was read
 * without what is @below it, changes there stay unread. */
void changed_keys_cover_everything(ChangedKeys *changed, guint64 revision);
void changed_keys_cover_key(ChangedKeys *changed, const char *path, gboolean below,
                            guint64 revision);

/* The revision of the first change that was not read; G_MAXUINT64: none. */
guint64 changed_keys_find_first(const ChangedKeys *changed);
gboolean changed_keys_is_empty(const ChangedKeys *changed);
/* Whether some change up to @revision has not been read. */
gboolean changed_keys_reaches_back(const ChangedKeys *changed, guint64 revision);

#endif
