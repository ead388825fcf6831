/* SPDX-License-Identifier: MIT */
/* See place.h. */
#include "regd/tree/place.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/text.h"

/* Where the roots lead that are links, below HKEY_LOCAL_MACHINE. */
static const char *const classes_root[] = {"SOFTWARE", "Classes", NULL};
static const char *const current_config[] = {"SYSTEM", "CurrentControlSet", "Hardware Profiles",
                                             "Current", NULL};

/* The current walk: the components still to come, the last one first. */
typedef struct {
  Store *store;
  const Identity *who;
  const char *asked;
  GPtrArray *ahead;
  GPtrArray *folds; /* folded names of the way from the root to `place->key` */
  GString *way;     /* their names as stored: `place->path` at the end */
  Place *place;
  guint links;
} Walk;

static void place_clear(gpointer data) {
  Place *place = data;
  key_row_free(place->key);
  g_ptr_array_unref(place->missing);
  g_free(place->path);
  g_free(place->asked);
  g_clear_pointer(&place->gates, g_ptr_array_unref);
}

static Place *place_new(const char *asked) {
  Place *place = g_rc_box_new0(Place);
  place->asked = g_strdup(asked);
  place->missing = g_ptr_array_new_with_free_func(g_free);
  return place;
}

Place *place_ref(Place *place) {
  return g_rc_box_acquire(place);
}

void place_free(Place *place) {
  if (place != NULL)
    g_rc_box_release_full(place, place_clear);
}

gboolean place_exists(const Place *place) {
  return place->missing->len == 0;
}

gboolean resolve_is_uid(const char *name, guint32 *uid) {
  guint64 number = 0;
  if (!g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, &number, NULL))
    return FALSE;
  if (name[0] == '0' && name[1] != '\0')
    return FALSE; /* 007 is a valid name, but no spelling of a uid */
  *uid = (guint32)number;
  return TRUE;
}

gboolean resolve_get_branch(const char *path, guint32 *uid) {
  const char *prefix = "HKEY_USERS\\";
  if (!g_str_has_prefix(path, prefix))
    return FALSE;
  const char *name = path + strlen(prefix);
  g_autofree char *first = g_strndup(name, strcspn(name, "\\"));
  return resolve_is_uid(first, uid);
}

gboolean access_refuse(const char *path, AccessLevel level, GError **error) {
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "%s: you need the right \"%s\" there", path,
                   access_level_get_name(level));
}

/* A link that was followed, or kept from it. */
typedef struct {
  Acl *acl; /* NULL: no list */
  char *path;
} Gate;

static void gate_free(gpointer data) {
  Gate *gate = data;
  acl_unref(gate->acl);
  g_free(gate->path);
  g_free(gate);
}

static gboolean is_open(const Gate *gate, const Identity *who) {
  return acl_get_level(gate->acl, gate->path, who) >= ACCESS_READ;
}

/* Where a link leads is told only to those who may read it. */
static gboolean gates_are_open(const Place *place, const Identity *who) {
  for (guint i = 0; place->gates != NULL && i < place->gates->len; i++)
    if (!is_open(g_ptr_array_index(place->gates, i), who))
      return FALSE;
  return TRUE;
}

AccessLevel place_get_level(const Place *place, const Identity *who) {
  return gates_are_open(place, who) ? acl_get_level(place->acl, place->path, who) : ACCESS_NONE;
}

AccessLevel place_get_secret_level(const Place *place, const Identity *who) {
  return gates_are_open(place, who) ? acl_get_secret_level(place->acl, place->path, who)
                                    : ACCESS_NONE;
}

gboolean place_require(const Place *place, const Identity *who, AccessLevel level, GError **error) {
  return place_get_level(place, who) >= level || access_refuse(place->asked, level, error);
}

gboolean place_require_key(const Place *place, const Identity *who, AccessLevel level,
                           GError **error) {
  /* Only callers that may read around a key are told if it is there. */
  if (place_exists(place) || place_get_level(place, who) < ACCESS_READ)
    return place_require(place, who, level, error);
  return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND, "%s: there is no such key", place->path);
}

gboolean place_require_to_make(const Place *place, const Identity *who, GError **error) {
  gboolean is_known = place_exists(place) && place_get_level(place, who) >= ACCESS_READ;
  return is_known || place_require(place, who, ACCESS_WRITE, error);
}

gboolean place_find_row(Store *store, const Place *place, gint64 *id, GError **error) {
  *id = place->key->id;
  for (guint i = 0; i < place->missing->len && *id != 0; i++) {
    g_autofree char *fold = path_fold(g_ptr_array_index(place->missing, i));
    g_autoptr(KeyRow) dead = NULL;
    if (!store_find_dead_child(store, *id, fold, &dead, error))
      return FALSE;
    *id = dead != NULL ? dead->id : 0;
  }
  return TRUE;
}

gboolean place_require_row(Store *store, const Place *place, gint64 *id, GError **error) {
  if (!place_find_row(store, place, id, error))
    return FALSE;
  return *id != 0 || place_refuse_unknown(place, error);
}

gboolean place_refuse_unknown(const Place *place, GError **error) {
  return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND,
                   "%s: there is no such key, nor was there one that history knows of",
                   place->path);
}

static gboolean name_key(gboolean good, const char *key, GError **error) {
  g_autofree char *shown = good ? NULL : text_for_message(key, -1);
  if (!good)
    g_prefix_error(error, "%s: ", shown);
  return good;
}

gboolean resolve_check_key_name(const char *key, const char *name, GError **error) {
  return name_key(path_check_key_name(name, error), key, error);
}

gboolean resolve_check_value_name(const char *key, const char *name, GError **error) {
  return name_key(path_check_value_name(name, error), key, error);
}

/* ---- the walk ---- */

static void take_list(Walk *walk) {
  Place *place = walk->place;
  if (place->key->acl == 0)
    return;
  place->acl_id = place->key->acl;
  place->acl_origin = place->key->id;
}

static gboolean go_to_root(Walk *walk, gint64 root, GError **error) {
  Place *place = walk->place;
  g_clear_pointer(&place->key, key_row_free);
  g_ptr_array_set_size(walk->folds, 0);
  place->acl_id = 0;
  place->acl_origin = root;
  if (!store_get_key(walk->store, root, &place->key, error))
    return FALSE;
  g_string_assign(walk->way, place->key->name);
  take_list(walk);
  return TRUE;
}

/* Puts @names before what is still to come. */
static void prepend(Walk *walk, const char *const *names) {
  for (guint i = g_strv_length((char **)(guintptr)names); i > 0; i--)
    g_ptr_array_add(walk->ahead, g_strdup(names[i - 1]));
}

static gboolean enter(Walk *walk, const Path *path, GError **error) {
  prepend(walk, (const char *const *)path->components);
  g_autofree char *uid = NULL;
  switch (path->root) {
  case PATH_ROOT_LOCAL_MACHINE:
    return go_to_root(walk, STORE_LOCAL_MACHINE, error);
  case PATH_ROOT_USERS:
    return go_to_root(walk, STORE_USERS, error);
  case PATH_ROOT_CURRENT_USER:
    uid = g_strdup_printf("%u", walk->who->uid);
    prepend(walk, (const char *const[]){uid, NULL});
    return go_to_root(walk, STORE_USERS, error);
  case PATH_ROOT_CLASSES_ROOT:
    prepend(walk, classes_root);
    return go_to_root(walk, STORE_LOCAL_MACHINE, error);
  case PATH_ROOT_CURRENT_CONFIG:
    prepend(walk, current_config);
    return go_to_root(walk, STORE_LOCAL_MACHINE, error);
  case PATH_ROOT_ABOVE:
    break;
  }
  return error_set(error, REGISTRY_ERROR_INVALID_PATH,
                   "the empty path stands above the roots: name a key, for example HKLM\\SOFTWARE");
}

/* The sub-key of HKEY_USERS that @link lies in, or is; NULL elsewhere. */
static const char *get_branch(const Walk *walk, gint64 root, const KeyRow *link) {
  if (root != STORE_USERS)
    return NULL;
  return walk->folds->len > 0 ? g_ptr_array_index(walk->folds, 0) : link->name;
}

/* A link that a user made below their own key may lead only inside that key: otherwise they
 * could lead other readers wherever they want. */
static gboolean check_link(const Walk *walk, gint64 root, const KeyRow *link, const Path *target,
                           GError **error) {
  const char *branch = get_branch(walk, root, link);
  guint32 uid = 0;
  if (branch == NULL || link->link_by_administrator || !resolve_is_uid(branch, &uid))
    return TRUE;

  g_autofree char *own = g_strdup_printf("%u", walk->who->uid);
  const char *leads_to = NULL;
  if (target->root == PATH_ROOT_CURRENT_USER)
    leads_to = own;
  else if (target->root == PATH_ROOT_USERS)
    leads_to = target->components[0];
  if (leads_to != NULL && path_compare_names(leads_to, branch) == 0)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "%s: the link \"%s\" leads out of HKEY_USERS\\%s, where its maker may not lead "
                   "anybody; an administrator can make such a link",
                   walk->asked, link->name, branch);
}

/* Notes the list that decides at @link. *@opens: the caller may read it. */
static gboolean pass_gate(Walk *walk, const KeyRow *link, gboolean *opens, GError **error) {
  Place *place = walk->place;
  Acl *list = NULL;
  if (!store_load_acl(walk->store, link->acl != 0 ? link->acl : place->acl_id, &list, error))
    return FALSE;
  if (place->gates == NULL)
    place->gates = g_ptr_array_new_with_free_func(gate_free);
  Gate *gate = g_new0(Gate, 1);
  gate->acl = list != NULL ? acl_ref(list) : NULL;
  gate->path = g_strconcat(walk->way->str, "\\", link->name, NULL);
  g_ptr_array_add(place->gates, gate);
  *opens = is_open(gate, walk->who);
  return TRUE;
}

static gboolean follow(Walk *walk, gint64 *root, const KeyRow *link, GError **error) {
  if (++walk->links > LIMIT_LINKS)
    return error_set(error, REGISTRY_ERROR_LINK_LOOP,
                     "%s: more than %u links are followed on this path", walk->asked, LIMIT_LINKS);
  g_autoptr(Path) target = path_parse(link->link, error);
  if (target == NULL || !check_link(walk, *root, link, target, error) ||
      !enter(walk, target, error))
    return FALSE;
  *root = walk->place->key->id;
  return TRUE;
}

static void all_missing(Walk *walk) {
  while (walk->ahead->len > 0)
    g_ptr_array_add(walk->place->missing,
                    g_ptr_array_steal_index(walk->ahead, walk->ahead->len - 1));
}

static void append(Walk *walk, const char *name) {
  g_string_append_c(walk->way, '\\');
  g_string_append(walk->way, name);
}

static void step_down(Walk *walk, KeyRow *child, char *fold) {
  key_row_free(walk->place->key);
  walk->place->key = child;
  g_ptr_array_add(walk->folds, fold);
  append(walk, child->name);
  take_list(walk);
}

static gboolean walk_down(Walk *walk, ResolveMode mode, GError **error) {
  gint64 root = walk->place->key->id;
  while (walk->ahead->len > 0) {
    const char *name = g_ptr_array_index(walk->ahead, walk->ahead->len - 1);
    g_autofree char *fold = path_fold(name);
    g_autoptr(KeyRow) child = NULL;
    if (!store_find_child(walk->store, walk->place->key->id, fold, &child, error))
      return FALSE;
    if (child == NULL) {
      all_missing(walk);
      return TRUE;
    }
    gboolean last = walk->ahead->len == 1;
    gboolean follows = child->link != NULL && !(last && mode != RESOLVE_FOLLOW);
    gboolean opens = mode != RESOLVE_CANONICAL;
    if (follows && opens && !pass_gate(walk, child, &opens, error))
      return FALSE;
    if (follows && !opens) {
      all_missing(walk);
      return TRUE;
    }
    g_ptr_array_set_size(walk->ahead, walk->ahead->len - 1);
    if (!follows)
      step_down(walk, g_steal_pointer(&child), g_steal_pointer(&fold));
    else if (!follow(walk, &root, child, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean finish(Walk *walk, GError **error) {
  Place *place = walk->place;
  for (guint i = 0; i < place->missing->len; i++)
    append(walk, g_ptr_array_index(place->missing, i));
  place->path = g_strndup(walk->way->str, walk->way->len);

  place->in_volatile = place->key->is_volatile;
  if (walk->folds->len + place->missing->len + 1 > LIMIT_DEPTH)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "%s: a path has at most %u components",
                     walk->asked, LIMIT_DEPTH);
  return store_load_acl(walk->store, place->acl_id, &place->acl, error);
}

gboolean resolve_is_gone_branch(const KeyRow *row, const Identity *who) {
  guint32 uid = 0;
  return !row->live && row->parent == STORE_USERS && resolve_is_uid(row->name, &uid) &&
         uid == who->uid;
}

Place *resolve(Store *store, const Identity *who, const char *path, ResolveMode mode,
               GError **error) {
  g_autoptr(Path) parsed = path_parse(path, error);
  if (parsed == NULL)
    return NULL;
  g_autoptr(Place) place = place_new(path);
  g_autoptr(GPtrArray) ahead = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) folds = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GString) way = g_string_new(NULL);
  Walk walk = {.store = store,
               .who = who,
               .asked = path,
               .ahead = ahead,
               .folds = folds,
               .way = way,
               .place = place};
  if (!enter(&walk, parsed, error) || !walk_down(&walk, mode, error) || !finish(&walk, error))
    return NULL;
  return g_steal_pointer(&place);
}

/* ---- one step ---- */

/* The walk handles sub-keys of roots, which may be the caller's own branch, and the limit of
 * depth. */
static gboolean takes_walk(const Place *place, const char *name) {
  guint depth = 2;
  for (const char *at = place->path; *at != '\0'; at++)
    depth += *at == '\\';
  return !place_exists(place) || place->key->parent == 0 || depth > LIMIT_DEPTH ||
         !path_check_key_name(name, NULL);
}

gboolean resolve_child(Store *store, const Place *place, const char *asked, Place **child,
                       GError **error) {
  const char *name = path_get_leaf(asked);
  *child = NULL;
  if (takes_walk(place, name))
    return TRUE;
  g_autofree char *fold = path_fold(name);
  g_autoptr(KeyRow) row = NULL;
  if (!store_find_child(store, place->key->id, fold, &row, error))
    return FALSE;
  if (row != NULL && row->link != NULL)
    return TRUE;
  g_autoptr(Place) made = place_new(asked);
  made->gates = place->gates != NULL ? g_ptr_array_ref(place->gates) : NULL;
  gboolean has_list = row != NULL && row->acl != 0;
  made->path = g_strconcat(place->path, "\\", row != NULL ? row->name : name, NULL);
  made->acl_id = has_list ? row->acl : place->acl_id;
  made->acl_origin = has_list ? row->id : place->acl_origin;
  if (row == NULL)
    g_ptr_array_add(made->missing, g_strdup(name));
  made->key = row != NULL ? g_steal_pointer(&row) : key_row_copy(place->key);
  made->in_volatile = made->key->is_volatile;
  if (!store_load_acl(store, made->acl_id, &made->acl, error))
    return FALSE;
  *child = g_steal_pointer(&made);
  return TRUE;
}
