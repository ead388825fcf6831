/* SPDX-License-Identifier: MIT */
/* A line that is a format, then Dovecot's list of a Maildir; and the same bytes as
 * what is kept of such. Whatever they say, each message has an ID that is fit for
 * POP3 and its alone, and has it again after it was kept. */
#include <string.h>

#include "mailauth/mailbox/maildir-ids.h"
#include "mailauth/mailbox/maildir-name.h"
#include "tests/fuzz/fuzz.h"

static const char *const messages[] = {"1.a", "2.b", "3.c", "000000010000000a"};
#define N_MESSAGES G_N_ELEMENTS(messages)

static GPtrArray *list_keys(void) {
  GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < N_MESSAGES; i++)
    g_ptr_array_add(keys, g_strdup(messages[i]));
  return keys;
}

static void check_told(const char *const *told) {
  for (guint i = 0; i < N_MESSAGES; i++) {
    g_assert_true(maildir_name_is_uid(told[i], strlen(told[i])));
    for (guint other = 0; other < i; other++)
      g_assert_cmpstr(told[i], !=, told[other]);
  }
}

static void check_ids(MaildirIds *ids, const GPtrArray *keys) {
  const char *told[N_MESSAGES];
  const char *told_again[N_MESSAGES];
  maildir_ids_settle(ids, keys, told);
  check_told(told);
  g_autoptr(GString) text = maildir_ids_print(ids);
  g_autoptr(MaildirIds) kept = maildir_ids_parse(g_strdup(text->str), text->len, NULL);
  g_assert_nonnull(kept);
  g_assert_false(maildir_ids_settle(kept, keys, told_again));
  for (guint i = 0; i < N_MESSAGES; i++)
    g_assert_cmpstr(told[i], ==, told_again[i]);
}

/* @data as a block with a NUL after it. */
static char *copy(const guint8 *data, gsize size) {
  char *text = g_malloc(size + 1);
  if (size > 0)
    memcpy(text, data, size);
  text[size] = '\0';
  return text;
}

static void take_over(const guint8 *data, gsize size, const GPtrArray *keys) {
  const guint8 *end = size > 0 ? memchr(data, '\n', size) : NULL;
  if (end == NULL)
    return;
  gsize length = (gsize)(end - data);
  g_autofree char *format = copy(data, length);
  g_autofree char *list = copy(end + 1, size - length - 1);
  g_autoptr(MaildirIds) ids = maildir_ids_take_over(format, list, size - length - 1, NULL);
  if (ids != NULL)
    check_ids(ids, keys);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autoptr(GPtrArray) keys = list_keys();
  take_over(data, size, keys);
  g_autoptr(MaildirIds) kept = maildir_ids_parse(copy(data, size), size, NULL);
  if (kept != NULL)
    check_ids(kept, keys);
  return 0;
}
