/* SPDX-License-Identifier: MIT */
/* The bytes that history keeps: what is written is read again as it was, and
 * what was not written so is told from it. */
#include "regd/history/encoding.h"

#include <string.h>

#define DATA(text)                                                                                 \
  { .type = 1, .data = (const guint8 *)(text), .size = sizeof(text) - 1 }

static const DifferenceRecord written[] = {
    {.kind = CHANGE_KEY_CREATED, .after_acl = 7},
    {.kind = CHANGE_VALUE_SET,
     .before_acl = 7,
     .after_acl = 7,
     .name = "v",
     .new_value = DATA("x")},
    {.kind = CHANGE_VALUE_SET,
     .secret = TRUE,
     .before_acl = 7,
     .after_acl = 7,
     .name = "",
     .old_value = {.type = G_MAXUINT32, .data = (const guint8 *)"", .size = 0},
     .has_position = TRUE,
     .old_position = G_MAXINT64,
     .new_value = DATA("\0\xFF\0")},
    {.kind = CHANGE_VALUE_DELETED,
     .old_secret = TRUE,
     .purged = TRUE,
     .before_acl = 7,
     .after_acl = G_MAXINT64,
     .name = "\xC3\xA9",
     .has_position = TRUE,
     .old_position = -1},
    {.kind = CHANGE_VALUE_SET,
     .reroutes = TRUE,
     .name = "SymbolicLinkValue",
     .old_value = DATA("there")},
    {.kind = CHANGE_ACL_CHANGED,
     .before_acl = 128,
     .after_acl = 127,
     .old_state = (const guint8 *)"",
     .old_state_size = 0},
    {.kind = CHANGE_KEY_DELETED,
     .before_acl = 128,
     .old_state = (const guint8 *)"state",
     .old_state_size = 5},
    {.kind = CHANGE_LOCK_CHANGED, .name = "n", .new_value = DATA("why")},
    {.kind = CHANGE_LOCK_CHANGED, .old_value = DATA("why")},
};

static void assert_value(const RunValue *got, const RunValue *expected) {
  g_assert_true((got->data != NULL) == (expected->data != NULL));
  g_assert_cmpuint(got->type, ==, expected->type);
  if (got->data != NULL)
    g_assert_cmpmem(got->data, got->size, expected->data, expected->size);
}

static void assert_entry(const DifferenceRecord *got, const DifferenceRecord *expected) {
  g_assert_cmpint(got->kind, ==, expected->kind);
  g_assert_true(got->secret == expected->secret && got->old_secret == expected->old_secret);
  g_assert_true(got->reroutes == expected->reroutes && got->purged == expected->purged);
  g_assert_cmpint(got->before_acl, ==, expected->before_acl);
  g_assert_cmpint(got->after_acl, ==, expected->after_acl);
  g_assert_cmpstr(got->name, ==, expected->name);
  g_assert_true(got->has_position == expected->has_position);
  g_assert_cmpint(got->old_position, ==, expected->old_position);
  assert_value(&got->old_value, &expected->old_value);
  assert_value(&got->new_value, &expected->new_value);
  g_assert_true((got->old_state != NULL) == (expected->old_state != NULL));
  if (got->old_state != NULL)
    g_assert_cmpmem(got->old_state, got->old_state_size, expected->old_state,
                    expected->old_state_size);
}

static void test_round_trip(void) {
  g_auto(RunWriter) writer;
  run_writer_init(&writer);
  /* The second time it begins anew. */
  for (guint round = 0; round < 2; round++) {
    run_writer_begin(&writer);
    for (gsize i = 0; i < G_N_ELEMENTS(written); i++)
      run_append(&writer, &written[i]);
    RunReader reader;
    DifferenceRecord entry;
    run_reader_init(&reader, writer.bytes->data, writer.bytes->len);
    for (gsize i = 0; i < G_N_ELEMENTS(written); i++) {
      g_assert_cmpint(run_read(&reader, &entry), ==, RUN_ENTRY);
      assert_entry(&entry, &written[i]);
    }
    g_assert_cmpint(run_read(&reader, &entry), ==, RUN_END);
  }
}

/* Cut anywhere but between two differences it is damaged. */
static void test_cut(void) {
  g_auto(RunWriter) writer;
  run_writer_init(&writer);
  g_autoptr(GHashTable) ends = g_hash_table_new(NULL, NULL);
  g_hash_table_add(ends, GUINT_TO_POINTER(0));
  for (gsize i = 0; i < G_N_ELEMENTS(written); i++) {
    run_append(&writer, &written[i]);
    g_hash_table_add(ends, GUINT_TO_POINTER(writer.bytes->len));
  }
  for (guint size = 0; size <= writer.bytes->len; size++) {
    g_autofree guint8 *cut =
        g_memdup2(writer.bytes->data, size); /* so that sanitizers see its end */
    RunReader reader;
    DifferenceRecord entry;
    RunStep step;
    run_reader_init(&reader, cut, size);
    while ((step = run_read(&reader, &entry)) == RUN_ENTRY)
      continue;
    gboolean whole = g_hash_table_contains(ends, GUINT_TO_POINTER(size));
    g_assert_cmpint(step, ==, whole ? RUN_END : RUN_DAMAGED);
  }
}

#define ROW(name, bytes)                                                                           \
  { name, bytes, sizeof(bytes) - 1 }

static const struct {
  const char *name;
  const char *bytes;
  gsize size;
} damaged[] = {
    ROW("a kind that is never written", "\x05\0"),
    ROW("another kind that is never written", "\x06\0"),
    ROW("a lock with a key's state", "\x07\x10\x01x"),
    ROW("an unknown flag", "\x80\0"),
    ROW("an unknown part", "\0\x40"),
    ROW("a value without a name", "\x02\0"),
    ROW("a key with a name", "\0\x02n\0"),
    ROW("a value with a key's state", "\x02\x12n\0\x01x"),
    ROW("a name without an end", "\x02\x02n"),
    ROW("a name that is not UTF-8", "\x02\x02\xFF\0"),
    ROW("a type of more than 32 bits", "\x02\x22n\0\x80\x80\x80\x80\x10\0"),
    ROW("data beyond the end", "\x02\x22n\0\x01\x02x"),
    ROW("data of a length beyond all bounds",
        "\x02\x22n\0\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01x"),
    ROW("a number of more than 64 bits", "\0\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02\0"),
    ROW("a number that does not end", "\0\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\0"),
    ROW("an id below zero", "\0\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\0"),
};

static void test_damaged(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(damaged); i++) {
    g_test_message("%s", damaged[i].name);
    g_autofree guint8 *bytes = g_memdup2(damaged[i].bytes, damaged[i].size);
    RunReader reader;
    DifferenceRecord entry;
    run_reader_init(&reader, bytes, damaged[i].size);
    g_assert_cmpint(run_read(&reader, &entry), ==, RUN_DAMAGED);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/run/round-trip", test_round_trip);
  g_test_add_func("/run/cut", test_cut);
  g_test_add_func("/run/damaged", test_damaged);
  return g_test_run();
}
