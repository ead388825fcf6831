/* SPDX-License-Identifier: MIT */
/* See fold.h.
 *
 * Operations append a difference for each step. If a step may have touched something for the
 * second time (has_revisited), the list is folded before it is recorded, in four passes:
 *
 * 1. find_outcomes(): keys that came or went. A key that was deleted and made again exactly as
 * before is `is_reborn`, and none of its coming and going is recorded; one that came back
 * otherwise is recorded in full (`keep`), and so is a branch below a key with another
 * spelling; one that was made and deleted again leaves nothing (`never_there`).
 *
 * 2. collect_slots(): a slot is one value of one key, or a key's access list. The last
 * difference of a slot stands for all of them, and inherits what was there before the first
 * (inherit()).
 *
 * 3. find_moved(): a row of history has one spelling and position. A value that was deleted
 * and comes back with another spelling, or in another order, is recorded as deleted and set
 * (`is_moved`).
 *
 * 4. decide(): drops slots that end where they began and differences that another one stands
 * for. */
#include "regd/edit/fold.h"

#include "client/base/path.h"

/* How a key came and went, by its differences. */
typedef struct {
  gboolean existed;      /* before the change */
  gboolean exists;       /* after it */
  GBytes *old_state;     /* borrowed: the first deletion's */
  gint64 parent;         /* of one that existed and exists */
  gboolean is_respelled; /* it, or a key above it: its path is another */
  gboolean keep;         /* deleted and made again as something else: record all of it */
  gboolean is_reborn;    /* deleted and made again as it was */
  gboolean never_there;  /* made and deleted again */
} KeyOutcome;

/* The differences of one value, or of a key's access list. Usually the last one is recorded,
 * with the state before the first. */
typedef struct {
  guint first, last;
  guint deletion; /* the last one, if `is_deleted` */
  gboolean is_deleted;
  gboolean is_moved; /* recorded as deleted and set */
} Slot;

typedef struct {
  Edit *edit;
  GHashTable *outcomes; /* key id -> KeyOutcome, of the keys that came or went */
  GHashTable *slots;    /* slot name -> Slot */
} Folding;

static KeyOutcome *get_outcome(GHashTable *outcomes, const Difference *difference) {
  KeyOutcome *outcome = g_hash_table_lookup(outcomes, &difference->key);
  if (outcome != NULL)
    return outcome;
  outcome = g_new0(KeyOutcome, 1);
  outcome->existed = difference->kind == CHANGE_KEY_DELETED;
  outcome->old_state = difference->old_state;
  g_hash_table_insert(outcomes, g_memdup2(&difference->key, sizeof difference->key), outcome);
  return outcome;
}

static gboolean compare_return(Edit *edit, gint64 key, KeyOutcome *outcome, GError **error) {
  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(edit->store, key, &row, error))
    return FALSE;
  Acl *own = NULL;
  if (!store_load_acl(edit->store, row->acl, &own, error))
    return FALSE;
  g_autoptr(KeyRow) old = g_new0(KeyRow, 1);
  g_autoptr(Acl) old_own = NULL;
  if (!history_decode_key(outcome->old_state, old, &old_own, error))
    return FALSE;
  row->last_write = old->last_write; /* when it was written is no difference */
  g_autoptr(GBytes) state = history_encode_key(row, own);
  outcome->parent = row->parent;
  outcome->is_respelled = !g_str_equal(old->name, row->name);
  outcome->is_reborn = g_bytes_equal(state, outcome->old_state);
  outcome->keep = !outcome->is_reborn;
  return TRUE;
}

/* A key that came back as it was, below one that is spelled otherwise now, has another path,
 * and is recorded like the rest of the branch. Parents are made before their children. */
static void mark_respelled(const Edit *edit, GHashTable *outcomes) {
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    if (difference->kind != CHANGE_KEY_CREATED)
      continue;
    KeyOutcome *outcome = g_hash_table_lookup(outcomes, &difference->key);
    const KeyOutcome *above =
        outcome->is_reborn ? g_hash_table_lookup(outcomes, &outcome->parent) : NULL;
    if (above == NULL || !above->is_respelled)
      continue;
    outcome->is_respelled = outcome->keep = TRUE;
    outcome->is_reborn = FALSE;
  }
}

static gboolean find_outcomes(Edit *edit, GHashTable *outcomes, GError **error) {
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    if (difference->kind == CHANGE_KEY_CREATED || difference->kind == CHANGE_KEY_DELETED)
      get_outcome(outcomes, difference)->exists = difference->kind == CHANGE_KEY_CREATED;
  }
  GHashTableIter iter;
  gpointer key = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, outcomes);
  while (g_hash_table_iter_next(&iter, &key, &value)) {
    KeyOutcome *outcome = value;
    outcome->never_there = !outcome->existed && !outcome->exists;
    if (!outcome->existed || !outcome->exists)
      continue;
    if (!compare_return(edit, *(gint64 *)key, outcome, error))
      return FALSE;
  }
  mark_respelled(edit, outcomes);
  return TRUE;
}

/* "v" and the folded name, or "a" for the access list, behind the key. */
static char *make_slot_name(gint64 key, const char *name) {
  g_autofree char *fold = name != NULL ? path_fold(name) : NULL;
  return g_strdup_printf("%" G_GINT64_FORMAT " %s%s", key, fold != NULL ? "v" : "a",
                         fold != NULL ? fold : "");
}

static char *get_slot_name(const Difference *difference) {
  return make_slot_name(difference->key, difference->name);
}

static gboolean is_slotted(ChangeKind kind) {
  return kind == CHANGE_VALUE_SET || kind == CHANGE_VALUE_DELETED || kind == CHANGE_ACL_CHANGED;
}

/* Carries the state before the first difference of a slot over to the last one. */
static void inherit(Difference *last, Difference *first) {
  if (last == first)
    return;
  g_clear_pointer(&last->old_value, registry_value_unref);
  g_clear_pointer(&last->old_state, g_bytes_unref);
  last->old_value = g_steal_pointer(&first->old_value);
  last->old_state = g_steal_pointer(&first->old_state);
  last->old_position = first->old_position;
  acl_unref(last->before);
  last->before = g_steal_pointer(&first->before);
  last->before_acl = first->before_acl;
  last->reroutes |= first->reroutes;
  last->secret |= first->secret;
  last->old_secret = first->old_secret;
  last->blind |= first->blind;
  if (last->kind != CHANGE_VALUE_DELETED)
    return;
  g_free(last->name);
  last->name = g_strdup(first->name); /* as it was spelled when it was there */
}

/* Whether the key has the same list of its own again. A list that equals the one that it
 * inherits is not the same as none. */
static gboolean has_same_list(Edit *edit, const Difference *difference, gboolean *same,
                              GError **error) {
  g_autoptr(KeyRow) row = NULL;
  Acl *own = NULL;
  if (!store_get_key(edit->store, difference->key, &row, error) ||
      !store_load_acl(edit->store, row->acl, &own, error))
    return FALSE;
  g_autoptr(GBytes) state = history_encode_acl(own);
  /* If the key is deleted, its deletion holds the list that it had last. */
  *same = row->live && g_bytes_equal(state, difference->old_state);
  return TRUE;
}

static gboolean ends_where_it_began(Edit *edit, const Difference *difference, gboolean *same,
                                    GError **error) {
  if (difference->kind == CHANGE_ACL_CHANGED)
    return has_same_list(edit, difference, same, error);
  *same = !difference->blind && registry_value_equal(difference->old_value, difference->new_value);
  return TRUE;
}

static const KeyOutcome *find_outcome(GHashTable *outcomes, const Difference *difference) {
  return g_hash_table_lookup(outcomes, &difference->key);
}

static GHashTable *collect_slots(Edit *edit, GHashTable *outcomes) {
  GHashTable *slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    const KeyOutcome *outcome = find_outcome(outcomes, difference);
    if (!is_slotted(difference->kind) || difference->moved || (outcome != NULL && outcome->keep))
      continue;
    g_autofree char *name = get_slot_name(difference);
    Slot *slot = g_hash_table_lookup(slots, name);
    if (slot == NULL) {
      slot = g_new0(Slot, 1);
      slot->first = i;
      g_hash_table_insert(slots, g_steal_pointer(&name), slot);
    }
    slot->last = i;
    if (difference->kind == CHANGE_VALUE_DELETED) {
      slot->deletion = i;
      slot->is_deleted = TRUE;
    }
  }
  return slots;
}

/* ---- what comes back otherwise than it was ---- */

static const Difference *get_first(const Edit *edit, const Slot *slot) {
  return g_ptr_array_index(edit->differences, slot->first);
}

static const Difference *get_last(const Edit *edit, const Slot *slot) {
  return g_ptr_array_index(edit->differences, slot->last);
}

/* A value that was there, has been deleted, and is there again. */
static gboolean comes_back(const Edit *edit, const Slot *slot) {
  return get_last(edit, slot)->kind == CHANGE_VALUE_SET;
}

static gboolean is_respelled(const Edit *edit, const Slot *slot) {
  return !g_str_equal(get_first(edit, slot)->name, get_last(edit, slot)->name);
}

/* Key id -> array of the slots of its values that were there and have been deleted. */
static GHashTable *collect_returns(const Edit *edit, GHashTable *slots) {
  GHashTable *returns =
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, slots);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Slot *slot = value;
    const Difference *first = get_first(edit, slot);
    if (!slot->is_deleted || first->old_value == NULL)
      continue;
    GPtrArray *of_key = g_hash_table_lookup(returns, &first->key);
    if (of_key == NULL) {
      of_key = g_ptr_array_new();
      g_hash_table_insert(returns, g_memdup2(&first->key, sizeof first->key), of_key);
    }
    g_ptr_array_add(of_key, value);
  }
  return returns;
}

/* The position of a value before the change, and the position after everything is undone that
 * is recorded if `is_moved` is not set: a return with the same data is not recorded. */
typedef struct {
  gint64 then, again;
} ValuePlace;

static gint compare_places(gconstpointer a, gconstpointer b) {
  const ValuePlace *first = a;
  const ValuePlace *second = b;
  return first->then < second->then ? -1 : first->then > second->then;
}

static void add_place(GArray *places, gint64 then, gint64 again) {
  ValuePlace place = {then, again};
  g_array_append_val(places, place);
}

static void add_present(const Edit *edit, GHashTable *slots, gint64 key, const ValueRow *row,
                        GArray *places) {
  g_autofree char *name = make_slot_name(key, row->name);
  const Slot *slot = g_hash_table_lookup(slots, name);
  const Difference *first = slot != NULL ? get_first(edit, slot) : NULL;
  if (first == NULL)
    add_place(places, row->position, row->position);
  else if (first->old_value != NULL)
    add_place(places, first->old_position,
              registry_value_equal(first->old_value, row->value) ? row->position
                                                                 : first->old_position);
}

/* Whether undoing would bring back the key's values in another order, if no slot were
 * `is_moved`. */
static gboolean find_reordered(const Folding *folding, gint64 key, const GPtrArray *of_key,
                               gboolean *reordered, GError **error) {
  const Edit *edit = folding->edit;
  GHashTable *slots = folding->slots;
  *reordered = FALSE;
  g_autoptr(GPtrArray) rows = store_list_values(edit->store, key, error);
  if (rows == NULL)
    return FALSE;
  g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(ValuePlace));
  for (guint i = 0; i < rows->len; i++)
    add_present(edit, slots, key, g_ptr_array_index(rows, i), places);
  for (guint i = 0; i < of_key->len; i++) {
    const Slot *slot = g_ptr_array_index(of_key, i);
    gint64 then = get_first(edit, slot)->old_position;
    if (!comes_back(edit, slot))
      add_place(places, then, then);
  }
  g_array_sort(places, compare_places);
  for (guint i = 1; i < places->len; i++)
    *reordered |=
        g_array_index(places, ValuePlace, i).again < g_array_index(places, ValuePlace, i - 1).again;
  return TRUE;
}

/* See the third pass above. */
static gboolean find_moved_of_key(const Folding *folding, gint64 key, const GPtrArray *of_key,
                                  GError **error) {
  const Edit *edit = folding->edit;
  gboolean reordered = FALSE;
  if (!find_reordered(folding, key, of_key, &reordered, error))
    return FALSE;
  for (guint i = 0; i < of_key->len; i++) {
    Slot *slot = g_ptr_array_index(of_key, i);
    slot->is_moved = comes_back(edit, slot) && (reordered || is_respelled(edit, slot));
  }
  return TRUE;
}

static gboolean find_moved(const Folding *folding, GError **error) {
  g_autoptr(GHashTable) returns = collect_returns(folding->edit, folding->slots);
  GHashTableIter iter;
  gpointer key = NULL;
  gpointer of_key = NULL;
  g_hash_table_iter_init(&iter, returns);
  while (g_hash_table_iter_next(&iter, &key, &of_key))
    if (!find_moved_of_key(folding, *(const gint64 *)key, of_key, error))
      return FALSE;
  return TRUE;
}

static gboolean stays_moved(Edit *edit, const Slot *slot, guint index) {
  Difference *difference = g_ptr_array_index(edit->differences, index);
  if (index == slot->deletion)
    inherit(difference, g_ptr_array_index(edit->differences, slot->first));
  else if (index == slot->last)
    g_clear_pointer(&difference->old_value, registry_value_unref);
  return index == slot->deletion || index == slot->last;
}

/* ---- folding ---- */

static gboolean decide(const Folding *folding, guint index, gboolean *stays, GError **error) {
  Edit *edit = folding->edit;
  Difference *difference = g_ptr_array_index(edit->differences, index);
  const KeyOutcome *outcome = find_outcome(folding->outcomes, difference);
  /* A lock is of a path and a name, and is there whatever becomes of the key. */
  *stays = difference->moved || difference->kind == CHANGE_LOCK_CHANGED ||
           (outcome != NULL && outcome->keep);
  if (*stays || (outcome != NULL && outcome->never_there))
    return TRUE;
  if (!is_slotted(difference->kind)) {
    *stays = outcome == NULL || !outcome->is_reborn;
    return TRUE;
  }
  g_autofree char *name = get_slot_name(difference);
  const Slot *slot = g_hash_table_lookup(folding->slots, name);
  if (slot->is_moved) {
    *stays = stays_moved(edit, slot, index);
    return TRUE;
  }
  gboolean same = TRUE;
  if (slot->last == index) {
    inherit(difference, g_ptr_array_index(edit->differences, slot->first));
    if (!ends_where_it_began(edit, difference, &same, error))
      return FALSE;
  }
  *stays = !same;
  return TRUE;
}

/* The key of a difference may have been spelled otherwise when it was noted. */
static gboolean correct_path(const Edit *edit, GHashTable *outcomes, Difference *difference,
                             GError **error) {
  const KeyOutcome *outcome = find_outcome(outcomes, difference);
  if (outcome == NULL || !outcome->is_reborn)
    return TRUE;
  GRefString *path = store_get_path(edit->store, difference->key, error);
  if (path == NULL)
    return FALSE;
  g_ref_string_release(difference->path);
  difference->path = path;
  return TRUE;
}

gboolean edit_fold(Edit *edit, GError **error) {
  g_autoptr(GHashTable) outcomes =
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  if (!find_outcomes(edit, outcomes, error))
    return FALSE;
  g_autoptr(GHashTable) slots = collect_slots(edit, outcomes);
  const Folding folding = {edit, outcomes, slots};
  if (!find_moved(&folding, error))
    return FALSE;
  guint length = edit->differences->len;
  g_autofree gboolean *keep = g_new(gboolean, length);
  for (guint i = 0; i < length; i++)
    if (!decide(&folding, i, &keep[i], error) ||
        (keep[i] && !correct_path(edit, outcomes, g_ptr_array_index(edit->differences, i), error)))
      return FALSE;

  g_autofree gpointer *all = g_ptr_array_steal(edit->differences, NULL);
  for (guint i = 0; i < length; i++)
    if (keep[i])
      g_ptr_array_add(edit->differences, all[i]);
    else
      difference_free(all[i]);
  return TRUE;
}
