/* SPDX-License-Identifier: MIT */
/* Which keys are in a branch (see record.h): each key's way up is read once. */
#include "regd/history/record.h"

struct HistoryBranch {
  Store *store;
  gint64 key;
  GHashTable *known; /* key id -> whether it is at or below `key`, plus 1 */
};

HistoryBranch *history_branch_new(Store *store, gint64 key) {
  HistoryBranch *branch = g_new0(HistoryBranch, 1);
  branch->store = store;
  branch->key = key;
  branch->known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  return branch;
}

void history_branch_free(HistoryBranch *branch) {
  if (branch == NULL)
    return;
  g_hash_table_unref(branch->known);
  g_free(branch);
}

gboolean history_branch_holds(HistoryBranch *branch, gint64 key, gboolean *holds, GError **error) {
  if (key == branch->key || key == 0) {
    *holds = key == branch->key;
    return TRUE;
  }
  gpointer known = g_hash_table_lookup(branch->known, &key);
  if (known != NULL) {
    *holds = GPOINTER_TO_INT(known) == 2;
    return TRUE;
  }
  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(branch->store, key, &row, error) ||
      !history_branch_holds(branch, row->parent, holds, error))
    return FALSE;
  g_hash_table_insert(branch->known, g_memdup2(&key, sizeof key), GINT_TO_POINTER(*holds + 1));
  return TRUE;
}
