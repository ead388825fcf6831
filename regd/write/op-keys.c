/* SPDX-License-Identifier: MIT */
/* Operations on keys: create, link, delete, access list (see edit.h). */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/write/edit.h"

/* What one key counts for in a user's quota, beside its name. */
#define KEY_COST 64

static gint64 get_cost(const KeyRow *row) {
  return KEY_COST + (gint64)strlen(row->name) + (row->link != NULL ? (gint64)strlen(row->link) : 0);
}

gint64 edit_deciding(const KeyRow *row, gint64 above) {
  return row->acl != 0 ? row->acl : above;
}

gboolean edit_require(Edit *edit, gint64 acl, const char *path, AccessLevel level, GError **error) {
  if (edit->who->administrator)
    return TRUE;
  Acl *list = NULL;
  if (!store_load_acl(edit->store, acl, &list, error))
    return FALSE;
  return acl_get_level(list, edit->who) >= level || access_refuse(path, level, error);
}

/* ---- creating ---- */

static RegistryValue *new_link_value(const char *target, GError **error) {
  return registry_value_new_string(REGISTRY_LINK, target, error);
}

/* A link's one value, as it is told of. */
static gboolean add_link_difference(Edit *edit, const KeyRow *row, gint64 acl,
                                    const char *old_target, GError **error) {
  Difference *difference =
      edit_add(edit, CHANGE_VALUE_SET, row->id, LINK_VALUE_NAME, acl, acl, error);
  if (difference == NULL)
    return FALSE;
  difference->reroutes = TRUE;
  difference->new_value = new_link_value(row->link, error);
  if (old_target != NULL)
    difference->old_value = new_link_value(old_target, error);
  return difference->new_value != NULL && (old_target == NULL || difference->old_value != NULL);
}

/* HKEY_USERS\<uid> belongs to that user from the moment it is there. */
static gboolean give_to_user(Edit *edit, KeyRow *row, GError **error) {
  guint32 uid = 0;
  if (row->parent != STORE_USERS || row->acl != 0 || !resolve_is_uid(row->name, &uid))
    return TRUE;
  g_autofree char *principal = g_strdup_printf("user:%u", uid);
  AclText text = {.principal = principal, .level = (char *)(guintptr) "control"};
  g_autoptr(Acl) own = acl_new(&text, 1, NULL, error);
  return own != NULL && store_intern_acl(edit->store, own, &row->acl, error);
}

/* A key's sub-keys come one after the other. */
static gboolean touch_children(Edit *edit, gint64 key, GError **error) {
  if (edit->touched_children == key)
    return TRUE;
  edit->touched_children = key;
  return store_touch_children(edit->store, key, edit->revision, error);
}

gboolean edit_insert(Edit *edit, KeyRow *row, gint64 above, GError **error) {
  g_autofree char *fold = path_fold(row->name);
  row->revision = row->children_revision = edit->revision;
  row->last_write = edit->now;
  if (edit->has_deleted)
    edit->has_revisited = TRUE;
  if (!give_to_user(edit, row, error) || !store_insert_key(edit->store, row, fold, error) ||
      !touch_children(edit, row->parent, error))
    return FALSE;
  edit->touched = row->id;

  gint64 acl = edit_deciding(row, above);
  Difference *difference = edit_add(edit, CHANGE_KEY_CREATED, row->id, NULL, 0, acl, error);
  if (difference == NULL)
    return FALSE;
  difference->reroutes = row->link != NULL;
  edit->result->keys_created++;
  edit_count_bytes(edit, difference->path, get_cost(row));
  return row->link == NULL || add_link_difference(edit, row, acl, NULL, error);
}

static KeyRow *new_row(const char *name, const KeyRow *attributes) {
  KeyRow *row = g_new0(KeyRow, 1);
  row->name = g_strdup(name);
  if (attributes == NULL)
    return row;
  /* The empty class and none are one and the same. */
  if (attributes->class_name != NULL && *attributes->class_name != '\0')
    row->class_name = g_strdup(attributes->class_name);
  row->link = g_strdup(attributes->link);
  row->link_by_administrator = attributes->link_by_administrator;
  row->is_volatile = attributes->is_volatile;
  row->acl = attributes->acl;
  return row;
}

gboolean edit_create(Edit *edit, Place *place, const KeyRow *leaf, GError **error) {
  /* What was resolved before may miss what is made now. */
  if (place != edit->last_place)
    edit_forget_place(edit);
  for (guint i = 0; i < place->missing->len; i++) {
    gboolean last = i + 1 == place->missing->len;
    g_autoptr(KeyRow) row = new_row(g_ptr_array_index(place->missing, i), last ? leaf : NULL);
    row->parent = place->key->id;
    row->is_volatile |= place->key->is_volatile;
    if (!edit_insert(edit, row, place->acl_id, error))
      return FALSE;
    if (row->acl != 0) {
      place->acl_id = row->acl;
      place->acl_origin = row->id;
    }
    key_row_free(place->key);
    place->key = g_steal_pointer(&row);
  }
  g_ptr_array_set_size(place->missing, 0);
  place->in_volatile = place->key->is_volatile;
  if (!store_load_acl(edit->store, place->acl_id, &place->acl, error))
    return FALSE;
  if (place == edit->last_place)
    edit_note_place(edit);
  return TRUE;
}

static gboolean exists_as_other(const Place *place, const char *what, GError **error) {
  return error_set(error, REGISTRY_ERROR_KEY_EXISTS, "%s: the key is there already, and %s",
                   place->path, what);
}

static gboolean is_of_class(const Place *place, const char *class_name) {
  const char *own = place->key->class_name != NULL ? place->key->class_name : "";
  return class_name == NULL || g_str_equal(own, class_name);
}

static gboolean check_existing(const Place *place, const Operation *operation, GError **error) {
  if ((operation->flags & OPERATION_VOLATILE) != 0 && !place->key->is_volatile)
    return exists_as_other(place, "is not volatile", error);
  if ((operation->flags & OPERATION_NOT_VOLATILE) != 0 && place->key->is_volatile)
    return exists_as_other(place, "is volatile", error);
  if (!is_of_class(place, operation->class_name))
    return exists_as_other(place, "has another class", error);
  return TRUE;
}

static gboolean check_creatable(const Place *place, const Operation *operation, GError **error) {
  if ((operation->flags & OPERATION_NOT_VOLATILE) != 0 && place->in_volatile)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: what is made below a volatile key is volatile too", place->path);
  if (operation->class_name == NULL)
    return TRUE;
  if (g_utf8_strlen(operation->class_name, -1) > LIMIT_CLASS_UNITS)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "%s: a class has at most %u characters",
                     place->path, LIMIT_CLASS_UNITS);
  return TRUE;
}

gboolean apply_create_key(Edit *edit, const Operation *operation, GError **error) {
  gboolean no_follow = (operation->flags & OPERATION_NO_FOLLOW) != 0;
  g_autoptr(Place) own =
      no_follow ? resolve(edit->store, edit->who, operation->key, RESOLVE_NO_FOLLOW, error) : NULL;
  Place *place = no_follow ? own : edit_resolve(edit, operation->key, error);
  if (place == NULL)
    return FALSE;
  if (place_exists(place))
    return place_require(place, edit->who, ACCESS_READ, error) &&
           check_existing(place, operation, error);
  if (!place_require(place, edit->who, ACCESS_WRITE, error) ||
      !check_creatable(place, operation, error))
    return FALSE;

  KeyRow leaf = {.class_name = operation->class_name,
                 .is_volatile = (operation->flags & OPERATION_VOLATILE) != 0};
  edit->result->created = TRUE;
  return edit_create(edit, place, &leaf, error);
}

/* ---- links ---- */

/* The target with its root in the long spelling, else as it was written. */
static char *check_target(Edit *edit, const Place *place, const char *target, GError **error) {
  g_autoptr(Path) path = path_parse(target, error);
  if (path == NULL)
    return NULL;
  if (path->root == PATH_ROOT_ABOVE) {
    error_set(error, REGISTRY_ERROR_INVALID_PATH,
              "%s: a link leads to a key: the target is an absolute path, not empty", place->path);
    return NULL;
  }
  guint32 uid = 0;
  if (edit->who->administrator || !resolve_get_branch(place->path, &uid))
    return path_to_string(path);

  g_autofree char *branch = g_strdup_printf("%u", uid);
  gboolean inside = (path->root == PATH_ROOT_CURRENT_USER && uid == edit->who->uid) ||
                    (path->root == PATH_ROOT_USERS && path->depth > 0 &&
                     g_str_equal(path->components[0], branch));
  if (inside)
    return path_to_string(path);
  error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
            "%s: a link below HKEY_USERS\\%u may lead only inside that key, unless an "
            "administrator makes it",
            place->path, uid);
  return NULL;
}

gboolean edit_point_link(Edit *edit, KeyRow *row, gint64 acl, const char *target, GError **error) {
  g_autofree char *old_target = g_steal_pointer(&row->link);
  if (row->revision == edit->revision)
    edit->has_revisited = TRUE;
  row->link = g_strdup(target);
  row->link_by_administrator = edit->who->administrator;
  row->revision = edit->revision;
  row->last_write = edit->now;
  return store_update_key(edit->store, row, error) &&
         add_link_difference(edit, row, acl, old_target, error);
}

/* Import meets the key before it meets the value that makes it a link: an empty
 * key is turned into one, and a link is pointed elsewhere, or spelled otherwise. */
static gboolean turn_into_link(Edit *edit, Place *place, const char *target, GError **error) {
  gboolean has_children = FALSE;
  guint32 values = 0;
  if (!store_has_children(edit->store, place->key->id, &has_children, error) ||
      !store_count_values(edit->store, place->key->id, &values, error))
    return FALSE;
  if (has_children || values > 0)
    return exists_as_other(place, "is no link, but holds values or sub-keys", error);

  return edit_point_link(edit, place->key, place->acl_id, target, error);
}

static gboolean change_link(Edit *edit, Place *place, const Operation *operation,
                            const char *target, GError **error) {
  gboolean tolerant = (operation->flags & OPERATION_TOLERANT) != 0;
  int (*compare)(const char *, const char *) = tolerant ? strcmp : path_compare_names;
  if (place->key->link != NULL && compare(place->key->link, target) == 0)
    return check_existing(place, operation, error);
  if (!tolerant)
    return exists_as_other(
        place, place->key->link != NULL ? "leads elsewhere: delete it first" : "is no link", error);
  return turn_into_link(edit, place, target, error);
}

gboolean apply_create_link(Edit *edit, const Operation *operation, GError **error) {
  g_autoptr(Place) place =
      resolve(edit->store, edit->who, operation->key, RESOLVE_NO_FOLLOW, error);
  if (place == NULL || !place_require(place, edit->who, ACCESS_WRITE, error))
    return FALSE;
  if (place_exists(place) && (operation->flags & OPERATION_ONLY_MISSING) != 0)
    return TRUE;
  if (place_exists(place) && place->key->parent == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a root can't be a link", place->path);
  g_autofree char *target = check_target(edit, place, operation->target, error);
  if (target == NULL)
    return FALSE;
  edit_forget_place(edit);
  if (place_exists(place))
    return change_link(edit, place, operation, target, error);
  if (!check_creatable(place, operation, error))
    return FALSE;
  KeyRow leaf = {.class_name = operation->class_name,
                 .link = target,
                 .link_by_administrator = edit->who->administrator,
                 .is_volatile = (operation->flags & OPERATION_VOLATILE) != 0};
  edit->result->created = TRUE;
  return edit_create(edit, place, &leaf, error);
}

/* ---- deleting ---- */

static gboolean add_link_deleted(Edit *edit, const KeyRow *row, gint64 acl, GError **error) {
  Difference *difference =
      edit_add(edit, CHANGE_VALUE_DELETED, row->id, LINK_VALUE_NAME, acl, acl, error);
  if (difference == NULL)
    return FALSE;
  difference->reroutes = TRUE;
  difference->old_value = new_link_value(row->link, error);
  return difference->old_value != NULL;
}

static gboolean bury(Edit *edit, const KeyRow *row, gint64 acl, const char *path, GError **error) {
  if (row->link != NULL && !add_link_deleted(edit, row, acl, error))
    return FALSE;
  Acl *own = NULL;
  if (!store_load_acl(edit->store, row->acl, &own, error))
    return FALSE;
  Difference *difference = edit_add(edit, CHANGE_KEY_DELETED, row->id, NULL, acl, 0, error);
  if (difference == NULL)
    return FALSE;
  difference->old_state = history_encode_key(row, own);
  difference->reroutes = row->link != NULL;
  edit->has_deleted = TRUE;
  if (row->revision == edit->revision)
    edit->has_revisited = TRUE;
  edit->result->keys_deleted++;
  edit_count_bytes(edit, path, -get_cost(row));
  return store_bury_key(edit->store, row->id, edit->revision, error) &&
         touch_children(edit, row->parent, error);
}

static gboolean delete_children(Edit *edit, const KeyRow *row, gint64 acl, GError **error) {
  if (row->link != NULL)
    return TRUE;
  g_autoptr(GPtrArray) children = store_list_children(edit->store, row->id, NULL, error);
  if (children == NULL)
    return FALSE;
  for (guint i = 0; i < children->len; i++)
    if (!edit_delete_tree(edit, g_ptr_array_index(children, i), acl, error))
      return FALSE;
  return TRUE;
}

gboolean edit_delete_tree(Edit *edit, const KeyRow *row, gint64 above, GError **error) {
  gint64 acl = edit_deciding(row, above);
  GRefString *path = store_get_path(edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  gboolean done = edit_require(edit, acl, path, ACCESS_WRITE, error) &&
                  delete_children(edit, row, acl, error) &&
                  edit_delete_values(edit, row, acl, path, error) &&
                  bury(edit, row, acl, path, error);
  g_ref_string_release(path);
  return done;
}

gboolean apply_delete_key(Edit *edit, const Operation *operation, GError **error) {
  g_autoptr(Path) path = path_parse(operation->key, error);
  if (path == NULL)
    return FALSE;
  if (path->depth == 0 && path->root != PATH_ROOT_ABOVE)
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a root can't be deleted",
                     operation->key);
  g_autoptr(Place) place =
      resolve(edit->store, edit->who, operation->key, RESOLVE_NO_FOLLOW, error);
  if (place == NULL)
    return FALSE;
  if (!place_exists(place) && (operation->flags & OPERATION_TOLERANT) != 0)
    return place_require(place, edit->who, ACCESS_WRITE, error);
  if (!place_require_key(place, edit->who, ACCESS_WRITE, error))
    return FALSE;
  if (place->key->parent == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: a root can't be deleted",
                     place->path);
  gboolean has_children = FALSE;
  if (operation->kind == OPERATION_DELETE_KEY && place->key->link == NULL &&
      !store_has_children(edit->store, place->key->id, &has_children, error))
    return FALSE;
  if (has_children)
    return error_set(
        error, REGISTRY_ERROR_KEY_NOT_EMPTY,
        "%s: the key has sub-keys: take the option recursive (regctl rm -r), or delete them first",
        place->path);
  edit_forget_place(edit);
  return edit_delete_tree(edit, place->key, place->acl_id, error);
}

/* ---- the access list ---- */

/* What decides at the key once it has no list of its own. */
gboolean edit_find_above(Edit *edit, const KeyRow *row, gint64 *acl, GError **error) {
  gint64 parent = row->parent;
  *acl = 0;
  while (parent != 0 && *acl == 0) {
    g_autoptr(KeyRow) above = NULL;
    if (!store_get_key(edit->store, parent, &above, error))
      return FALSE;
    *acl = above->acl;
    parent = above->parent;
  }
  return TRUE;
}

gboolean edit_set_list(Edit *edit, KeyRow *row, gint64 above, gint64 id, GError **error) {
  Acl *old = NULL;
  if (!store_load_acl(edit->store, row->acl, &old, error))
    return FALSE;
  if (row->revision == edit->revision)
    edit->has_revisited = TRUE;
  Difference *difference = edit_add(edit, CHANGE_ACL_CHANGED, row->id, NULL,
                                    edit_deciding(row, above), id != 0 ? id : above, error);
  if (difference == NULL)
    return FALSE;
  difference->old_state = history_encode_acl(old);
  row->acl = id;
  row->revision = edit->revision;
  row->last_write = edit->now;
  return store_update_key(edit->store, row, error);
}

gboolean apply_set_acl(Edit *edit, const Operation *operation, GError **error) {
  g_autoptr(Place) place = resolve(edit->store, edit->who, operation->key, RESOLVE_FOLLOW, error);
  if (place == NULL || !place_require_key(place, edit->who, ACCESS_CONTROL, error))
    return FALSE;
  Acl *own = operation->acl;
  guint n_entries = 0;
  if (own != NULL)
    acl_get_entries(own, &n_entries);
  gint64 id = 0;
  if (n_entries > 0 && !store_intern_acl(edit->store, own, &id, error))
    return FALSE;
  if (id == place->key->acl)
    return TRUE;
  edit_forget_place(edit);
  gint64 above = 0;
  return edit_find_above(edit, place->key, &above, error) &&
         edit_set_list(edit, place->key, above, id, error);
}
