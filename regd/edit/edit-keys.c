/* SPDX-License-Identifier: MIT */
/* See edit-keys.h. */
#include "regd/edit/edit-keys.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/declare/declared.h"
#include "regd/edit/edit-locks.h"
#include "regd/edit/edit-values.h"
#include "regd/tree/place.h"

/* The cost of a key in a user's quota, besides its name. */
#define KEY_COST 64

static gint64 get_length(const char *text) {
  return text != NULL ? (gint64)strlen(text) : 0;
}

gboolean edit_get_cost(Edit *edit, const KeyRow *row, gint64 *cost, GError **error) {
  Acl *own = NULL;
  if (!store_load_acl(edit->store, row->acl, &own, error))
    return FALSE;
  g_autofree char *list = own != NULL ? acl_encode(own) : NULL;
  *cost = KEY_COST + get_length(row->name) + get_length(row->link) + get_length(row->class_name) +
          get_length(list);
  return TRUE;
}

gboolean edit_require(Edit *edit, gint64 acl, const char *path, AccessLevel level, GError **error) {
  if (edit->who->administrator)
    return TRUE;
  Acl *list = NULL;
  if (!store_load_acl(edit->store, acl, &list, error))
    return FALSE;
  return acl_get_level(list, path, edit->who) >= level || access_refuse(path, level, error);
}

/* ---- creating ---- */

static RegistryValue *new_link_value(const char *target, GError **error) {
  return registry_value_new_string(REGISTRY_LINK, target, error);
}

/* The difference in a link's only value. */
static gboolean add_link_difference(Edit *edit, const KeyRow *row, gint64 acl,
                                    const char *old_target, GError **error) {
  Difference *difference =
      edit_add(edit, &(EditChange){CHANGE_VALUE_SET, row->id, LINK_VALUE_NAME, acl, acl}, error);
  if (difference == NULL)
    return FALSE;
  difference->reroutes = TRUE;
  difference->new_value = new_link_value(row->link, error);
  if (old_target != NULL)
    difference->old_value = new_link_value(old_target, error);
  return difference->new_value != NULL && (old_target == NULL || difference->old_value != NULL);
}

/* HKEY_USERS\<uid> belongs to that user as soon as it exists. */
static gboolean give_to_user(Edit *edit, KeyRow *row, GError **error) {
  guint32 uid = 0;
  if (row->parent != STORE_USERS || row->acl != 0 || !resolve_is_uid(row->name, &uid))
    return TRUE;
  g_autofree char *principal = g_strdup_printf("user:%u", uid);
  AclText text = {.principal = principal, .level = (char *)(guintptr) "control"};
  g_autoptr(Acl) own = acl_new(&text, 1, NULL, error);
  return own != NULL && store_intern_acl(edit->store, own, &row->acl, error);
}

/* Changes to sub-keys of the same key usually follow each other. */
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
      !(row->link != NULL ? edit_pass_link : edit_pass_key)(edit, row->id, error) ||
      !touch_children(edit, row->parent, error))
    return FALSE;
  edit->touched = row->id;

  gint64 acl = edit_deciding(row, above);
  Difference *difference =
      edit_add(edit, &(EditChange){CHANGE_KEY_CREATED, row->id, NULL, 0, acl}, error);
  if (difference == NULL)
    return FALSE;
  difference->reroutes = row->link != NULL;
  edit->result->keys_created++;
  gint64 cost = 0;
  return edit_get_cost(edit, row, &cost, error) &&
         edit_charge(edit, difference->path, cost, error) &&
         (row->link == NULL || add_link_difference(edit, row, acl, NULL, error));
}

static KeyRow *new_row(const char *name, const KeyRow *attributes) {
  KeyRow *row = g_new0(KeyRow, 1);
  row->name = g_strdup(name);
  if (attributes == NULL)
    return row;
  /* An empty class counts as none. */
  if (attributes->class_name != NULL && *attributes->class_name != '\0')
    row->class_name = g_strdup(attributes->class_name);
  row->link = g_strdup(attributes->link);
  row->link_by_administrator = attributes->link_by_administrator;
  row->is_volatile = attributes->is_volatile;
  row->acl = attributes->acl;
  return row;
}

gboolean edit_create(Edit *edit, Place *place, const KeyRow *leaf, GError **error) {
  /* Places resolved before may lack what is made now. */
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

static gboolean charge_key(Edit *edit, const KeyRow *row, gint64 delta, GError **error) {
  GRefString *path = store_get_path(edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  gboolean done = edit_charge(edit, path, delta, error);
  g_ref_string_release(path);
  return done;
}

gboolean edit_update(Edit *edit, const KeyRow *row, gint64 cost_before, GError **error) {
  gint64 cost = 0;
  return edit_get_cost(edit, row, &cost, error) &&
         charge_key(edit, row, cost - cost_before, error) &&
         store_update_key(edit->store, row, error);
}

gboolean edit_point_link(Edit *edit, KeyRow *row, gint64 acl, const char *target, GError **error) {
  if (!edit_pass_link(edit, row->id, error))
    return FALSE;
  g_autofree char *old_target = g_steal_pointer(&row->link);
  if (row->revision == edit->revision)
    edit->has_revisited = TRUE;
  row->link = g_strdup(target);
  /* A trial is undone by regd, which makes nobody's link an administrator's. */
  row->link_by_administrator =
      edit->undone != 0 ? row->link_by_administrator : edit->who->administrator;
  row->revision = edit->revision;
  row->last_write = edit->now;
  return charge_key(edit, row, get_length(target) - get_length(old_target), error) &&
         store_update_key(edit->store, row, error) &&
         add_link_difference(edit, row, acl, old_target, error);
}

/* ---- deleting ---- */

static gboolean add_link_deleted(Edit *edit, const KeyRow *row, gint64 acl, GError **error) {
  Difference *difference = edit_add(
      edit, &(EditChange){CHANGE_VALUE_DELETED, row->id, LINK_VALUE_NAME, acl, acl}, error);
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
  Difference *difference =
      edit_add(edit, &(EditChange){CHANGE_KEY_DELETED, row->id, NULL, acl, 0}, error);
  if (difference == NULL)
    return FALSE;
  difference->old_state = history_encode_key(row, own);
  difference->reroutes = row->link != NULL;
  edit->has_deleted = TRUE;
  if (row->revision == edit->revision)
    edit->has_revisited = TRUE;
  edit->result->keys_deleted++;
  gint64 cost = 0;
  return edit_get_cost(edit, row, &cost, error) && edit_charge(edit, path, -cost, error) &&
         store_bury_key(edit->store, row->id, edit->revision, error) &&
         touch_children(edit, row->parent, error);
}

/* @outer: the list that decides at the key above. */
static gboolean delete_branch(Edit *edit, const KeyRow *row, gint64 above, gint64 outer,
                              GError **error);

static gboolean delete_children(Edit *edit, const KeyRow *row, gint64 acl, GError **error) {
  if (row->link != NULL)
    return TRUE;
  g_autoptr(GPtrArray) children = store_list_children(edit->store, row->id, NULL, error);
  if (children == NULL)
    return FALSE;
  for (guint i = 0; i < children->len; i++)
    if (!delete_branch(edit, g_ptr_array_index(children, i), acl, acl, error))
      return FALSE;
  return TRUE;
}

/* What is declared stays, and must not be opened by deleting what it was closed by. Where the list
 * is that of the key above, closing that one's branch closes this one. */
static gboolean close_declared(Edit *edit, const KeyAt *at, gint64 outer, GError **error) {
  return at->acl == outer || edit->is_moving ||
         declared_close(edit->store, at->path, at->acl, error);
}

static gboolean delete_branch(Edit *edit, const KeyRow *row, gint64 above, gint64 outer,
                              GError **error) {
  gint64 acl = edit_deciding(row, above);
  GRefString *path = store_get_path(edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  const KeyAt at = {row->id, acl, path};
  gboolean done = edit_require(edit, acl, path, ACCESS_WRITE, error) &&
                  edit_pass_branch(edit, &at, error) && delete_children(edit, row, acl, error) &&
                  edit_delete_values(edit, &at, error) && bury(edit, row, acl, path, error) &&
                  close_declared(edit, &at, outer, error);
  g_ref_string_release(path);
  return done;
}

gboolean edit_delete_tree(Edit *edit, const KeyRow *row, gint64 above, GError **error) {
  gint64 outer = 0;
  return edit_find_above(edit, row, &outer, error) && delete_branch(edit, row, above, outer, error);
}

/* ---- the access list ---- */

gboolean edit_set_list(Edit *edit, KeyRow *row, gint64 above, gint64 id, GError **error) {
  Acl *old = NULL;
  if (!edit_pass_key(edit, row->id, error) || !store_load_acl(edit->store, row->acl, &old, error))
    return FALSE;
  if (row->revision == edit->revision)
    edit->has_revisited = TRUE;
  Difference *difference = edit_add(edit,
                                    &(EditChange){CHANGE_ACL_CHANGED, row->id, NULL,
                                                  edit_deciding(row, above), id != 0 ? id : above},
                                    error);
  if (difference == NULL)
    return FALSE;
  gint64 cost = 0;
  if (!edit_get_cost(edit, row, &cost, error))
    return FALSE;
  difference->old_state = history_encode_acl(old);
  row->acl = id;
  row->revision = edit->revision;
  row->last_write = edit->now;
  return edit_update(edit, row, cost, error);
}
