/* SPDX-License-Identifier: MIT */
/* See op-declare.h. */
#include "regd/write/op-declare.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/declare/declared-sight.h"
#include "regd/edit/edit-keys.h"
#include "regd/edit/edit-values.h"
#include "regd/tree/place.h"
#include "regd/write/operations.h"

/* What this change declares of one thing. Names and values are borrowed from its operations. */
typedef struct {
  GRefString *key;  /* the path */
  GRefString *fold; /* the same, folded */
  gint64 acl;       /* the list that decides there */
  const char *name; /* of a value; NULL: the key itself */
  RegistryValue *value;
  RegistryValue *before; /* of a value, before the change; NULL: it was not there */
  gboolean is_own;       /* the owner has declared it before */
  gboolean is_met;       /* and just so, in this life of the key */
  gint64 own_cost;       /* what that costs */
} Entry;

/* So many things are looked up one by one; of more, all of each key are read. */
#define FEW 16U

struct Declarer {
  const Change *change;
  GHashTable *entries;  /* thing (declared.h) -> Entry */
  GHashTable *left;     /* thing: a value that was there and stays, see is_left() */
  GHashTable *paths;    /* GRefString, folded: the keys that entries are of */
  GRefString *last_key; /* of the operation that declared a key last */
  char *last_thing;     /* which is that; NULL: it was declared before */
  GRefString *path;     /* of the entry that was added last */
  GRefString *fold;
  guint32 written; /* values set and deleted before the operation */
  gint64 matched;  /* entries that are the owner's own */
};

static void entry_free(gpointer data) {
  Entry *entry = data;
  g_ref_string_release(entry->key);
  g_ref_string_release(entry->fold);
  registry_value_unref(entry->value);
  registry_value_unref(entry->before);
  g_free(entry);
}

static void release_string(gpointer string) {
  g_ref_string_release(string);
}

Declarer *declarer_new(const Change *change) {
  if (change->owner == NULL)
    return NULL;
  Declarer *declarer = g_new0(Declarer, 1);
  declarer->change = change;
  declarer->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
  declarer->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  declarer->paths = g_hash_table_new_full(g_str_hash, g_str_equal, release_string, NULL);
  return declarer;
}

void declarer_free(Declarer *declarer) {
  if (declarer == NULL)
    return;
  g_hash_table_unref(declarer->entries);
  g_hash_table_unref(declarer->left);
  g_hash_table_unref(declarer->paths);
  g_clear_pointer(&declarer->last_key, g_ref_string_release);
  g_clear_pointer(&declarer->path, g_ref_string_release);
  g_clear_pointer(&declarer->fold, g_ref_string_release);
  g_free(declarer->last_thing);
  g_free(declarer);
}

/* Entries of one key usually follow each other. */
static void enter_path(Declarer *declarer, const char *path) {
  if (declarer->path != NULL && g_str_equal(declarer->path, path))
    return;
  g_autofree char *fold = path_fold(path);
  g_clear_pointer(&declarer->path, g_ref_string_release);
  g_clear_pointer(&declarer->fold, g_ref_string_release);
  declarer->path = g_ref_string_new(path);
  declarer->fold = g_ref_string_new(fold);
  g_hash_table_add(declarer->paths, g_ref_string_acquire(declarer->fold));
}

static char *make_thing_of(const Declared *declared) {
  g_autofree char *path = path_fold(declared->key);
  return declared_make_thing(path, declared->name);
}

/* ---- noting ---- */

static guint32 count_written(const Edit *edit) {
  return edit->result->values_set + edit->result->values_deleted;
}

void edit_begin_declaring(Edit *edit) {
  if (edit->declarer != NULL)
    edit->declarer->written = count_written(edit);
}

/* What the value was before the operation; borrowed. If it wrote one, the newest difference tells;
 * else the value is what the operation says. */
static const RegistryValue *find_before(const Edit *edit, const Operation *operation,
                                        const char *thing) {
  const Declarer *declarer = edit->declarer;
  const RegistryValue *gone = g_hash_table_lookup(edit->gone, thing);
  if (gone != NULL)
    return gone;
  if (count_written(edit) == declarer->written)
    return operation->value;
  const Difference *last = g_ptr_array_index(edit->differences, edit->differences->len - 1);
  return last->old_value;
}

static Entry *new_entry(Declarer *declarer, const Place *place, const char *name) {
  Entry *entry = g_new0(Entry, 1);
  enter_path(declarer, place->path);
  entry->key = g_ref_string_acquire(declarer->path);
  entry->fold = g_ref_string_acquire(declarer->fold);
  entry->acl = place->acl_id;
  entry->name = name;
  return entry;
}

static void declare_value(Edit *edit, const Operation *operation, const Place *place) {
  Declarer *declarer = edit->declarer;
  Entry *entry = new_entry(declarer, place, operation->name);
  char *thing = declared_make_thing(entry->fold, operation->name);
  const Entry *earlier = g_hash_table_lookup(declarer->entries, thing);
  const RegistryValue *before =
      earlier != NULL ? earlier->before : find_before(edit, operation, thing);
  entry->before = before != NULL ? registry_value_ref(before) : NULL;
  entry->value = operation->value != NULL ? registry_value_ref(operation->value) : NULL;
  g_hash_table_replace(declarer->entries, thing, entry);
}

/* Takes @thing; NULL: it was declared before this operation. */
static void note_key(Declarer *declarer, const Operation *operation, char *thing) {
  g_clear_pointer(&declarer->last_key, g_ref_string_release);
  g_free(declarer->last_thing);
  declarer->last_key = g_ref_string_acquire(operation->key);
  declarer->last_thing = thing;
}

static void declare_key(Edit *edit, const Operation *operation, const Place *place) {
  Declarer *declarer = edit->declarer;
  Entry *entry = new_entry(declarer, place, NULL);
  g_autofree char *thing = declared_make_thing(entry->fold, NULL);
  /* The key line of a file is followed by the line that makes it a link: where a link led before
   * is not declared by it. */
  if (operation->kind == OPERATION_CREATE_LINK && declarer->last_key == operation->key &&
      declarer->last_thing != NULL)
    g_hash_table_remove(declarer->entries, declarer->last_thing);
  if (place_exists(place) && place->key->link != NULL)
    entry->value = registry_value_new_string(REGISTRY_LINK, place->key->link, NULL);
  gboolean is_new = g_hash_table_replace(declarer->entries, g_strdup(thing), entry);
  note_key(declarer, operation, is_new ? g_strdup(thing) : NULL);
}

/* An existing value that must stay is not declared, but if its owner has declared it before, it
 * stays so. A key is declared, whoever made it. */
static gboolean is_left(const Edit *edit, const Operation *operation) {
  return operation->kind != OPERATION_CREATE_KEY && operation->kind != OPERATION_CREATE_LINK &&
         (operation->flags & OPERATION_ONLY_MISSING) != 0 &&
         count_written(edit) == edit->declarer->written;
}

static void leave_value(Declarer *declarer, const Operation *operation, const Place *place) {
  enter_path(declarer, place->path);
  g_hash_table_add(declarer->left, declared_make_thing(declarer->fold, operation->name));
}

gboolean edit_declare(Edit *edit, const Operation *operation, GError **error) {
  gboolean of_value =
      operation->kind == OPERATION_SET_VALUE || operation->kind == OPERATION_DELETE_VALUE;
  gboolean of_link = operation->kind == OPERATION_CREATE_LINK;
  gboolean no_follow = of_link || (operation->flags & OPERATION_NO_FOLLOW) != 0;
  if (edit->declarer == NULL || (!of_value && !of_link && operation->kind != OPERATION_CREATE_KEY))
    return TRUE;
  g_autoptr(Place) own =
      no_follow ? resolve(edit->store, edit->who, operation->key, RESOLVE_NO_FOLLOW, error) : NULL;
  const Place *place = no_follow ? own : edit_resolve(edit, operation->key, error);
  if (place == NULL)
    return FALSE;
  if (is_left(edit, operation)) {
    leave_value(edit->declarer, operation, place);
    return TRUE;
  }
  /* A key that is there can be made by those who may only read it. */
  if (!place_require(place, edit->who, ACCESS_WRITE, error))
    return FALSE;
  (of_value ? declare_value : declare_key)(edit, operation, place);
  return TRUE;
}

/* ---- writing what was noted ---- */

static gboolean charge(Edit *edit, const Declared *declared, gint64 sign, GError **error) {
  return edit_charge(edit, declared->key, sign * declared_get_cost(declared), error);
}

static gboolean put(Edit *edit, gint64 old_cost, const Declared *new, GError **error) {
  edit->writes_anyway = TRUE;
  return edit_charge(edit, new->key, declared_get_cost(new) - old_cost, error) &&
         declared_store(edit->store, new, error);
}

static gboolean drop(Edit *edit, const Declared *old, GError **error) {
  edit->writes_anyway = TRUE;
  return charge(edit, old, -1, error) && declared_remove(edit->store, old, error);
}

static gboolean refuse_other(const char *key, const char *name, const char *owner, GError **error) {
  return error_set(error, REGISTRY_ERROR_CONFLICT,
                   "%s%s%s: the owner \"%s\" declares it otherwise: both must declare it alike, or "
                   "one of them not at all (regctl disown)",
                   key, name != NULL ? ": " : "",
                   name == NULL    ? ""
                   : *name != '\0' ? name
                                   : "(default)",
                   owner);
}

/* Says the same whatever is declared. */
static gboolean refuse_blind(const char *key, const char *name, const char *owner, GError **error) {
  return error_set(error, REGISTRY_ERROR_CONFLICT,
                   "%s: %s: the owner \"%s\" declares it, and what it holds is secret to you: only "
                   "those who may read it may declare it too",
                   key, *name != '\0' ? name : "(default)", owner);
}

static Declared get_declared(const Declarer *declarer, const Entry *entry) {
  return (Declared){.key = entry->key,
                    .name = (char *)(guintptr)entry->name,
                    .owner = declarer->change->owner,
                    .value = entry->value};
}

/* A value, and the list that decides at its key now. */
typedef struct {
  const char *key, *name;
  gint64 acl;
} Here;

/* Whether the caller may be told what is declared of it; @closed: of the declaration. A guess must
 * not be told from it. */
static gboolean find_told(Edit *edit, const Here *here, gint64 closed, gboolean *told,
                          GError **error) {
  Acl *today = NULL;
  *told = edit->who->administrator;
  if (*told)
    return TRUE;
  if (!store_load_acl(edit->store, here->acl, &today, error))
    return FALSE;
  const PastThing thing = {
      .schemas = edit->schemas, .today = today, .path = here->key, .name = here->name};
  return declared_is_shown(edit->store, edit->who, &thing, closed, told, error);
}

/* What has been declared of a thing that this change declares. */
static gboolean check_row(const DeclaredRow *row, gpointer data, GError **error) {
  Edit *edit = data;
  Declarer *declarer = edit->declarer;
  Entry *entry = g_hash_table_lookup(declarer->entries, row->thing);
  if (entry == NULL)
    return TRUE;
  const Here here = {entry->key, entry->name, entry->acl};
  gboolean is_met = declared_row_is(row, entry->value);
  gboolean told = TRUE;
  if (entry->name != NULL && !find_told(edit, &here, row->closed, &told, error))
    return FALSE;
  if (!g_str_equal(row->owner, declarer->change->owner)) {
    if (!told)
      return refuse_blind(entry->key, entry->name, row->owner, error);
    return is_met || refuse_other(entry->key, entry->name, row->owner, error);
  }
  entry->is_own = TRUE;
  entry->is_met = is_met && row->closed == 0;
  entry->own_cost = row->cost;
  declarer->matched++;
  if (entry->name != NULL && told && !declared_row_is(row, entry->before))
    edit->result->values_drifted++;
  return TRUE;
}

static gboolean check_entries(Edit *edit, GError **error) {
  Declarer *declarer = edit->declarer;
  gboolean few = g_hash_table_size(declarer->entries) <= FEW;
  GHashTableIter iter;
  gpointer place = NULL;
  g_hash_table_iter_init(&iter, few ? declarer->entries : declarer->paths);
  while (g_hash_table_iter_next(&iter, &place, NULL))
    if (!(few ? declared_visit_thing : declared_visit_key)(edit->store, place, check_row, edit,
                                                           error))
      return FALSE;
  return TRUE;
}

static gboolean lock_entry(Edit *edit, const Entry *entry, GError **error) {
  const char *reason = edit->declarer->change->lock_reason;
  if (reason == NULL || entry->name == NULL)
    return TRUE;
  const Lock *old = lock_set_get(edit->locks, entry->key, entry->name);
  if (old != NULL && g_str_equal(old->reason, reason))
    return TRUE;
  g_autoptr(Place) place = resolve(edit->store, edit->who, entry->key, RESOLVE_NO_FOLLOW, error);
  return place != NULL && place_require(place, edit->who, ACCESS_CONTROL, error) &&
         edit_lock(edit, place, entry->name, reason, error);
}

static gboolean write_entry(Edit *edit, const Entry *entry, GError **error) {
  const Declared new = get_declared(edit->declarer, entry);
  return (entry->is_met || put(edit, entry->own_cost, &new, error)) &&
         lock_entry(edit, entry, error);
}

/* ---- pruning ---- */

/* Nothing of the keys is told: the caller may not know of them. */
static gboolean refuse_owner(const char *owner, GError **error) {
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "the owner \"%s\" has declared what you may not write: its declarations are "
                   "taken back by those who may write all of it",
                   owner);
}

/* The place that was declared. A link that stands in the way now leads to another, or nowhere:
 * the rights are those of the key that holds it. */
static Place *find_place(Edit *edit, const Declared *old, gboolean *is_there, GError **error) {
  g_autoptr(Place) place = resolve(edit->store, edit->who, old->key, RESOLVE_CANONICAL, error);
  if (place == NULL)
    return NULL;
  if (place_get_level(place, edit->who) < ACCESS_WRITE) {
    refuse_owner(old->owner, error);
    return NULL;
  }
  *is_there = place_exists(place);
  return g_steal_pointer(&place);
}

/* Whether an owner other than @old's declares the same thing. */
static gboolean has_others(Edit *edit, const Declared *old, gboolean *others, GError **error) {
  g_autofree char *path = path_fold(old->key);
  g_autofree char *fold = old->name != NULL ? path_fold(old->name) : NULL;
  g_autoptr(GPtrArray) rows = declared_list_thing(edit->store, path, fold, error);
  *others = FALSE;
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    *others |= !g_str_equal(((const Declared *)rows->pdata[i])->owner, old->owner);
  return rows != NULL;
}

static gboolean prune_value(Edit *edit, const Declared *old, const Place *place, GError **error) {
  g_autofree char *fold = path_fold(old->name);
  g_autoptr(ValueRow) row = NULL;
  if (place->key->link != NULL)
    return TRUE;
  if (!store_find_value(edit->store, place->key->id, fold, &row, error))
    return FALSE;
  if (row == NULL)
    return TRUE;
  const KeyAt at = {place->key->id, place->acl_id, place->path};
  const Here here = {place->path, old->name, place->acl_id};
  gboolean told = FALSE;
  if (!find_told(edit, &here, old->closed, &told, error))
    return FALSE;
  if (told && !declared_is_met(old, row->value))
    edit->result->values_drifted++;
  if (!edit_delete_row(edit, &at, row, error) || !edit_touch(edit, place->key->id, error))
    return FALSE;
  edit->result->values_deleted--;
  edit->result->values_pruned++;
  return TRUE;
}

static gboolean is_empty(Edit *edit, const KeyRow *row, const Declared *old, gboolean *empty,
                         GError **error) {
  gboolean has_children = FALSE;
  guint32 values = 0;
  *empty = (row->link != NULL) == (old->value != NULL) && row->parent != 0;
  if (!*empty || row->link != NULL)
    return TRUE;
  if (!store_has_children(edit->store, row->id, &has_children, error) ||
      !store_count_values(edit->store, row->id, &values, error))
    return FALSE;
  *empty = !has_children && values == 0;
  return TRUE;
}

static gboolean prune_key(Edit *edit, const Declared *old, const Place *place, GError **error) {
  gboolean empty = FALSE;
  if (!is_empty(edit, place->key, old, &empty, error))
    return FALSE;
  if (!empty)
    return TRUE;
  edit_forget_place(edit);
  if (!edit_delete_tree(edit, place->key, place->acl_id, error))
    return FALSE;
  edit->result->keys_deleted--;
  edit->result->keys_pruned++;
  return TRUE;
}

static gboolean prune_one(Edit *edit, const Declared *old, GError **error) {
  gboolean others = FALSE;
  gboolean is_there = FALSE;
  g_autoptr(Place) place = find_place(edit, old, &is_there, error);
  if (place == NULL || !has_others(edit, old, &others, error))
    return FALSE;
  if (!is_there || others || (old->name != NULL && old->value == NULL))
    return TRUE;
  return (old->name != NULL ? prune_value : prune_key)(edit, old, place, error);
}

/* What the owner has declared and this change does not declare again. */
static GPtrArray *list_stale(Edit *edit, GError **error) {
  const Declarer *declarer = edit->declarer;
  g_autoptr(GPtrArray) rows = declared_list_owner(edit->store, declarer->change->owner, error);
  g_autoptr(GPtrArray) stale = g_ptr_array_new_with_free_func((GDestroyNotify)declared_free);
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    g_autofree char *thing = make_thing_of(rows->pdata[i]);
    if (!g_hash_table_contains(declarer->entries, thing) &&
        !g_hash_table_contains(declarer->left, thing))
      g_ptr_array_add(stale, g_steal_pointer(&rows->pdata[i]));
  }
  return rows != NULL ? g_steal_pointer(&stale) : NULL;
}

/* From the last to the first, so that what is in a key goes before the key. Rows go when all is
 * done: until then they let the owner pass locks. */
static gboolean prune(Edit *edit, GError **error) {
  g_autoptr(GPtrArray) stale = list_stale(edit, error);
  if (stale == NULL)
    return FALSE;
  edit->is_pruning = TRUE;
  for (guint i = stale->len; i > 0; i--) {
    const Declared *old = stale->pdata[i - 1];
    if (old->name != NULL && !prune_one(edit, old, error))
      return FALSE;
  }
  for (guint i = stale->len; i > 0; i--) {
    const Declared *old = stale->pdata[i - 1];
    if (old->name == NULL && !prune_one(edit, old, error))
      return FALSE;
  }
  edit->is_pruning = FALSE;
  for (guint i = 0; i < stale->len; i++)
    if (!drop(edit, stale->pdata[i], error))
      return FALSE;
  return TRUE;
}

/* If all that the owner has declared is declared again, nothing is looked at. */
static gboolean prune_if_needed(Edit *edit, GError **error) {
  const Change *change = edit->declarer->change;
  gint64 count = 0;
  if (!change->prune)
    return TRUE;
  return declared_count(edit->store, change->owner, &count, error) &&
         (count == edit->declarer->matched || prune(edit, error));
}

gboolean edit_settle_declared(Edit *edit, GError **error) {
  GHashTableIter iter;
  gpointer entry = NULL;
  if (edit->declarer == NULL)
    return TRUE;
  if (!check_entries(edit, error) || !prune_if_needed(edit, error))
    return FALSE;
  g_hash_table_iter_init(&iter, edit->declarer->entries);
  while (g_hash_table_iter_next(&iter, NULL, &entry))
    if (!write_entry(edit, entry, error))
      return FALSE;
  return TRUE;
}

gboolean apply_disown(Edit *edit, const Operation *operation, GError **error) {
  g_autoptr(GPtrArray) rows = declared_list_owner(edit->store, operation->target, error);
  gboolean is_there = FALSE;
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    g_autoptr(Place) place = find_place(edit, rows->pdata[i], &is_there, error);
    if (place == NULL || !drop(edit, rows->pdata[i], error))
      return FALSE;
  }
  return rows != NULL;
}

/* ---- others ---- */

/* The path with its first components replaced by @new_path, which has as many as the old one. */
static char *move_path(const char *path, const char *new_path) {
  const char *rest = path;
  for (const char *at = new_path; *at != '\0'; at++)
    if (*at == '\\')
      rest = strchr(rest, '\\') + 1;
  rest = strchr(rest, '\\');
  return g_strconcat(new_path, rest, NULL);
}

/* @new is carried to where @row is declared by another. */
static gboolean check_other(Edit *edit, const Declared *row, const Declared *new, GError **error) {
  g_autoptr(Place) place = resolve(edit->store, edit->who, new->key, RESOLVE_NO_FOLLOW, error);
  gboolean told = TRUE;
  if (place == NULL)
    return FALSE;
  const Here here = {new->key, new->name, place->acl_id};
  if (new->name != NULL && !find_told(edit, &here, row->closed, &told, error))
    return FALSE;
  if (!told)
    return refuse_blind(new->key, new->name, row->owner, error);
  return declared_is_met(row, new->value) || refuse_other(new->key, new->name, row->owner, error);
}

static gboolean carry(Edit *edit, const Declared *old, const char *new_path, GError **error) {
  g_autofree char *key = move_path(old->key, new_path);
  g_autofree char *path = path_fold(key);
  g_autofree char *fold = old->name != NULL ? path_fold(old->name) : NULL;
  Declared new = *old;
  new.key = key;
  g_autoptr(GPtrArray) there = declared_list_thing(edit->store, path, fold, error);
  const Declared *replaced = NULL;
  if (there == NULL)
    return FALSE;
  for (guint i = 0; i < there->len; i++) {
    const Declared *row = g_ptr_array_index(there, i);
    if (g_str_equal(row->owner, old->owner))
      replaced = row;
    else if (!check_other(edit, row, &new, error))
      return FALSE;
  }
  gint64 cost = replaced != NULL ? declared_get_cost(replaced) : 0;
  return put(edit, cost, &new, error);
}

static void carry_entries(Declarer *declarer, const char *old_path, const char *new_path) {
  g_autoptr(GPtrArray) moved = g_ptr_array_new();
  GHashTableIter iter;
  gpointer thing = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, declarer->entries);
  while (g_hash_table_iter_next(&iter, &thing, &value)) {
    Entry *entry = value;
    if (!path_is_at_or_below(entry->key, old_path))
      continue;
    g_hash_table_iter_steal(&iter);
    g_free(thing);
    g_ptr_array_add(moved, entry);
  }
  for (guint i = 0; i < moved->len; i++) {
    Entry *entry = g_ptr_array_index(moved, i);
    g_autofree char *key = move_path(entry->key, new_path);
    enter_path(declarer, key);
    g_ref_string_release(entry->key);
    g_ref_string_release(entry->fold);
    entry->key = g_ref_string_acquire(declarer->path);
    entry->fold = g_ref_string_acquire(declarer->fold);
    g_hash_table_replace(declarer->entries, declared_make_thing(entry->fold, entry->name), entry);
  }
}

gboolean edit_carry_declared(Edit *edit, const char *old_path, const char *new_path,
                             GError **error) {
  g_autoptr(GPtrArray) rows = declared_list_branch(edit->store, old_path, error);
  if (rows == NULL)
    return FALSE;
  if (edit->declarer != NULL)
    carry_entries(edit->declarer, old_path, new_path);
  for (guint i = 0; i < rows->len; i++)
    if (!drop(edit, rows->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < rows->len; i++)
    if (!carry(edit, rows->pdata[i], new_path, error))
      return FALSE;
  return TRUE;
}
