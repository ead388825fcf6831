/* SPDX-License-Identifier: MIT */
/* Operations on values: set and delete. */
#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/edit/edit-keys.h"
#include "regd/edit/edit-values.h"
#include "regd/tree/place.h"
#include "regd/write/operations.h"

/* Only create-link makes links: if it were set as an ordinary value, an export would not bring
 * it back as the same. */
static gboolean check_not_link(const char *path, const char *name, const RegistryValue *value,
                               GError **error) {
  if (registry_value_get_type(value) != REGISTRY_LINK ||
      path_compare_names(name, LINK_VALUE_NAME) != 0)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: %s: a link is not made by setting this value, but with create-link (or "
                   "CreateKey's option link)",
                   path, name);
}

/* Whether a value existed before this change and must not be touched. The change may overwrite
 * what it has set itself. */
static gboolean must_stay(Edit *edit, const Place *place, const Operation *operation,
                          gboolean *stays, GError **error) {
  *stays = FALSE;
  if ((operation->flags & OPERATION_ONLY_MISSING) == 0 || !place_exists(place))
    return TRUE;
  g_autofree char *fold = path_fold(operation->name);
  g_autoptr(ValueRow) old = NULL;
  if (!store_find_value(edit->store, place->key->id, fold, &old, error))
    return FALSE;
  *stays = old != NULL && old->revision != edit->revision;
  return TRUE;
}

gboolean apply_set_value(Edit *edit, const Operation *operation, GError **error) {
  gboolean stays = FALSE;
  Place *place = edit_resolve(edit, operation->key, error);
  if (place == NULL || !place_require(place, edit->who, ACCESS_WRITE, error) ||
      !resolve_check_value_name(place->path, operation->name, error) ||
      !must_stay(edit, place, operation, &stays, error))
    return FALSE;
  if (stays) {
    edit->result->values_unchanged++;
    return TRUE;
  }
  if (!check_not_link(place->path, operation->name, operation->value, error) ||
      !edit_check_value(edit, place->path, operation->name, operation->value, error))
    return FALSE;
  if (!place_exists(place) && !edit_create(edit, place, NULL, error))
    return FALSE;
  const KeyAt at = {place->key->id, place->acl_id, place->path};
  return edit_store_value(edit, &at, (NewValue){.name = operation->name, .value = operation->value},
                          error);
}

gboolean apply_delete_value(Edit *edit, const Operation *operation, GError **error) {
  Place *place = edit_resolve(edit, operation->key, error);
  gboolean tolerant = (operation->flags & OPERATION_TOLERANT) != 0;
  if (place == NULL ||
      !(tolerant ? place_require : place_require_key)(place, edit->who, ACCESS_WRITE, error) ||
      !resolve_check_value_name(place->path, operation->name, error))
    return FALSE;
  if (!place_exists(place))
    return TRUE;

  g_autofree char *fold = path_fold(operation->name);
  g_autoptr(ValueRow) row = NULL;
  if (!store_find_value(edit->store, place->key->id, fold, &row, error))
    return FALSE;
  if (row == NULL)
    return tolerant || error_set(error, REGISTRY_ERROR_VALUE_NOT_FOUND,
                                 "%s: there is no value \"%s\"", place->path, operation->name);
  const KeyAt at = {place->key->id, place->acl_id, place->path};
  return edit_delete_row(edit, &at, row, error) && edit_touch(edit, place->key->id, error);
}
