/* SPDX-License-Identifier: MIT */
/* Parts of a fleet's large commits: what is taken is written as it was read. */
#include "regd/fleet/base/part.h"
#include "tests/fuzz/fuzz.h"

static void check_part(GBytes *bytes) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(fleet_step_free);
  gboolean good = fleet_part_decode(bytes, steps, &error);
  g_assert_true(good == (error == NULL));
  if (!good || steps->len == 0)
    return;
  g_autoptr(GPtrArray) again = g_ptr_array_new_with_free_func(fleet_step_free);
  g_autoptr(GBytes) once = fleet_part_encode(steps, 0, steps->len);
  g_assert_true(fleet_part_decode(once, again, NULL));
  g_autoptr(GBytes) twice = fleet_part_encode(again, 0, again->len);
  g_assert_true(g_bytes_equal(once, twice));
}

static void check_pending(GBytes *bytes) {
  FleetPending pending, again;
  if (!fleet_pending_decode(bytes, &pending, NULL))
    return;
  g_autoptr(GBytes) once = fleet_pending_encode(&pending);
  g_assert_true(fleet_pending_decode(once, &again, NULL));
  g_assert_cmpmem(&pending, sizeof pending, &again, sizeof again);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  guint8 id[FLEET_ID_BYTES];
  gboolean is_owner;
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  check_part(bytes);
  check_pending(bytes);
  (void)fleet_key_parse_stage(size > 0 ? (const char *)data : "", size, id, &is_owner);
  return 0;
}
