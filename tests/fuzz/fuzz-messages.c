/* SPDX-License-Identifier: MIT */
/* A message as it comes from another role: the first byte says between whom it
 * went and with how many descriptors, the rest is kind and body. What is taken
 * is of its kind's signature, and goes back into the same bytes. */

#include "mailauth/ipc/messages.h"
#include "tests/fuzz/fuzz.h"

static void check_taken(MessageKind kind, GVariant *body, Role from, Role to, guint descriptors) {
  const MessageFacts *row = message_get_facts(kind);
  g_assert_nonnull(row);
  g_assert_true(row->from == from && row->to == to);
  g_assert_cmpuint(descriptors, >=, row->min_descriptors);
  g_assert_cmpuint(descriptors, <=, row->max_descriptors);
  g_assert_cmpstr(g_variant_get_type_string(body), ==, row->signature);
  g_autofree char *printed = g_variant_print(body, TRUE);
  g_assert_true(g_utf8_validate(printed, -1, NULL));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size == 0)
    return 0;
  Role from = data[0] % N_ROLES;
  Role to = (data[0] / N_ROLES) % N_ROLES;
  guint descriptors = data[0] / (N_ROLES * N_ROLES) % 4;
  MessageKind kind;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) body =
      message_decode(from, to, data + 1, size - 1, descriptors, &kind, &error);
  if (body == NULL) {
    g_assert_nonnull(error);
    return 0;
  }
  check_taken(kind, body, from, to, descriptors);
  g_assert_cmpmem(g_variant_get_data(body), g_variant_get_size(body), data + 2, size - 2);
  return 0;
}
