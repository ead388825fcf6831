/* SPDX-License-Identifier: MIT */
/* A `Connection` of any bytes (byte 0: the kind of database): what is taken can be asked for
 * everything, and names no more servers than there may be. */
#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/query/connection-words.h"
#include "tests/fuzz/fuzz.h"

static void check_word(const char *word, const char *value, gpointer data) {
  g_assert_cmpstr(connection_words_get(data, word), ==, value);
  g_assert_cmpuint(strlen(value), >, 0);
  g_assert_false(g_str_equal(word, "password"));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  guint16 ports[MAX_SQL_HOSTS];
  if (size == 0)
    return 0;
  g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
  g_autoptr(GError) error = NULL;
  g_autoptr(ConnectionWords) words =
      connection_words_new(text, (SqlKind)(data[0] % N_SQL_KINDS), &error);
  g_assert_true((words == NULL) == (error != NULL));
  if (words == NULL)
    return 0;
  connection_words_visit(words, check_word, words);
  guint count = connection_words_list_ports(words, ports);
  g_assert_cmpuint(count, <=, MAX_SQL_HOSTS);
  for (guint i = 0; i < count; i++)
    g_assert_cmpuint(ports[i], >, 0);
  (void)connection_words_has_names(words);
  g_autofree char *place = connection_words_dup_place(words);
  g_assert_cmpuint(strlen(place), >, 0);
  return 0;
}
