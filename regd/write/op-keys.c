/* SPDX-License-Identifier: MIT */
/* Operations on keys: create, link, delete, access list. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/edit/edit-keys.h"
#include "regd/tree/place.h"
#include "regd/write/operations.h"

/* ---- creating ---- */

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
  if ((gulong)g_utf8_strlen(operation->class_name, -1) > LIMIT_CLASS_UNITS)
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
  if (!place_require_to_make(place, edit->who, error))
    return FALSE;
  if (place_exists(place))
    return check_existing(place, operation, error);
  if (!check_creatable(place, operation, error))
    return FALSE;

  KeyRow leaf = {.class_name = operation->class_name,
                 .is_volatile = (operation->flags & OPERATION_VOLATILE) != 0};
  edit->result->created = TRUE;
  return edit_create(edit, place, &leaf, error);
}

/* ---- links ---- */

char *edit_check_target(Edit *edit, const char *at, const char *target, GError **error) {
  g_autoptr(Path) path = path_parse(target, error);
  if (path == NULL)
    return NULL;
  if (path->root == PATH_ROOT_ABOVE) {
    error_set(error, REGISTRY_ERROR_INVALID_PATH,
              "%s: a link leads to a key: the target is an absolute path, not empty", at);
    return NULL;
  }
  guint32 uid = 0;
  if (edit->who->administrator || !resolve_get_branch(at, &uid))
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
            at, uid);
  return NULL;
}

/* Import creates the key before it meets the value that makes it a link: so an empty key is
 * turned into a link, and a link is retargeted, or respelled. */
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
  g_autofree char *target = edit_check_target(edit, place->path, operation->target, error);
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

/* ---- deleting, and the access list ---- */

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
