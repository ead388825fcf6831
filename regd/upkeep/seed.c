/* SPDX-License-Identifier: MIT */
/* See seed.h. */
#include "regd/upkeep/seed.h"

#include "client/base/path.h"

#define MACHINE "HKEY_LOCAL_MACHINE"

static const struct {
  OperationKind kind;
  const char *key;
  const char *argument; /* a link's target, or what everyone may do */
} contents[] = {
    {OPERATION_SET_ACL, MACHINE, "read"},
    {OPERATION_SET_ACL, "HKEY_USERS", "none"},
    {OPERATION_CREATE_KEY, MACHINE "\\SYSTEM\\ControlSet001\\Hardware Profiles\\Current", NULL},
    {OPERATION_CREATE_KEY, MACHINE "\\SYSTEM\\ControlSet001\\Services", NULL},
    {OPERATION_CREATE_LINK, MACHINE "\\SYSTEM\\CurrentControlSet",
     MACHINE "\\SYSTEM\\ControlSet001"},
    /* Knowledge-base article Q197059 writes its path without SYSTEM. */
    {OPERATION_CREATE_LINK, MACHINE "\\CurrentControlSet", MACHINE "\\SYSTEM\\CurrentControlSet"},
    {OPERATION_CREATE_KEY, MACHINE "\\SOFTWARE\\Classes", NULL},
    {OPERATION_CREATE_KEY, MACHINE "\\SAM", NULL},
    {OPERATION_SET_ACL, MACHINE "\\SAM", "none"},
    {OPERATION_CREATE_KEY, MACHINE "\\SECURITY", NULL},
    {OPERATION_SET_ACL, MACHINE "\\SECURITY", "none"},
    {OPERATION_CREATE_KEY, "HKEY_USERS\\.DEFAULT", NULL},
    {OPERATION_SET_ACL, "HKEY_USERS\\.DEFAULT", "read"},
};

static gboolean seed_root(Store *store, gint64 id, PathRoot root, gint64 now, GError **error) {
  g_autofree char *name = g_strdup(path_root_get_name(root));
  g_autofree char *fold = path_fold(name);
  KeyRow row = {.id = id, .name = name, .revision = 1, .children_revision = 1, .last_write = now};
  return store_insert_key(store, &row, fold, error);
}

gboolean seed_roots(Store *store, gint64 now, GError **error) {
  return seed_root(store, STORE_LOCAL_MACHINE, PATH_ROOT_LOCAL_MACHINE, now, error) &&
         seed_root(store, STORE_USERS, PATH_ROOT_USERS, now, error);
}

gboolean seed_make_roots(Store *store, gint64 now, GError **error) {
  gboolean has_roots = FALSE;
  if (!store_has_children(store, 0, &has_roots, error))
    return FALSE;
  return has_roots || (store_begin_write(store, error) && seed_roots(store, now, error) &&
                       store_commit(store, error));
}

Change *seed_change(GError **error) {
  g_autoptr(Change) change = change_new();
  change->comment = g_strdup("new database");
  for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
    Operation *operation = change_add(change, contents[i].kind, contents[i].key);
    if (contents[i].kind == OPERATION_CREATE_LINK)
      operation->target = g_strdup(contents[i].argument);
    if (contents[i].kind != OPERATION_SET_ACL)
      continue;
    g_autofree char *level = g_strdup(contents[i].argument);
    g_autofree char *principal = g_strdup("everyone");
    AclText text = {.principal = principal, .level = level};
    operation->acl = acl_new(&text, 1, NULL, error);
    operation->acl_free = (GDestroyNotify)acl_unref;
    if (operation->acl == NULL)
      return NULL;
  }
  return g_steal_pointer(&change);
}

Change *seed_drop_volatile(Store *store, GError **error) {
  g_autoptr(GPtrArray) keys = store_list_volatile(store, error);
  if (keys == NULL || keys->len == 0)
    return NULL;
  g_autoptr(Change) change = change_new();
  change->comment = g_strdup("volatile keys of the last run");
  change->over_locks = TRUE;
  for (guint i = 0; i < keys->len; i++) {
    GRefString *path = store_get_path(store, ((KeyRow *)g_ptr_array_index(keys, i))->id, error);
    if (path == NULL)
      return NULL;
    change_add(change, OPERATION_DELETE_TREE, path);
    g_ref_string_release(path);
  }
  return g_steal_pointer(&change);
}
