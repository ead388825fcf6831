/* SPDX-License-Identifier: MIT */
/* See effective.h. Holds no data of values. */
#include "regd/base/effective.h"

#include <string.h>

static void entry_free(gpointer data) {
  EffectiveEntry *entry = data;
  g_ref_string_release(entry->key);
  g_free(entry->name);
  acl_unref(entry->before);
  acl_unref(entry->after);
  g_free(entry);
}

Effective *effective_new(guint64 revision) {
  Effective *effective = g_new0(Effective, 1);
  g_atomic_ref_count_init(&effective->references);
  effective->revision = revision;
  effective->entries = g_ptr_array_new_with_free_func(entry_free);
  return effective;
}

Effective *effective_ref(Effective *effective) {
  g_atomic_ref_count_inc(&effective->references);
  return effective;
}

void effective_free(Effective *effective) {
  if (effective == NULL || !g_atomic_ref_count_dec(&effective->references))
    return;
  g_ptr_array_unref(effective->entries);
  g_free(effective);
}

EffectiveEntry *effective_add(Effective *effective, ChangeKind kind, GRefString *key,
                              const char *name, Acl *before, Acl *after) {
  EffectiveEntry *entry = g_new0(EffectiveEntry, 1);
  entry->kind = kind;
  entry->key = g_ref_string_acquire(key);
  entry->name = g_strdup(name != NULL ? name : "");
  entry->before = before != NULL ? acl_ref(before) : NULL;
  entry->after = after != NULL ? acl_ref(after) : NULL;
  g_ptr_array_add(effective->entries, entry);
  return entry;
}

gboolean effective_concerns(ChangeKind kind, guint below, gboolean recursive) {
  gboolean comes_or_goes = kind == CHANGE_KEY_CREATED || kind == CHANGE_KEY_DELETED;
  return recursive || below == 0 || (below == 1 && comes_or_goes);
}

int effective_find_depth(const char *key, const char *watched) {
  gsize length = strlen(watched);
  if (strncmp(key, watched, length) != 0 || (key[length] != '\\' && key[length] != '\0'))
    return -1;
  int depth = 0;
  for (const char *each = key + length; *each != '\0'; each++)
    depth += *each == '\\';
  return depth;
}

gboolean effective_reaches(ChangeKind kind, const char *key, const char *watched,
                           gboolean recursive) {
  int below = effective_find_depth(key, watched);
  if (below >= 0)
    return effective_concerns(kind, (guint)below, recursive);
  return kind == CHANGE_ACL_CHANGED && effective_find_depth(watched, key) > 0;
}

static gboolean may_read(const EffectiveEntry *entry, const Acl *acl, const Identity *identity) {
  return acl_get_level(acl, entry->key, identity) >= ACCESS_READ;
}

/* Which of the two lists decide for each kind. */
static const struct {
  gboolean before, after;
} deciding[] = {
    [CHANGE_KEY_CREATED] = {FALSE, TRUE}, [CHANGE_KEY_DELETED] = {TRUE, FALSE},
    [CHANGE_VALUE_SET] = {FALSE, TRUE},   [CHANGE_VALUE_DELETED] = {TRUE, FALSE},
    [CHANGE_ACL_CHANGED] = {TRUE, TRUE},  [CHANGE_LINK_CHANGED] = {FALSE, TRUE},
    [CHANGE_TREE_CHANGED] = {TRUE, TRUE}, [CHANGE_LOCK_CHANGED] = {FALSE, TRUE},
};

gboolean effective_entry_is_visible(const EffectiveEntry *entry, const Identity *identity) {
  if (deciding[entry->kind].before && may_read(entry, entry->before, identity))
    return TRUE;
  return deciding[entry->kind].after && may_read(entry, entry->after, identity);
}

const Acl *effective_entry_get_list(const EffectiveEntry *entry) {
  return deciding[entry->kind].before ? entry->before : entry->after;
}
