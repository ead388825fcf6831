/* SPDX-License-Identifier: MIT */
/* See watchers.h.
 *
 * A node stands for one watched path (folded), so matching costs what the depth of a changed
 * key costs, however many watches there are: the nodes of the key and of the paths above it
 * are looked up. Only a change of an access list concerns the watches below it, and visits all
 * nodes.
 *
 * A node holds its watches in an array. The first `n_open` of them still take changes of the
 * current commit; a watch that has more changes than a signal holds is swapped behind them, so
 * that a hundred thousand changes do not visit a thousand full watches each. So is one whose
 * user has heard of too many changes by all watches: a thousand watches of one key would make
 * four million entries of a commit.
 *
 * The current commit is collected in each watch that it touches (`heard`), and one signal a
 * watch is emitted at its end, in the order of ids. A watch is told of nothing but the fact if
 * its path has moved (link-changed) or if there is too much (tree-changed). */
#include "regd/base/watchers.h"

#include <string.h>

#include "client/base/path.h"
#include "client/base/protocol.h"

/* A change on the wire besides its text: three lengths, three ends, padding. */
#define CHANGE_OVERHEAD_BYTES 24U

/* A folded path, or its beginning, by which nodes are found. */
typedef struct {
  const char *fold;
  gsize length;
  guint hash;
} NodeKey;

typedef struct {
  NodeKey key;
  char *fold;
  GPtrArray *watches;
  guint n_open;
} WatchNode;

/* What one user's watches hear of a commit, all together. */
typedef struct {
  char *name;       /* of the user; of an administrator's connection */
  guint watches;    /* that count here */
  guint64 revision; /* that @changes are of */
  guint changes;
} Tally;

/* A watch with what only this file knows of it. */
typedef struct {
  Watch watch;
  WatchNode *node;
  Tally *tally;
  guint place; /* in the node */
  gboolean moved, touched, full;
  GArray *heard; /* of WatchChange: what the current commit did */
  gsize heard_bytes;
  const Acl *memo_after; /* the last decision on visibility, and what it was made for */
  guint64 memo_round;
  gboolean memo_visible;
} OwnWatch;

static OwnWatch *own(const Watch *watch) {
  return (OwnWatch *)(guintptr)watch;
}

struct Watchers {
  GHashTable *by_id;    /* of Watch, owned */
  GHashTable *by_owner; /* owner -> GPtrArray of Watch */
  GHashTable *nodes;    /* NodeKey -> WatchNode */
  GHashTable *tallies;  /* name -> Tally */
  guint32 last_id;
  guint64 round;      /* times that something was matched so far */
  guint64 revision;   /* that is matched */
  GPtrArray *touched; /* watches that get a signal for the current commit */
};

/* ---- nodes ---- */

static void node_free(gpointer data) {
  WatchNode *node = data;
  g_ptr_array_unref(node->watches);
  g_free(node->fold);
  g_free(node);
}

static guint key_hash(gconstpointer key) {
  return ((const NodeKey *)key)->hash;
}

static gboolean key_equal(gconstpointer a, gconstpointer b) {
  const NodeKey *first = a;
  const NodeKey *second = b;
  return first->length == second->length && memcmp(first->fold, second->fold, first->length) == 0;
}

/* Makes the key longer by one byte: so the keys of all paths above one cost no more than its
 * own. */
static void key_grow(NodeKey *key) {
  key->hash = key->hash * 33 + (guchar)key->fold[key->length];
  key->length++;
}

static WatchNode *node_get(Watchers *watchers, const char *path) {
  g_autofree char *fold = path_fold(path);
  NodeKey key = {.fold = fold};
  while (fold[key.length] != '\0')
    key_grow(&key);
  WatchNode *node = g_hash_table_lookup(watchers->nodes, &key);
  if (node != NULL)
    return node;
  node = g_new0(WatchNode, 1);
  node->key = key;
  node->fold = g_steal_pointer(&fold);
  node->watches = g_ptr_array_new();
  g_hash_table_insert(watchers->nodes, &node->key, node);
  return node;
}

static void node_set(WatchNode *node, guint place, Watch *watch) {
  node->watches->pdata[place] = watch;
  own(watch)->place = place;
}

static void node_swap(WatchNode *node, guint a, guint b) {
  Watch *first = node->watches->pdata[a];
  Watch *second = node->watches->pdata[b];
  node_set(node, a, second);
  node_set(node, b, first);
}

static void node_attach(Watchers *watchers, Watch *watch) {
  WatchNode *node = node_get(watchers, watch->path);
  own(watch)->node = node;
  own(watch)->place = node->watches->len;
  g_ptr_array_add(node->watches, watch);
  node->n_open = node->watches->len;
}

static void node_detach(Watchers *watchers, Watch *watch) {
  WatchNode *node = own(watch)->node;
  node_swap(node, own(watch)->place, node->watches->len - 1);
  g_ptr_array_set_size(node->watches, (gint)node->watches->len - 1);
  node->n_open = node->watches->len;
  own(watch)->node = NULL;
  if (node->watches->len == 0)
    g_hash_table_remove(watchers->nodes, &node->key);
}

/* ---- tallies ---- */

static void tally_free(gpointer data) {
  Tally *tally = data;
  g_free(tally->name);
  g_free(tally);
}

/* Programs of administrators have nothing to do with each other. */
static void tally_attach(Watchers *watchers, Watch *watch) {
  g_autofree char *name = watch->who->administrator ? g_strdup(watch->owner)
                                                    : g_strdup_printf("user %u", watch->who->uid);
  Tally *tally = g_hash_table_lookup(watchers->tallies, name);
  if (tally == NULL) {
    tally = g_new0(Tally, 1);
    tally->name = g_steal_pointer(&name);
    g_hash_table_insert(watchers->tallies, tally->name, tally);
  }
  tally->watches++;
  own(watch)->tally = tally;
}

static void tally_detach(Watchers *watchers, Watch *watch) {
  Tally *tally = own(watch)->tally;
  if (--tally->watches == 0)
    g_hash_table_remove(watchers->tallies, tally->name);
}

/* Counts one more change. FALSE: it is too many for one commit. */
static gboolean tally_count(Tally *tally, guint64 revision) {
  if (tally->revision != revision)
    tally->changes = 0;
  tally->revision = revision;
  return ++tally->changes <= LIMIT_USER_SIGNAL_CHANGES;
}

/* ---- the set ---- */

static void watch_free(gpointer data) {
  Watch *watch = data;
  g_free(watch->owner);
  identity_unref(watch->who);
  g_free(watch->asked);
  g_free(watch->path);
  g_clear_pointer(&own(watch)->heard, g_array_unref);
  g_free(own(watch));
}

Watchers *watchers_new(void) {
  Watchers *watchers = g_new0(Watchers, 1);
  watchers->by_id = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, watch_free);
  watchers->by_owner =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  watchers->nodes = g_hash_table_new_full(key_hash, key_equal, NULL, node_free);
  watchers->tallies = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, tally_free);
  watchers->touched = g_ptr_array_new();
  return watchers;
}

void watchers_free(Watchers *watchers) {
  if (watchers == NULL)
    return;
  g_ptr_array_unref(watchers->touched);
  g_hash_table_unref(watchers->nodes);
  g_hash_table_unref(watchers->tallies);
  g_hash_table_unref(watchers->by_owner);
  g_hash_table_unref(watchers->by_id);
  g_free(watchers);
}

/* An id is used again only after the counter has wrapped. */
static guint32 next_id(Watchers *watchers) {
  do
    watchers->last_id++;
  while (watchers->last_id == 0 || watchers_find(watchers, watchers->last_id) != NULL);
  return watchers->last_id;
}

static void owner_attach(Watchers *watchers, Watch *watch) {
  GPtrArray *owned = g_hash_table_lookup(watchers->by_owner, watch->owner);
  if (owned == NULL) {
    owned = g_ptr_array_new();
    g_hash_table_insert(watchers->by_owner, g_strdup(watch->owner), owned);
  }
  g_ptr_array_add(owned, watch);
}

static void owner_detach(Watchers *watchers, Watch *watch) {
  GPtrArray *owned = g_hash_table_lookup(watchers->by_owner, watch->owner);
  g_ptr_array_remove_fast(owned, watch);
  if (owned->len == 0)
    g_hash_table_remove(watchers->by_owner, watch->owner);
}

Watch *watchers_add(Watchers *watchers, const char *owner, Identity *who, const char *asked,
                    const char *path, gboolean recursive, guint64 from) {
  OwnWatch *made = g_new0(OwnWatch, 1);
  Watch *watch = &made->watch;
  watch->id = next_id(watchers);
  watch->owner = g_strdup(owner);
  watch->who = identity_ref(who);
  watch->asked = g_strdup(asked);
  watch->path = g_strdup(path);
  watch->recursive = recursive;
  watch->from = from;
  g_hash_table_insert(watchers->by_id, GUINT_TO_POINTER(watch->id), watch);
  owner_attach(watchers, watch);
  tally_attach(watchers, watch);
  node_attach(watchers, watch);
  return watch;
}

Watch *watchers_find(const Watchers *watchers, guint32 id) {
  return g_hash_table_lookup(watchers->by_id, GUINT_TO_POINTER(id));
}

void watchers_remove(Watchers *watchers, Watch *watch) {
  g_ptr_array_remove_fast(watchers->touched, watch);
  owner_detach(watchers, watch);
  tally_detach(watchers, watch);
  node_detach(watchers, watch);
  g_hash_table_remove(watchers->by_id, GUINT_TO_POINTER(watch->id));
}

GPtrArray *watchers_list_owner(const Watchers *watchers, const char *owner) {
  GPtrArray *owned = g_hash_table_lookup(watchers->by_owner, owner);
  return owned != NULL ? g_ptr_array_copy(owned, NULL, NULL) : g_ptr_array_new();
}

GPtrArray *watchers_list(const Watchers *watchers) {
  GPtrArray *all = g_ptr_array_new();
  GHashTableIter iter;
  gpointer watch;
  g_hash_table_iter_init(&iter, watchers->by_id);
  while (g_hash_table_iter_next(&iter, NULL, &watch))
    g_ptr_array_add(all, watch);
  return all;
}

/* ---- what one watch hears ---- */

static void touch(Watchers *watchers, Watch *watch) {
  if (own(watch)->touched)
    return;
  own(watch)->touched = TRUE;
  g_ptr_array_add(watchers->touched, watch);
}

void watchers_move(Watchers *watchers, Watch *watch, const char *path, gboolean astray) {
  gboolean elsewhere = path_compare_names(watch->path, path) != 0;
  watch->astray = astray;
  if (elsewhere)
    node_detach(watchers, watch);
  g_free(watch->path);
  watch->path = g_strdup(path);
  if (!elsewhere)
    return;
  node_attach(watchers, watch);
  watchers_reroute(watchers, watch);
}

void watchers_reroute(Watchers *watchers, Watch *watch) {
  own(watch)->moved = TRUE;
  touch(watchers, watch);
}

/* Neighbouring entries usually have the same lists and share one decision. It is valid within
 * one commit, whose entries keep their lists alive. */
static gboolean is_visible(Watch *watch, const EffectiveEntry *entry, guint64 round) {
  if (watch->who->administrator)
    return TRUE;
  gboolean simple = entry->kind == CHANGE_VALUE_SET || entry->kind == CHANGE_KEY_CREATED;
  if (simple && own(watch)->memo_round == round && own(watch)->memo_after == entry->after)
    return own(watch)->memo_visible;
  gboolean visible = effective_entry_is_visible(entry, watch->who);
  if (simple) {
    own(watch)->memo_round = round;
    own(watch)->memo_after = entry->after;
    own(watch)->memo_visible = visible;
  }
  return visible;
}

/* There is too much for one signal: the watch will get tree-changed. */
static void fill_up(Watch *watch) {
  WatchNode *node = own(watch)->node;
  own(watch)->full = TRUE;
  if (own(watch)->place >= node->n_open)
    return;
  node->n_open--;
  node_swap(node, own(watch)->place, node->n_open);
}

static void hear(Watchers *watchers, Watch *watch, const EffectiveEntry *entry) {
  if (own(watch)->full || own(watch)->moved || !is_visible(watch, entry, watchers->round))
    return;
  touch(watchers, watch);
  if (own(watch)->heard == NULL)
    own(watch)->heard = g_array_new(FALSE, FALSE, sizeof(WatchChange));
  own(watch)->heard_bytes += strlen(entry->key) + strlen(entry->name) + CHANGE_OVERHEAD_BYTES;
  if (own(watch)->heard->len >= LIMIT_SIGNAL_CHANGES ||
      own(watch)->heard_bytes > LIMIT_SIGNAL_BYTES ||
      !tally_count(own(watch)->tally, watchers->revision)) {
    fill_up(watch);
    return;
  }
  WatchChange change = {entry->kind, entry->key, entry->name};
  g_array_append_val(own(watch)->heard, change);
}

/* ---- which watches an entry concerns ---- */

/* Whether the watches below the changed key are told too. */
static gboolean reaches_down(const EffectiveEntry *entry) {
  return entry->kind == CHANGE_ACL_CHANGED;
}

/* From the last, because a watch that fills up changes places with a later one. */
static void hear_at_node(Watchers *watchers, WatchNode *node, const EffectiveEntry *entry,
                         guint below, guint64 revision) {
  for (guint i = node->n_open; i > 0; i--) {
    Watch *watch = node->watches->pdata[i - 1];
    if (watch->from < revision && effective_concerns(entry->kind, below, watch->recursive))
      hear(watchers, watch, entry);
  }
}

/* The nodes at and above a path, nearest first; `below` is the index. Places without a node are
 * NULL. */
static void find_nodes(Watchers *watchers, const char *key, GPtrArray *nodes) {
  g_autofree char *fold = path_fold(key);
  NodeKey at = {.fold = fold};
  g_ptr_array_set_size(nodes, 0);
  for (;;) {
    char next = fold[at.length];
    if (next == '\\' || next == '\0')
      g_ptr_array_add(nodes, g_hash_table_lookup(watchers->nodes, &at));
    if (next == '\0')
      break;
    key_grow(&at);
  }
  for (guint i = 0; i < nodes->len / 2; i++) {
    gpointer last = nodes->pdata[nodes->len - 1 - i];
    nodes->pdata[nodes->len - 1 - i] = nodes->pdata[i];
    nodes->pdata[i] = last;
  }
}

static gboolean is_below(const char *fold, const char *ancestor, gsize length) {
  return strncmp(fold, ancestor, length) == 0 && fold[length] == '\\';
}

static void hear_below(Watchers *watchers, const EffectiveEntry *entry, guint64 revision) {
  g_autofree char *fold = path_fold(entry->key);
  gsize length = strlen(fold);
  GHashTableIter iter;
  gpointer node;
  g_hash_table_iter_init(&iter, watchers->nodes);
  while (g_hash_table_iter_next(&iter, NULL, &node))
    if (is_below(((WatchNode *)node)->fold, fold, length))
      hear_at_node(watchers, node, entry, 0, revision);
}

/* ---- the signals ---- */

static void emit_one(Watch *watch, guint64 revision, const WatchChange *changes, guint n_changes,
                     WatchEmit emit, gpointer data) {
  watch->sequence++;
  emit(watch, revision, changes, n_changes, data);
}

void watchers_tell_all_changed(Watch *watch, guint64 revision, WatchEmit emit, gpointer data) {
  WatchChange all = {CHANGE_TREE_CHANGED, watch->path, ""};
  emit_one(watch, revision, &all, 1, emit, data);
}

gboolean watchers_is_moved(const Watch *watch) {
  return own(watch)->moved;
}

static void tell(Watch *watch, guint64 revision, WatchEmit emit, gpointer data) {
  WatchChange moved = {CHANGE_LINK_CHANGED, watch->path, ""};
  if (watch->behind != NULL)
    emit(watch, revision, NULL, 0, data);
  else if (own(watch)->moved)
    emit_one(watch, revision, &moved, 1, emit, data);
  else if (own(watch)->full)
    watchers_tell_all_changed(watch, revision, emit, data);
  else
    emit_one(watch, revision, (const WatchChange *)(gpointer)own(watch)->heard->data,
             own(watch)->heard->len, emit, data);
}

static void forget(Watch *watch) {
  own(watch)->moved = FALSE;
  own(watch)->touched = FALSE;
  own(watch)->full = FALSE;
  own(watch)->heard_bytes = 0;
  g_clear_pointer(&own(watch)->heard, g_array_unref);
  own(watch)->node->n_open = own(watch)->node->watches->len;
}

static gint compare_ids(gconstpointer a, gconstpointer b) {
  const Watch *first = *(Watch *const *)a;
  const Watch *second = *(Watch *const *)b;
  return first->id < second->id ? -1 : first->id > second->id;
}

static void tell_all(Watchers *watchers, guint64 revision, WatchEmit emit, gpointer data) {
  g_ptr_array_sort(watchers->touched, compare_ids);
  for (guint i = 0; i < watchers->touched->len; i++) {
    Watch *watch = watchers->touched->pdata[i];
    tell(watch, revision, emit, data);
    forget(watch);
  }
  g_ptr_array_set_size(watchers->touched, 0);
}

void watchers_match(Watchers *watchers, const Effective *effective, WatchEmit emit, gpointer data) {
  g_autoptr(GPtrArray) nodes = g_ptr_array_new();
  const char *last_key = NULL;
  watchers->round++;
  watchers->revision = effective->revision;
  for (guint i = 0; i < effective->entries->len; i++) {
    const EffectiveEntry *entry = effective->entries->pdata[i];
    if (entry->key != last_key)
      find_nodes(watchers, entry->key, nodes);
    last_key = entry->key;
    for (guint below = 0; below < nodes->len; below++)
      if (nodes->pdata[below] != NULL)
        hear_at_node(watchers, nodes->pdata[below], entry, below, effective->revision);
    if (reaches_down(entry))
      hear_below(watchers, entry, effective->revision);
  }
  tell_all(watchers, effective->revision, emit, data);
}

/* ---- replaying ---- */

static gboolean entry_reaches(const Watch *watch, const EffectiveEntry *entry) {
  g_autofree char *fold = path_fold(entry->key);
  return effective_reaches(entry->kind, fold, own(watch)->node->fold, watch->recursive);
}

void watchers_match_one(Watchers *watchers, Watch *watch, const Effective *effective,
                        WatchEmit emit, gpointer data) {
  watchers->round++;
  watchers->revision = effective->revision;
  if (effective->too_many) {
    touch(watchers, watch);
    fill_up(watch);
  }
  for (guint i = 0; i < effective->entries->len && !own(watch)->moved && !own(watch)->full; i++) {
    const EffectiveEntry *entry = effective->entries->pdata[i];
    if (entry_reaches(watch, entry))
      hear(watchers, watch, entry);
  }
  if (!own(watch)->touched)
    return;
  g_ptr_array_remove_fast(watchers->touched, watch);
  tell(watch, effective->revision, emit, data);
  forget(watch);
}
