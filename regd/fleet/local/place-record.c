/* SPDX-License-Identifier: MIT */
/* See place-record.h. */
#include "regd/fleet/local/place-record.h"

#include <string.h>

#include "client/base/path.h"
#include "regd/edit/edit-keys.h"
#include "regd/edit/edit-values.h"
#include "regd/tree/place.h"
#include "regd/write/operations.h"

/* The place itself: links are not followed, so that nothing is written outside of the mount. */
static Place *find(Edit *edit, const char *path, char **why, GError **error) {
  g_autoptr(Place) place = resolve(edit->store, edit->who, path, RESOLVE_CANONICAL, error);
  if (place == NULL || place_exists(place))
    return g_steal_pointer(&place);
  /* The first key that is missing is there if it is a link. */
  g_autofree char *fold = path_fold(g_ptr_array_index(place->missing, 0));
  g_autoptr(KeyRow) link = NULL;
  if (!store_find_child(edit->store, place->key->id, fold, &link, error))
    return NULL;
  if (link != NULL && why != NULL)
    *why = g_strdup("it lies below a link");
  return g_steal_pointer(&place);
}

/* ---- access lists ---- */

/* A name that this host does not know matches nobody here. */
static gboolean resolve_name(PrincipalKind kind, const char *name, guint32 *id) {
  if (!access_resolve_with_nss(kind, name, id))
    *id = ACCESS_NOBODY;
  return TRUE;
}

static gboolean intern_list(Edit *edit, const FleetKey *key, gint64 *id, char **why,
                            GError **error) {
  g_autoptr(GArray) texts = g_array_new(FALSE, FALSE, sizeof(AclText));
  g_autoptr(GError) problem = NULL;
  *id = 0;
  if (!key->has_list || key->list == NULL || key->list->len == 0)
    return TRUE;
  for (guint i = 0; i < key->list->len; i++)
    g_array_append_vals(texts, g_ptr_array_index(key->list, i), 1);
  g_autoptr(Acl) list =
      acl_new((const AclText *)(gpointer)texts->data, texts->len, resolve_name, &problem);
  if (list == NULL) {
    *why = g_strdup_printf("its access list: %s", problem->message);
    return TRUE;
  }
  return store_intern_acl(edit->store, list, id, error);
}

/* ---- keys ---- */

static gboolean create(Edit *edit, Place *place, const FleetKey *key, gint64 list, GError **error) {
  KeyRow leaf = {.class_name = key->class_name,
                 .link = key->link,
                 .link_by_administrator = key->link != NULL,
                 .acl = list};
  char **name = (char **)&g_ptr_array_index(place->missing, place->missing->len - 1);
  g_free(*name);
  *name = g_strdup(key->spelling);
  return edit_create(edit, place, &leaf, error);
}

/* Its class is not what it was: told as a key that went and came back, like one that somebody
 * deletes and makes again. */
static gboolean change_class(Edit *edit, Place *place, const char *class_name, GError **error) {
  KeyRow *row = place->key;
  Acl *own = NULL;
  gint64 cost = 0;
  if (!store_load_acl(edit->store, row->acl, &own, error) ||
      !edit_get_cost(edit, row, &cost, error))
    return FALSE;
  Difference *gone =
      edit_add(edit, &(EditChange){CHANGE_KEY_DELETED, row->id, NULL, place->acl_id, 0}, error);
  if (gone == NULL)
    return FALSE;
  gone->old_state = history_encode_key(row, own);
  g_free(row->class_name);
  row->class_name = g_strdup(class_name);
  row->revision = edit->revision;
  row->last_write = edit->now;
  return edit_update(edit, row, cost, error) &&
         edit_add(edit, &(EditChange){CHANGE_KEY_CREATED, row->id, NULL, 0, place->acl_id},
                  error) != NULL;
}

static gboolean respell(Edit *edit, const char *path, const char *spelling, GError **error) {
  GRefString *key = g_ref_string_new(path);
  Operation rename = {.kind = OPERATION_RENAME_KEY, .key = key, .name = (char *)(guintptr)spelling};
  gboolean done = apply_rename_key(edit, &rename, error);
  g_ref_string_release(key);
  return done;
}

static gboolean is_empty(Edit *edit, gint64 key, gboolean *empty, GError **error) {
  gboolean has_children = FALSE;
  guint32 values = 0;
  if (!store_has_children(edit->store, key, &has_children, error) ||
      !store_count_values(edit->store, key, &values, error))
    return FALSE;
  *empty = !has_children && values == 0;
  return TRUE;
}

/* @key is a link, and what is there may be none. */
static gboolean point_link(Edit *edit, Place *place, const char *target, char **why,
                           GError **error) {
  gboolean empty = TRUE;
  if (place->key->link != NULL && strcmp(place->key->link, target) == 0)
    return TRUE;
  if (place->key->link == NULL && !is_empty(edit, place->key->id, &empty, error))
    return FALSE;
  if (!empty) {
    *why = g_strdup("it is a link, and the key holds values or sub-keys");
    return TRUE;
  }
  return edit_point_link(edit, place->key, place->acl_id, target, error);
}

static gboolean set_list(Edit *edit, Place *place, gint64 list, GError **error) {
  gint64 above = 0;
  return list == place->key->acl || (edit_find_above(edit, place->key, &above, error) &&
                                     edit_set_list(edit, place->key, above, list, error));
}

static gboolean change_key(Edit *edit, Place *place, const FleetKey *key, gint64 list, char **why,
                           GError **error) {
  if (key->link != NULL && !point_link(edit, place, key->link, why, error))
    return FALSE;
  if (*why != NULL)
    return TRUE;
  /* An empty class counts as none. */
  const char *class_name = g_strcmp0(key->class_name, "") != 0 ? key->class_name : NULL;
  if (g_strcmp0(place->key->class_name, class_name) != 0 &&
      !change_class(edit, place, class_name, error))
    return FALSE;
  if (!set_list(edit, place, list, error))
    return FALSE;
  return g_str_equal(place->key->name, key->spelling) ||
         respell(edit, place->path, key->spelling, error);
}

/* A link that is to be none goes, and so does a volatile key, which is from before this host
 * joined: the key comes anew. */
static gboolean put(Edit *edit, const char *path, const FleetKey *key, gint64 list, char **why,
                    GError **error) {
  g_autoptr(Place) place = find(edit, path, why, error);
  if (place == NULL || *why != NULL)
    return place != NULL;
  if (!place_exists(place))
    return create(edit, place, key, list, error);
  if (!place->key->is_volatile && (place->key->link == NULL || key->link != NULL))
    return change_key(edit, place, key, list, why, error);
  if (!edit_delete_tree(edit, place->key, place->acl_id, error))
    return FALSE;
  return put(edit, path, key, list, why, error);
}

gboolean place_record_put_key(Edit *edit, const char *path, const FleetKey *key, char **why,
                              GError **error) {
  gint64 list = 0;
  edit_forget_place(edit);
  return intern_list(edit, key, &list, why, error) &&
         (*why != NULL || put(edit, path, key, list, why, error));
}

gboolean place_record_drop_key(Edit *edit, const char *path, GError **error) {
  gboolean empty = FALSE;
  g_autoptr(Place) place = find(edit, path, NULL, error);
  if (place == NULL || !place_exists(place))
    return place != NULL;
  if (!is_empty(edit, place->key->id, &empty, error))
    return FALSE;
  edit_forget_place(edit);
  return !empty || edit_delete_tree(edit, place->key, place->acl_id, error);
}

/* ---- values ---- */

/* Values of one key usually follow each other. */
static Place *find_again(Edit *edit, Place **kept, const char *path, char **why, GError **error) {
  gboolean is_same = *kept != NULL && place_exists(*kept) && strcmp((*kept)->asked, path) == 0;
  if (is_same)
    return *kept;
  g_clear_pointer(kept, place_free);
  return *kept = find(edit, path, why, error);
}

gboolean place_record_put_value(Edit *edit, Place **kept, const char *path, const FleetValue *value,
                                char **why, GError **error) {
  Place *place = find_again(edit, kept, path, why, error);
  if (place == NULL || *why != NULL)
    return place != NULL;
  if (place_exists(place) && place->key->link != NULL) {
    *why = g_strdup("its key is a link");
    return TRUE;
  }
  if (!place_exists(place) && !edit_create(edit, place, NULL, error))
    return FALSE;
  g_autofree char *fold = path_fold(value->spelling);
  g_autoptr(ValueRow) old = NULL;
  if (!store_find_value(edit->store, place->key->id, fold, &old, error))
    return FALSE;
  const KeyAt at = {place->key->id, place->acl_id, place->path};
  NewValue new = {.name = value->spelling, .value = value->value};
  if (old == NULL || g_str_equal(old->name, value->spelling))
    return edit_store_value(edit, &at, new, error);
  new.position = old->position;
  return edit_put_back(edit, &at, new, error);
}

gboolean place_record_drop_value(Edit *edit, const char *path, const char *name, GError **error) {
  g_autofree char *fold = path_fold(name);
  g_autoptr(ValueRow) row = NULL;
  g_autoptr(Place) place = find(edit, path, NULL, error);
  if (place == NULL || !place_exists(place))
    return place != NULL;
  if (!store_find_value(edit->store, place->key->id, fold, &row, error))
    return FALSE;
  const KeyAt at = {place->key->id, place->acl_id, place->path};
  return row == NULL ||
         (edit_delete_row(edit, &at, row, error) && edit_touch(edit, place->key->id, error));
}
