/* Folding the differences of one change: what was touched twice is told once,
 * and what ends where it began is not told at all, so that history and signals
 * hold what really differs (see application.h). */
#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/application.h"

/* What the differences say of one key's coming and going. */
typedef struct {
  gboolean existed;     /* before the change */
  gboolean exists;      /* after it */
  GBytes *old_state;    /* borrowed: the first deletion's */
  gboolean keep;        /* deleted and made again as something else: tell all of it */
  gboolean is_reborn;   /* deleted and made again as it was */
  gboolean never_there; /* made and deleted again */
} KeyFate;

/* What is told of a value, or of a key's access list: as a rule the last
 * difference, with what stood before the first. */
typedef struct {
  guint first, last;
  guint deletion; /* the last one, if `is_deleted` */
  gboolean is_deleted;
  gboolean is_respelled;
} Slot;

static KeyFate *get_fate(GHashTable *fates, const Difference *difference) {
  KeyFate *fate = g_hash_table_lookup(fates, &difference->key);
  if (fate != NULL)
    return fate;
  fate = g_new0(KeyFate, 1);
  fate->existed = difference->kind == CHANGE_KEY_DELETED;
  fate->old_state = difference->old_state;
  g_hash_table_insert(fates, g_memdup2(&difference->key, sizeof difference->key), fate);
  return fate;
}

static gboolean same_state(Application *application, gint64 key, GBytes *old_state, gboolean *same,
                           GError **error) {
  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(application->store, key, &row, error))
    return FALSE;
  Acl *own = NULL;
  if (!store_load_acl(application->store, row->acl, &own, error))
    return FALSE;
  gint64 old_write = 0;
  g_autoptr(GVariant) old =
      g_variant_new_from_bytes(G_VARIANT_TYPE("(smsmsbbmsx)"), old_state, TRUE);
  g_variant_get_child(old, 6, "x", &old_write);
  row->last_write = old_write; /* when it was written is no difference */
  g_autoptr(GBytes) state = history_encode_key(row, own);
  *same = g_bytes_equal(state, old_state);
  return TRUE;
}

static gboolean judge_fates(Application *application, GHashTable *fates, GError **error) {
  for (guint i = 0; i < application->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(application->differences, i);
    if (difference->kind == CHANGE_KEY_CREATED || difference->kind == CHANGE_KEY_DELETED)
      get_fate(fates, difference)->exists = difference->kind == CHANGE_KEY_CREATED;
  }
  GHashTableIter iterator;
  gpointer key = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, fates);
  while (g_hash_table_iter_next(&iterator, &key, &value)) {
    KeyFate *fate = value;
    fate->never_there = !fate->existed && !fate->exists;
    if (!fate->existed || !fate->exists)
      continue;
    if (!same_state(application, *(gint64 *)key, fate->old_state, &fate->is_reborn, error))
      return FALSE;
    fate->keep = !fate->is_reborn;
  }
  return TRUE;
}

/* "v" and the folded name, or "a" for the access list, behind the key. */
static char *get_slot_name(const Difference *difference) {
  g_autofree char *fold = difference->name != NULL ? path_fold(difference->name) : NULL;
  return g_strdup_printf("%" G_GINT64_FORMAT " %s%s", difference->key, fold != NULL ? "v" : "a",
                         fold != NULL ? fold : "");
}

static gboolean is_slotted(ChangeKind kind) {
  return kind == CHANGE_VALUE_SET || kind == CHANGE_VALUE_DELETED || kind == CHANGE_ACL_CHANGED;
}

/* Carries what stood at first over to the last difference of the slot. */
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
  if (last->kind != CHANGE_VALUE_DELETED)
    return;
  g_free(last->name);
  last->name = g_strdup(first->name); /* as it was spelled when it was there */
}

/* Whether the key has the list of its own again that it had: one that only equals
 * what it inherits is something else. */
static gboolean has_same_list(Application *application, const Difference *difference,
                              gboolean *same, GError **error) {
  g_autoptr(KeyRow) row = NULL;
  Acl *own = NULL;
  if (!store_get_key(application->store, difference->key, &row, error) ||
      !store_load_acl(application->store, row->acl, &own, error))
    return FALSE;
  g_autoptr(GBytes) state = history_encode_acl(own);
  /* Of a key that is gone the list that it had in between stands in its deletion. */
  *same = row->live && g_bytes_equal(state, difference->old_state);
  return TRUE;
}

static gboolean ends_where_it_began(Application *application, const Difference *difference,
                                    gboolean *same, GError **error) {
  if (difference->kind == CHANGE_ACL_CHANGED)
    return has_same_list(application, difference, same, error);
  *same = registry_value_equal(difference->old_value, difference->new_value);
  return TRUE;
}

static const KeyFate *find_fate(GHashTable *fates, const Difference *difference) {
  return g_hash_table_lookup(fates, &difference->key);
}

static GHashTable *collect_slots(Application *application, GHashTable *fates) {
  GHashTable *slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < application->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(application->differences, i);
    const KeyFate *fate = find_fate(fates, difference);
    if (!is_slotted(difference->kind) || difference->moved || (fate != NULL && fate->keep))
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

/* History keeps one spelling a row: a value that comes back in another is told as
 * gone and set. */
static void judge_spellings(Application *application, GHashTable *slots) {
  GHashTableIter iterator;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, slots);
  while (g_hash_table_iter_next(&iterator, NULL, &value)) {
    Slot *slot = value;
    const Difference *first = g_ptr_array_index(application->differences, slot->first);
    const Difference *last = g_ptr_array_index(application->differences, slot->last);
    slot->is_respelled = slot->is_deleted && last->kind == CHANGE_VALUE_SET &&
                         first->old_value != NULL && !g_str_equal(first->name, last->name);
  }
}

static gboolean stays_respelled(Application *application, const Slot *slot, guint index) {
  Difference *difference = g_ptr_array_index(application->differences, index);
  if (index == slot->deletion)
    inherit(difference, g_ptr_array_index(application->differences, slot->first));
  else if (index == slot->last)
    g_clear_pointer(&difference->old_value, registry_value_unref);
  return index == slot->deletion || index == slot->last;
}

static gboolean judge(Application *application, GHashTable *fates, GHashTable *slots, guint index,
                      gboolean *stays, GError **error) {
  Difference *difference = g_ptr_array_index(application->differences, index);
  const KeyFate *fate = find_fate(fates, difference);
  *stays = difference->moved || (fate != NULL && fate->keep);
  if (*stays || (fate != NULL && fate->never_there))
    return TRUE;
  if (!is_slotted(difference->kind)) {
    *stays = fate == NULL || !fate->is_reborn;
    return TRUE;
  }
  g_autofree char *name = get_slot_name(difference);
  const Slot *slot = g_hash_table_lookup(slots, name);
  if (slot->is_respelled) {
    *stays = stays_respelled(application, slot, index);
    return TRUE;
  }
  gboolean same = TRUE;
  if (slot->last == index) {
    inherit(difference, g_ptr_array_index(application->differences, slot->first));
    if (!ends_where_it_began(application, difference, &same, error))
      return FALSE;
  }
  *stays = !same;
  return TRUE;
}

gboolean application_fold(Application *application, GError **error) {
  g_autoptr(GHashTable) fates = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  if (!judge_fates(application, fates, error))
    return FALSE;
  g_autoptr(GHashTable) slots = collect_slots(application, fates);
  judge_spellings(application, slots);
  guint length = application->differences->len;
  g_autofree gboolean *keep = g_new(gboolean, length);
  for (guint i = 0; i < length; i++)
    if (!judge(application, fates, slots, i, &keep[i], error))
      return FALSE;

  g_autofree gpointer *all = g_ptr_array_steal(application->differences, NULL);
  for (guint i = 0; i < length; i++)
    if (keep[i])
      g_ptr_array_add(application->differences, all[i]);
    else
      difference_free(all[i]);
  return TRUE;
}
