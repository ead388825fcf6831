/* SPDX-License-Identifier: MIT */
/* Operations that carry a whole branch: rename and copy. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/edit/edit-keys.h"
#include "regd/edit/edit-values.h"
#include "regd/tree/place.h"
#include "regd/write/op-declare.h"
#include "regd/write/operations.h"

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

/* The values of a key that is carried. The caller must be able to read them, secrets included:
 * they may be less protected at the new place. How long a refusal takes tells nothing of them. */
static GPtrArray *read_values(Edit *edit, const KeyRow *row, gint64 acl, GError **error) {
  g_autoptr(GPtrArray) values = NULL;
  Acl *list = NULL;
  GRefString *path = store_get_path(edit->store, row->id, error);
  if (path == NULL)
    return NULL;
  gboolean allowed = edit_require(edit, acl, path, ACCESS_READ, error) &&
                     store_load_acl(edit->store, acl, &list, error) &&
                     (values = store_list_values(edit->store, row->id, error)) != NULL;
  gboolean secrets = allowed && acl_get_secret_level(list, path, edit->who) >= ACCESS_READ;
  for (guint i = 0; allowed && !secrets && i < values->len; i++) {
    const ValueRow *value = g_ptr_array_index(values, i);
    if (edit_is_secret(edit, path, value->name))
      allowed = access_refuse(path, ACCESS_READ, error);
  }
  g_ref_string_release(path);
  return allowed ? g_steal_pointer(&values) : NULL;
}

/* Takes @row. */
static Branch *read_branch(Edit *edit, KeyRow *row, gint64 above, GError **error) {
  g_autoptr(Branch) branch = g_new0(Branch, 1);
  branch->row = row;
  branch->children = g_ptr_array_new_with_free_func((GDestroyNotify)branch_free);
  gint64 acl = edit_deciding(row, above);
  branch->values = read_values(edit, row, acl, error);
  if (branch->values == NULL)
    return NULL;
  if (row->link != NULL)
    return g_steal_pointer(&branch);

  g_autoptr(GPtrArray) rows = store_list_children(edit->store, row->id, NULL, error);
  if (rows == NULL)
    return NULL;
  for (guint i = 0; i < rows->len; i++) {
    KeyRow *below = g_steal_pointer(&g_ptr_array_index(rows, i));
    Branch *child = read_branch(edit, below, acl, error);
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

typedef struct {
  Edit *edit;
  Carry carry;
} Carrier;

static guint get_depth(const char *path) {
  guint depth = 1;
  for (const char *at = path; *at != '\0'; at++)
    depth += *at == '\\';
  return depth;
}

static gboolean store_branch_value(const Carrier *carrier, const KeyAt *at, const ValueRow *value,
                                   GError **error) {
  const NewValue new = {.name = value->name,
                        .value = value->value,
                        .secret = value->secrecy == SECRECY_SECRET,
                        .position = carrier->carry == CARRY_ALL ? value->position : 0};
  return edit_check_value(carrier->edit, at->path, value->name, value->value, error) &&
         edit_store_value(carrier->edit, at, new, error);
}

static gboolean store_branch_values(const Carrier *carrier, const Branch *branch, const KeyRow *row,
                                    gint64 acl, GError **error) {
  GRefString *path = store_get_path(carrier->edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  const KeyAt at = {row->id, acl, path};
  gboolean done = get_depth(path) <= LIMIT_DEPTH ||
                  error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                            "%s: a path has at most %u components", path, LIMIT_DEPTH);
  for (guint i = 0; done && i < branch->values->len; i++)
    done = store_branch_value(carrier, &at, g_ptr_array_index(branch->values, i), error);
  g_ref_string_release(path);
  return done;
}

static KeyRow *carry_row(const Carrier *carrier, const KeyRow *from, const KeyRow *parent) {
  gboolean whole = carrier->carry == CARRY_ALL;
  KeyRow *row = g_new0(KeyRow, 1);
  row->name = g_strdup(from->name);
  row->parent = parent->id;
  row->class_name = g_strdup(from->class_name);
  row->link = g_strdup(from->link);
  row->link_by_administrator =
      from->link_by_administrator && (whole || carrier->edit->who->administrator);
  row->is_volatile = parent->is_volatile || (whole && from->is_volatile);
  row->acl = whole ? from->acl : 0;
  return row;
}

static gboolean write_branch(const Carrier *carrier, const Branch *branch, const KeyRow *parent,
                             gint64 above, GError **error) {
  g_autoptr(KeyRow) row = carry_row(carrier, branch->row, parent);
  if (!edit_insert(carrier->edit, row, above, error))
    return FALSE;
  gint64 acl = edit_deciding(row, above);
  if (!store_branch_values(carrier, branch, row, acl, error))
    return FALSE;
  for (guint i = 0; i < branch->children->len; i++)
    if (!write_branch(carrier, g_ptr_array_index(branch->children, i), row, acl, error))
      return FALSE;
  return TRUE;
}

static void rename_branch(Branch *branch, const char *name) {
  g_free(branch->row->name);
  branch->row->name = g_strdup(name);
}

/* ---- rename ---- */

static gboolean check_name_free(Edit *edit, const KeyRow *row, const char *path, const char *name,
                                GError **error) {
  g_autofree char *fold = path_fold(name);
  g_autoptr(KeyRow) taken = NULL;
  if (!store_find_child(edit->store, row->parent, fold, &taken, error))
    return FALSE;
  if (taken == NULL || taken->id == row->id)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_KEY_EXISTS,
                   "%s: can't be renamed to \"%s\": there is such a key beside it", path, name);
}

static gboolean move(Edit *edit, Place *place, const char *name, GError **error) {
  gint64 above = 0;
  g_autoptr(KeyRow) parent = NULL;
  if (!edit_find_above(edit, place->key, &above, error) ||
      !store_get_key(edit->store, place->key->parent, &parent, error))
    return FALSE;
  g_autofree char *parent_path = path_dup_parent(place->path);
  if (!edit_require(edit, above, parent_path, ACCESS_WRITE, error) ||
      !check_name_free(edit, place->key, place->path, name, error))
    return FALSE;

  KeyRow *row = NULL;
  if (!store_get_key(edit->store, place->key->id, &row, error))
    return FALSE;
  g_autoptr(Branch) branch = read_branch(edit, row, above, error);
  if (branch == NULL)
    return FALSE;
  edit_forget_place(edit);
  edit->is_moving = TRUE;
  gboolean gone = edit_delete_tree(edit, branch->row, above, error);
  edit->is_moving = FALSE;
  if (!gone)
    return FALSE;
  rename_branch(branch, name);
  g_autofree char *path = g_strconcat(parent_path, "\\", name, NULL);
  return write_branch(&(Carrier){edit, CARRY_ALL}, branch, parent, above, error) &&
         edit_carry_declared(edit, place->path, path, error);
}

gboolean apply_rename_key(Edit *edit, const Operation *operation, GError **error) {
  g_autoptr(Path) path = path_parse(operation->key, error);
  if (path == NULL)
    return FALSE;
  if (path->depth == 0 && path->root != PATH_ROOT_ABOVE)
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a root can't be renamed",
                     operation->key);
  if (!resolve_check_key_name(operation->key, operation->name, error))
    return FALSE;
  g_autoptr(Place) place =
      resolve(edit->store, edit->who, operation->key, RESOLVE_NO_FOLLOW, error);
  if (place == NULL || !place_require_key(place, edit->who, ACCESS_WRITE, error))
    return FALSE;
  if (place->key->parent == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a root can't be renamed",
                     place->path);
  if (g_str_equal(place->key->name, operation->name))
    return TRUE;
  return move(edit, place, operation->name, error);
}

/* ---- copy ---- */

static gboolean write_copy(Edit *edit, Place *place, Branch *branch, GError **error) {
  /* All but the last component are ordinary keys on the way. */
  g_autofree char *name = g_ptr_array_steal_index(place->missing, place->missing->len - 1);
  rename_branch(branch, name);
  return edit_create(edit, place, NULL, error) &&
         write_branch(&(Carrier){edit, CARRY_CONTENTS}, branch, place->key, place->acl_id, error);
}

gboolean apply_copy_key(Edit *edit, const Operation *operation, GError **error) {
  g_autoptr(Place) source = resolve(edit->store, edit->who, operation->key, RESOLVE_FOLLOW, error);
  if (source == NULL || !place_require_key(source, edit->who, ACCESS_READ, error))
    return FALSE;
  g_autoptr(Place) place =
      resolve(edit->store, edit->who, operation->target, RESOLVE_FOLLOW, error);
  if (place == NULL || !place_require_to_make(place, edit->who, error))
    return FALSE;
  if (place_exists(place))
    return error_set(error, REGISTRY_ERROR_KEY_EXISTS, "%s: the key to copy to is there already",
                     place->path);
  if (path_is_at_or_below(place->path, source->path))
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a key can't be copied into itself",
                     place->path);

  g_autoptr(Branch) branch =
      read_branch(edit, g_steal_pointer(&source->key), source->acl_id, error);
  if (branch == NULL)
    return FALSE;
  edit_forget_place(edit);
  return write_copy(edit, place, branch, error);
}
