/* SPDX-License-Identifier: MIT */
/* What has been signalled as changed and has not been read since.
 *
 * Every reply to a read says at which revision it was read, and every signal
 * at which revision things changed. So a read covers the changes up to its
 * revision, also those whose signal comes after it, and leaves those past it.
 */
#include "client/view/changed-keys.h"

#include "client/base/path.h"

void changed_keys_init(ChangedKeys *changed) {
  *changed = (ChangedKeys){0};
  changed->keys = g_hash_table_new_full(path_hash_name, path_equal_names, g_free, g_free);
}

void changed_keys_reset(ChangedKeys *changed, guint64 signalled) {
  changed->signalled = signalled;
  changed->everything = FALSE;
  g_hash_table_remove_all(changed->keys);
}

void changed_keys_clear(ChangedKeys *changed) {
  g_hash_table_unref(changed->keys);
}

static void widen(ChangedSpan *span, guint flags, guint64 revision) {
  span->first = MIN(span->first, revision);
  span->last = MAX(span->last, revision);
  span->flags |= flags;
}

guint64 changed_keys_find_first(const ChangedKeys *changed) {
  guint64 first = changed->everything ? changed->span.first : G_MAXUINT64;
  GHashTableIter iter;
  gpointer span = NULL;
  g_hash_table_iter_init(&iter, changed->keys);
  while (g_hash_table_iter_next(&iter, NULL, &span))
    first = MIN(first, ((ChangedSpan *)span)->first);
  return first;
}

void changed_keys_add_everything(ChangedKeys *changed, guint64 revision) {
  changed->signalled = MAX(changed->signalled, revision);
  guint64 first = MIN(changed_keys_find_first(changed), revision);
  guint64 last = MAX(changed->signalled, revision);
  g_hash_table_remove_all(changed->keys);
  changed->everything = TRUE;
  changed->span = (ChangedSpan){.first = first, .last = last};
}

void changed_keys_add_key(ChangedKeys *changed, const char *path, guint flags, guint64 revision) {
  ChangedSpan *span = g_hash_table_lookup(changed->keys, path);
  gboolean full = g_hash_table_size(changed->keys) >= CHANGED_KEYS_MAX;
  if (changed->everything || (span == NULL && full)) {
    changed_keys_add_everything(changed, revision);
    return;
  }
  changed->signalled = MAX(changed->signalled, revision);
  if (span == NULL) {
    span = g_new0(ChangedSpan, 1);
    span->first = revision;
    g_hash_table_insert(changed->keys, g_strdup(path), span);
  }
  widen(span, flags, revision);
}

/* TRUE: nothing of the span is left. */
static gboolean cover(ChangedSpan *span, guint64 revision) {
  if (revision >= span->first)
    span->first = revision + 1;
  return revision >= span->last;
}

static gboolean is_covered(G_GNUC_UNUSED gpointer path, gpointer span, gpointer revision) {
  return cover(span, *(guint64 *)revision);
}

void changed_keys_cover_everything(ChangedKeys *changed, guint64 revision) {
  if (changed->everything && cover(&changed->span, revision))
    changed->everything = FALSE;
  g_hash_table_foreach_remove(changed->keys, is_covered, &revision);
}

void changed_keys_cover_key(ChangedKeys *changed, const char *path, gboolean below,
                            guint64 revision) {
  ChangedSpan *span = g_hash_table_lookup(changed->keys, path);
  if (span == NULL || ((span->flags & CHANGED_BELOW) && !below))
    return;
  if (cover(span, revision))
    g_hash_table_remove(changed->keys, path);
}

gboolean changed_keys_is_empty(const ChangedKeys *changed) {
  return !changed->everything && g_hash_table_size(changed->keys) == 0;
}

gboolean changed_keys_reaches_back(const ChangedKeys *changed, guint64 revision) {
  return !changed_keys_is_empty(changed) && changed_keys_find_first(changed) <= revision;
}
