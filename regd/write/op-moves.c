/* SPDX-License-Identifier: MIT */
/* Operations that carry a whole branch: rename and copy (see edit.h). */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/write/edit.h"

/* A key with its values and all below it, in memory. */
typedef struct {
  KeyRow *row;
  GPtrArray *values;   /* of ValueRow */
  GPtrArray *children; /* of Branch */
} Branch;

static void branch_free(Branch *branch) {
  if (branch == NULL)
    return;
  key_row_free(branch->row);
  g_clear_pointer(&branch->values, g_ptr_array_unref);
  g_clear_pointer(&branch->children, g_ptr_array_unref);
  g_free(branch);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Branch, branch_free)

/* What the caller carries away he must be able to read, secrets included: at
 * its new place it may be less well kept. */
static gboolean check_readable(Application *application, const KeyRow *row, GPtrArray *values,
                               gint64 acl, GError **error) {
  if (application->who->administrator)
    return TRUE;
  GRefString *path = store_get_path(application->store, row->id, error);
  if (path == NULL)
    return FALSE;
  gboolean allowed = application_require(application, acl, path, ACCESS_READ, error);
  Acl *list = NULL;
  allowed = allowed && store_load_acl(application->store, acl, &list, error);
  gboolean secrets = allowed && acl_get_secret_level(list, application->who) >= ACCESS_READ;
  for (guint i = 0; allowed && !secrets && i < values->len; i++) {
    const ValueRow *value = g_ptr_array_index(values, i);
    if (application_is_secret(application, path, value->name))
      allowed = access_refuse(path, ACCESS_READ, error);
  }
  g_ref_string_release(path);
  return allowed;
}

/* Takes @row. */
static Branch *read_branch(Application *application, KeyRow *row, gint64 above, GError **error) {
  g_autoptr(Branch) branch = g_new0(Branch, 1);
  branch->row = row;
  branch->children = g_ptr_array_new_with_free_func((GDestroyNotify)branch_free);
  branch->values = store_list_values(application->store, row->id, error);
  gint64 acl = application_deciding(row, above);
  if (branch->values == NULL || !check_readable(application, row, branch->values, acl, error))
    return NULL;
  if (row->link != NULL)
    return g_steal_pointer(&branch);

  g_autoptr(GPtrArray) rows = store_list_children(application->store, row->id, NULL, error);
  if (rows == NULL)
    return NULL;
  for (guint i = 0; i < rows->len; i++) {
    KeyRow *below = g_steal_pointer(&g_ptr_array_index(rows, i));
    Branch *child = read_branch(application, below, acl, error);
    if (child == NULL)
      return NULL;
    g_ptr_array_add(branch->children, child);
  }
  return g_steal_pointer(&branch);
}

/* What of a key goes along with it. */
typedef enum {
  CARRY_ALL,      /* a rename: it is the same key under another name */
  CARRY_CONTENTS, /* a copy: a key of the copier's, without access list or volatility */
} Carry;

static guint get_depth(const char *path) {
  guint depth = 1;
  for (const char *at = path; *at != '\0'; at++)
    depth += *at == '\\';
  return depth;
}

static gboolean store_branch_values(Application *application, const Branch *branch,
                                    const KeyRow *row, gint64 acl, Carry carry, GError **error) {
  GRefString *path = store_get_path(application->store, row->id, error);
  if (path == NULL)
    return FALSE;
  gboolean done = get_depth(path) <= LIMIT_DEPTH ||
                  error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                            "%s: a path has at most %u components", path, LIMIT_DEPTH);
  for (guint i = 0; done && i < branch->values->len; i++) {
    const ValueRow *value = g_ptr_array_index(branch->values, i);
    done = application_check_value(application, path, value->name, value->value, error) &&
           application_store_value(application, row->id, acl, path, value->name, value->value,
                                   carry == CARRY_ALL ? value->position : 0, error);
  }
  g_ref_string_release(path);
  return done;
}

static KeyRow *carry_row(Application *application, const Branch *branch, const char *name,
                         gint64 parent, gboolean parent_is_volatile, Carry carry) {
  KeyRow *row = g_new0(KeyRow, 1);
  row->name = g_strdup(name);
  row->parent = parent;
  row->class_name = g_strdup(branch->row->class_name);
  row->link = g_strdup(branch->row->link);
  row->link_by_administrator =
      branch->row->link_by_administrator && (carry == CARRY_ALL || application->who->administrator);
  row->is_volatile = parent_is_volatile || (carry == CARRY_ALL && branch->row->is_volatile);
  row->acl = carry == CARRY_ALL ? branch->row->acl : 0;
  return row;
}

static gboolean write_branch(Application *application, const Branch *branch, const char *name,
                             const KeyRow *parent, gint64 above, Carry carry, GError **error) {
  g_autoptr(KeyRow) row =
      carry_row(application, branch, name, parent->id, parent->is_volatile, carry);
  if (!application_insert(application, row, above, error))
    return FALSE;
  gint64 acl = application_deciding(row, above);
  if (!store_branch_values(application, branch, row, acl, carry, error))
    return FALSE;
  for (guint i = 0; i < branch->children->len; i++) {
    const Branch *child = g_ptr_array_index(branch->children, i);
    if (!write_branch(application, child, child->row->name, row, acl, carry, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- rename ---- */

static gboolean check_name_free(Application *application, const KeyRow *row, const char *path,
                                const char *name, GError **error) {
  g_autofree char *fold = path_fold(name);
  g_autoptr(KeyRow) taken = NULL;
  if (!store_find_child(application->store, row->parent, fold, TRUE, &taken, error))
    return FALSE;
  if (taken == NULL || taken->id == row->id)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_KEY_EXISTS,
                   "%s: can't be renamed to \"%s\": there is such a key beside it", path, name);
}

static gboolean move(Application *application, Place *place, const char *name, GError **error) {
  gint64 above = 0;
  g_autoptr(KeyRow) parent = NULL;
  if (!application_find_above(application, place->key, &above, error) ||
      !store_get_key(application->store, place->key->parent, &parent, error))
    return FALSE;
  g_autofree char *parent_path = path_dup_parent(place->path);
  if (!application_require(application, above, parent_path, ACCESS_WRITE, error))
    return FALSE;

  KeyRow *row = NULL;
  if (!store_get_key(application->store, place->key->id, &row, error))
    return FALSE;
  g_autoptr(Branch) branch = read_branch(application, row, above, error);
  if (branch == NULL)
    return FALSE;
  application_forget_place(application);
  return application_delete_tree(application, branch->row, above, error) &&
         write_branch(application, branch, name, parent, above, CARRY_ALL, error);
}

gboolean apply_rename_key(Application *application, const Operation *operation, GError **error) {
  g_autoptr(Path) path = path_parse(operation->key, error);
  if (path == NULL)
    return FALSE;
  if (path->depth == 0 && path->root != PATH_ROOT_ABOVE)
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a root can't be renamed",
                     operation->key);
  if (!resolve_check_key_name(operation->key, operation->name, error))
    return FALSE;
  g_autoptr(Place) place =
      resolve(application->store, application->who, operation->key, RESOLVE_NO_FOLLOW, error);
  if (place == NULL || !place_require_key(place, application->who, ACCESS_WRITE, error))
    return FALSE;
  if (place->key->parent == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a root can't be renamed",
                     place->path);
  if (g_str_equal(place->key->name, operation->name))
    return TRUE;
  return check_name_free(application, place->key, place->path, operation->name, error) &&
         move(application, place, operation->name, error);
}

/* ---- copy ---- */

static gboolean write_copy(Application *application, Place *place, const Branch *branch,
                           GError **error) {
  /* All but the last component are ordinary keys on the way. */
  g_autofree char *name = g_ptr_array_steal_index(place->missing, place->missing->len - 1);
  return application_create(application, place, NULL, error) &&
         write_branch(application, branch, name, place->key, place->acl_id, CARRY_CONTENTS, error);
}

gboolean apply_copy_key(Application *application, const Operation *operation, GError **error) {
  g_autoptr(Place) source =
      resolve(application->store, application->who, operation->key, RESOLVE_FOLLOW, error);
  if (source == NULL || !place_require_key(source, application->who, ACCESS_READ, error))
    return FALSE;
  g_autoptr(Place) place =
      resolve(application->store, application->who, operation->target, RESOLVE_FOLLOW, error);
  if (place == NULL)
    return FALSE;
  if (place_exists(place))
    return place_require(place, application->who, ACCESS_READ, error) &&
           error_set(error, REGISTRY_ERROR_KEY_EXISTS, "%s: the key to copy to is there already",
                     place->path);
  if (!place_require(place, application->who, ACCESS_WRITE, error))
    return FALSE;
  if (path_is_at_or_below(place->path, source->path))
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a key can't be copied into itself",
                     place->path);

  g_autoptr(Branch) branch =
      read_branch(application, g_steal_pointer(&source->key), source->acl_id, error);
  if (branch == NULL)
    return FALSE;
  application_forget_place(application);
  return write_copy(application, place, branch, error);
}
