/* SPDX-License-Identifier: MIT */
/* Commits in parts: where parts end, what is written is read again, and what is no part is refused,
 * wherever it is cut. */
#include "regd/fleet/base/part.h"

#include <string.h>

#define ID "0123456789abcdef"
#define KEY "k/HKEY_LOCAL_MACHINE\\SOFTWARE\\POLICIES"
#define ID_HEX "30313233343536373839616263646566"

static GPtrArray *new_steps(guint count, gsize record_bytes) {
  GPtrArray *steps = g_ptr_array_new_with_free_func(fleet_step_free);
  for (guint i = 0; i < count; i++) {
    g_autoptr(GBytes) key = g_bytes_new_static(KEY, strlen(KEY));
    g_autoptr(GBytes) record = g_bytes_new_take(g_malloc0(record_bytes), record_bytes);
    g_ptr_array_add(steps, fleet_step_new(key, i % 3 == 2 ? NULL : record));
  }
  return steps;
}

/* ---- where a part ends ---- */

static const struct {
  guint count;
  gsize record_bytes;
  guint most;
  gsize bytes;
  guint end; /* of the first part */
} ends[] = {
    {1, 10, 100, 1048576, 1},    {100, 10, 100, 1048576, 100},   {101, 10, 100, 1048576, 100},
    {3, 10, 1, 1048576, 1},      {2, 600000, 100, 1048576, 1},   {2, 500000, 100, 1048576, 2},
    {2, 1310720, 100, 65536, 1}, {2, 700000, 100, 134217728, 2}, {2, 800000, 100, 134217728, 1},
};

static void test_ends(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
    g_autoptr(GPtrArray) steps = new_steps(ends[i].count, ends[i].record_bytes);
    g_assert_cmpuint(fleet_part_find_end(steps, 0, ends[i].most, ends[i].bytes), ==, ends[i].end);
  }
}

/* ---- there and back ---- */

static void test_read_again(void) {
  g_autoptr(GPtrArray) steps = new_steps(7, 5);
  g_autoptr(GPtrArray) read = g_ptr_array_new_with_free_func(fleet_step_free);
  for (guint first = 0; first < steps->len;) {
    guint end = fleet_part_find_end(steps, first, 3, 1000);
    g_autoptr(GBytes) part = fleet_part_encode(steps, first, end);
    g_assert_true(fleet_part_decode(part, read, NULL));
    first = end;
  }
  g_assert_cmpuint(read->len, ==, steps->len);
  for (guint i = 0; i < steps->len; i++) {
    const FleetStep *a = steps->pdata[i], *b = read->pdata[i];
    g_assert_true(g_bytes_equal(a->key, b->key));
    g_assert_cmpint(a->record == NULL, ==, b->record == NULL);
    g_assert_true(a->record == NULL || g_bytes_equal(a->record, b->record));
  }
}

static void test_cut(void) {
  g_autoptr(GPtrArray) steps = new_steps(1, 5);
  g_autoptr(GBytes) part = fleet_part_encode(steps, 0, 1);
  for (gsize size = 1; size < g_bytes_get_size(part); size++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) read = g_ptr_array_new_with_free_func(fleet_step_free);
    g_autoptr(GBytes) cut = g_bytes_new_from_bytes(part, 0, size);
    g_assert_false(fleet_part_decode(cut, read, &error));
    g_assert_nonnull(error);
  }
}

static const char *const foreign_keys[] = {"", "head", "pending", "s/1/owner", "x", "K/A"};

static void test_other_keys(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(foreign_keys); i++) {
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(fleet_step_free);
    g_autoptr(GPtrArray) read = g_ptr_array_new_with_free_func(fleet_step_free);
    g_autoptr(GBytes) key = g_bytes_new_static(foreign_keys[i], strlen(foreign_keys[i]));
    g_ptr_array_add(steps, fleet_step_new(key, key));
    g_autoptr(GBytes) part = fleet_part_encode(steps, 0, 1);
    g_assert_false(fleet_part_decode(part, read, NULL));
  }
}

static void test_too_many(void) {
  g_autoptr(GPtrArray) steps = new_steps(FLEET_LIMIT_OPERATIONS, 0);
  g_autoptr(GPtrArray) more = new_steps(1, 0);
  g_autoptr(GBytes) part = fleet_part_encode(more, 0, 1);
  g_assert_false(fleet_part_decode(part, steps, NULL));
}

/* ---- what is pending ---- */

static const struct {
  guint32 parts, done;
  gboolean good;
} pendings[] = {{1, 0, TRUE},  {3, 3, TRUE},  {FLEET_LIMIT_PARTS, 1, TRUE},
                {0, 0, FALSE}, {3, 4, FALSE}, {FLEET_LIMIT_PARTS + 1, 1, FALSE}};

static void test_pending(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(pendings); i++) {
    FleetPending pending = {.parts = pendings[i].parts, .done = pendings[i].done}, read;
    memcpy(pending.id, ID, FLEET_ID_BYTES);
    g_autoptr(GBytes) bytes = fleet_pending_encode(&pending);
    g_assert_cmpint(fleet_pending_decode(bytes, &read, NULL), ==, pendings[i].good);
    if (pendings[i].good)
      g_assert_cmpmem(&read, sizeof read, &pending, sizeof pending);
    g_autoptr(GBytes) cut = g_bytes_new_from_bytes(bytes, 0, g_bytes_get_size(bytes) - 3);
    g_assert_false(fleet_pending_decode(cut, &read, NULL));
  }
}

/* ---- keys ---- */

static const struct {
  const char *key;
  gboolean good, is_owner;
} stages[] = {{"s/" ID_HEX "/", TRUE, FALSE},
              {"s/" ID_HEX "/00000", TRUE, FALSE},
              {"s/" ID_HEX "/owner", TRUE, TRUE},
              {"s/" ID_HEX "/owners", TRUE, FALSE},
              {"s/" ID_HEX, FALSE, FALSE},
              {"s/" ID_HEX "x", FALSE, FALSE},
              {"s/x0313233343536373839616263646566/", FALSE, FALSE},
              {"t/" ID_HEX "/", FALSE, FALSE},
              {"", FALSE, FALSE}};

static void test_stages(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(stages); i++) {
    guint8 id[FLEET_ID_BYTES];
    gboolean is_owner = FALSE;
    g_assert_cmpint(fleet_key_parse_stage(stages[i].key, strlen(stages[i].key), id, &is_owner), ==,
                    stages[i].good);
    if (!stages[i].good)
      continue;
    g_assert_cmpint(is_owner, ==, stages[i].is_owner);
    g_assert_cmpmem(id, sizeof id, ID, FLEET_ID_BYTES);
  }
  g_autofree char *part = fleet_key_of_part((const guint8 *)ID, 7);
  g_assert_cmpstr(part, ==, "s/" ID_HEX "/00007");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/base/part/ends", test_ends);
  g_test_add_func("/regd/fleet/base/part/read-again", test_read_again);
  g_test_add_func("/regd/fleet/base/part/cut", test_cut);
  g_test_add_func("/regd/fleet/base/part/other-keys", test_other_keys);
  g_test_add_func("/regd/fleet/base/part/too-many", test_too_many);
  g_test_add_func("/regd/fleet/base/part/pending", test_pending);
  g_test_add_func("/regd/fleet/base/part/stages", test_stages);
  return g_test_run();
}
