/* SPDX-License-Identifier: MIT */
/* A row of history with any bytes: each is refused or read to its end, and what
 * was read comes out the same when it is written again. */
#include "regd/history/encoding.h"
#include "tests/fuzz/fuzz.h"

static void check_value(const RunValue *value, const guint8 *begin, const guint8 *end) {
  g_assert_true(value->data == NULL || (value->data >= begin && value->data <= end &&
                                        value->size <= (gsize)(end - value->data)));
}

/* Writes anew what is read; FALSE where it is damaged. */
static gboolean copy(const guint8 *data, gsize size, RunWriter *writer) {
  RunReader reader;
  DifferenceRecord entry;
  RunStep step;
  run_reader_init(&reader, data, size);
  while ((step = run_read(&reader, &entry)) == RUN_ENTRY) {
    g_assert_true(entry.name == NULL || g_utf8_validate(entry.name, -1, NULL));
    check_value(&entry.old_value, data, data + size);
    check_value(&entry.new_value, data, data + size);
    run_append(writer, &entry);
  }
  return step == RUN_END;
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_auto(RunWriter) first;
  g_auto(RunWriter) second;
  run_writer_init(&first);
  run_writer_init(&second);
  if (!copy(data, size, &first))
    return 0;
  g_assert_true(copy(first.bytes->data, first.bytes->len, &second));
  g_assert_cmpmem(first.bytes->data, first.bytes->len, second.bytes->data, second.bytes->len);
  return 0;
}
