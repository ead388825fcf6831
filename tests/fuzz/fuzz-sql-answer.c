/* SPDX-License-Identifier: MIT */
/* What an sql role that was taken over may send: any bytes as the body of its answer. What is taken
 * is whole, has no NUL where text is meant, and is the same if it is sent once more. */
#include <string.h>

#include "mailauth/ipc/messages.h"
#include "mailauth/sql/sql-answer.h"
#include "tests/fuzz/fuzz.h"

static void check_value(const SqlAnswer *answer, SqlColumn column) {
  const SqlValue *value = &answer->values[column];
  g_assert_true(!value->is_null || value->text.size == 0);
  g_assert_true(column == SQL_DISABLED || !secret_has_nul(&value->text));
  g_assert_true(column == SQL_PASSWORD || column == SQL_DISABLED ||
                g_utf8_validate(secret_get_text(&value->text), -1, NULL));
}

static void check_again(const SqlAnswer *answer) {
  g_auto(SqlAnswer) again = {0};
  guint64 number = 0;
  g_autoptr(GVariant) body = g_variant_ref_sink(sql_answer_pack(answer, 7));
  g_assert_true(sql_answer_unpack(body, &number, &again));
  g_assert_cmpint(again.status, ==, answer->status);
  for (guint i = 0; i < N_SQL_COLUMNS && answer->status == SQL_ROW; i++)
    g_assert_cmpstr(sql_answer_get(&again, (SqlColumn)i), ==, sql_answer_get(answer, (SqlColumn)i));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  MessageKind kind;
  guint64 number = 0;
  g_auto(SqlAnswer) answer = {0};
  g_autofree guint8 *bytes = g_malloc(size + 1);
  bytes[0] = MESSAGE_SQL_ANSWER;
  if (size > 0)
    memcpy(bytes + 1, data, size);
  g_autoptr(GVariant) body =
      message_decode(ROLE_SQL, ROLE_VERIFIER, bytes, size + 1, 0, &kind, NULL);
  if (body == NULL || !sql_answer_unpack(body, &number, &answer))
    return 0;
  for (guint i = 0; i < N_SQL_COLUMNS; i++)
    check_value(&answer, (SqlColumn)i);
  (void)sql_answer_is_disabled(&answer);
  g_assert_true((answer.status == SQL_ROW) == answer.values[SQL_PASSWORD].is_there);
  check_again(&answer);
  return 0;
}
