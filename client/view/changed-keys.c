/* SPDX-License-Identifier: MIT */
/* What has been signalled as changed and has not been read since.
 *
 * Every reply to a read says at which revision it was read, and every signal
 * at which revision things changed. So a read covers the changes up to its
 * revision, also those whose signal comes after it, and leaves those past it.
 */
#include "client/view/changed-keys.h"

#include "client/base/path.h"

void dirt_init(Dirt *dirt) {
  *dirt = (Dirt){0};
  dirt->keys = g_hash_table_new_full(path_hash_name, path_equal_names, g_free, g_free);
}

void dirt_reset(Dirt *dirt, guint64 signalled) {
  dirt->signalled = signalled;
  dirt->everything = FALSE;
  g_hash_table_remove_all(dirt->keys);
}

void dirt_clear(Dirt *dirt) {
  g_hash_table_unref(dirt->keys);
}

static void widen(DirtSpan *span, guint flags, guint64 revision) {
  span->first = MIN(span->first, revision);
  span->last = MAX(span->last, revision);
  span->flags |= flags;
}

guint64 dirt_find_first(const Dirt *dirt) {
  guint64 first = dirt->everything ? dirt->span.first : G_MAXUINT64;
  GHashTableIter iter;
  gpointer span = NULL;
  g_hash_table_iter_init(&iter, dirt->keys);
  while (g_hash_table_iter_next(&iter, NULL, &span))
    first = MIN(first, ((DirtSpan *)span)->first);
  return first;
}

void dirt_add_everything(Dirt *dirt, guint64 revision) {
  dirt->signalled = MAX(dirt->signalled, revision);
  guint64 first = MIN(dirt_find_first(dirt), revision);
  guint64 last = MAX(dirt->signalled, revision);
  g_hash_table_remove_all(dirt->keys);
  dirt->everything = TRUE;
  dirt->span = (DirtSpan){.first = first, .last = last};
}

void dirt_add_key(Dirt *dirt, const char *path, guint flags, guint64 revision) {
  DirtSpan *span = g_hash_table_lookup(dirt->keys, path);
  gboolean full = g_hash_table_size(dirt->keys) >= DIRT_MAX_KEYS;
  if (dirt->everything || (span == NULL && full)) {
    dirt_add_everything(dirt, revision);
    return;
  }
  dirt->signalled = MAX(dirt->signalled, revision);
  if (span == NULL) {
    span = g_new0(DirtSpan, 1);
    span->first = revision;
    g_hash_table_insert(dirt->keys, g_strdup(path), span);
  }
  widen(span, flags, revision);
}

/* TRUE: nothing of the span is left. */
static gboolean cover(DirtSpan *span, guint64 revision) {
  if (revision >= span->first)
    span->first = revision + 1;
  return revision >= span->last;
}

static gboolean is_covered(gpointer path, gpointer span, gpointer revision) {
  (void)path;
  return cover(span, *(guint64 *)revision);
}

void dirt_cover_everything(Dirt *dirt, guint64 revision) {
  if (dirt->everything && cover(&dirt->span, revision))
    dirt->everything = FALSE;
  g_hash_table_foreach_remove(dirt->keys, is_covered, &revision);
}

void dirt_cover_key(Dirt *dirt, const char *path, gboolean below, guint64 revision) {
  DirtSpan *span = g_hash_table_lookup(dirt->keys, path);
  if (span == NULL || ((span->flags & DIRT_BELOW) && !below))
    return;
  if (cover(span, revision))
    g_hash_table_remove(dirt->keys, path);
}

gboolean dirt_is_clean(const Dirt *dirt) {
  return !dirt->everything && g_hash_table_size(dirt->keys) == 0;
}

gboolean dirt_reaches_back(const Dirt *dirt, guint64 revision) {
  return !dirt_is_clean(dirt) && dirt_find_first(dirt) <= revision;
}
