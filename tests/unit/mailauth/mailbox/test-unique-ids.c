/* SPDX-License-Identifier: MIT */
/* unique-id-format.c, dovecot-uidlist.c and maildir-ids.c: Dovecot's unique IDs, from
 * its list to what is kept of it. */
#include <string.h>

#include "client/registry.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/unique-id-format.h"
#include "mailauth/mailbox/dovecot-uidlist.h"
#include "mailauth/mailbox/maildir-ids.h"
#include "mailauth/mailbox/maildir-name.h"

#define DEFAULT "%08Xu%08Xv"

/* ---- formats ---- */

static const struct {
  const char *format, *id; /* NULL: it is refused */
} formats[] = {
    {DEFAULT, "000000ff4c0279b0"},
    {"%08Xv%08Xu", "4c0279b0000000ff"},
    {"%{uid | hex(8)}%{uidvalidity | hex(8)}", "000000ff4c0279b0"},
    {"%{uid|hex(10)|upper}", "00000000FF"},
    {"%{ guid }", "d00d"},
    {"%{uidvalidity}-%{uid | hex}", "1275230640-ff"},
    {"%u", "255"},
    {"%v.%u", "1275230640.255"},
    {"%v-%u", "1275230640-255"},
    {"UID%u-%v", "UID255-1275230640"},
    {"%f", "1.Ab,S=3"},
    {"%Lf", "1.ab,s=3"},
    {"%Uf", "1.AB,S=3"},
    {"%Mf", "d5574c0b015ab8ec5b7f1b87d92cbc5d"},
    {"%g", "d00d"},
    {"%UXu", NULL},
    {"%XUu", "FF"},
    {"%08XUu", "000000FF"},
    {"%08u", "00000255"},
    {"%%%u", "%255"},
    {"", NULL},
    {"x", NULL},
    {"%v", NULL},
    {"%%u", NULL},
    {"%", NULL},
    {"%0", NULL},
    {"%00u", NULL},
    {"%071u", NULL},
    {"%099999999999999999999u", NULL},
    {"%8Xu", NULL},
    {"%-4u", NULL},
    {"%2.3u", NULL},
    {"%Xf", NULL},
    {"%Xg", NULL},
    {"%MXu", NULL},
    {"%m", NULL},
    {"%u %v", NULL},
    {"%u\n", NULL},
    {"%u\xc3\xa4", NULL},
    {"%LULULu", NULL},
    {"%{uid", NULL},
    {"%{}", NULL},
    {"%{pid}", NULL},
    {"%{uid | hex(4)}", NULL},
    {"%{uid | hex(8}", NULL},
    {"%{uid | rot13}", NULL},
    {"%{uid | hex | hex}", NULL},
    {"%{guid | hex}", NULL},
    {"%{uid || upper}", NULL},
    {"name", NULL},
};

static void test_formats(void) {
  const UniqueIdFacts facts = {255, 1275230640, "1.Ab,S=3", "d00d"};
  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) id = g_string_new(NULL);
    g_autoptr(UniqueIdFormat) format = unique_id_format_new(formats[i].format, &error);
    g_test_message("%s", formats[i].format);
    if (formats[i].id == NULL) {
      g_assert_null(format);
      g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
      continue;
    }
    g_assert_no_error(error);
    unique_id_format_expand(format, &facts, id);
    g_assert_cmpstr(id->str, ==, formats[i].id);
  }
}

static void test_largest(void) {
  const UniqueIdFacts facts = {G_MAXUINT32, G_MAXUINT32, "1.a", NULL};
  g_autofree char *long_format = g_strnfill(MAX_UNIQUE_ID_FORMAT - 1, 'x');
  g_autofree char *longest = g_strconcat("%u", long_format + 1, NULL);
  g_autofree char *too_long = g_strconcat("%u", long_format, NULL);
  g_autoptr(UniqueIdFormat) first = unique_id_format_new(DEFAULT "-%g", NULL);
  g_autoptr(UniqueIdFormat) second = unique_id_format_new(longest, NULL);
  g_autoptr(GString) id = g_string_new(NULL);
  unique_id_format_expand(first, &facts, id);
  g_assert_cmpstr(id->str, ==, "ffffffffffffffff-1.a");
  g_assert_nonnull(second);
  g_assert_null(unique_id_format_new(too_long, NULL));
}

/* ---- Dovecot's list ---- */

static const struct {
  const char *text, *expected; /* "uid name P G;" each; ends with "!" where it is damaged */
} lists[] = {
    {"3 V9 N3 G0102\n1 :1.a\n2 :2.b,S=1:2,S\n", "1 1.a - -;2 2.b,S=1 - -;"},
    {"3 N3 V9\n1 W12 Pold Gd00d :1.a\n", "1 1.a old d00d;"},
    {"3 V9 N3\n1 P G :1.a\n", "1 1.a  -;"},
    {"3 V9 N3\n1 W12  S3   :1.a b\n", "1 1.a b - -;"},
    {"3 V9 N3\n1 :1.a\n7 :1.a\n", "1 1.a - -;7 1.a - -;"},
    {"3 V9 N3\n", ""},
    {"3 V9 N3\n1 :1.a\n2 :2.b", "1 1.a - -;"},
    {"1 9 3\n1 1.a:2,S\n2 2.b\n", "1 1.a - -;2 2.b - -;"},
    {"1 9 3\n1 Pold :1.a\n", "1 Pold  - -;"},
    {"3 V9 N3\n4294967295 :1.a\n", "4294967295 1.a - -;"},
    {"", "!"},
    {"3 V9 N3", "!"},
    {"2 9 3\n1 1.a\n", "!"},
    {"4 V9 N3\n", "!"},
    {"33 V9 N3\n", "!"},
    {"3 N3\n1 :1.a\n", "!"},
    {"3 V0 N3\n", "!"},
    {"3 V4294967296 N3\n", "!"},
    {"3 V9x N3\n", "!"},
    {"1 x 3\n", "!"},
    {"3 V9 N3\n0 :1.a\n", "!"},
    {"3 V9 N3\n-1 :1.a\n", "!"},
    {"3 V9 N3\n4294967296 :1.a\n", "!"},
    {"3 V9 N3\n2 :1.a\n2 :2.b\n", "2 1.a - -;!"},
    {"3 V9 N3\n2 :1.a\n1 :2.b\n", "2 1.a - -;!"},
    {"3 V9 N3\n1 1.a\n", "!"},
    {"3 V9 N3\n1 :\n", "!"},
    {"3 V9 N3\n1 ::2,S\n", "!"},
    {"3 V9 N3\n1\n", "!"},
    {"3 V9 N3\n\n", "!"},
    {"1 9 3\n1 \n", "!"},
};

static void read_list(char *text, gsize size, GString *read) {
  DovecotUid uid;
  DovecotUidlist list;
  g_autoptr(GError) error = NULL;
  if (dovecot_uidlist_begin(&list, text, size, &error))
    while (dovecot_uidlist_next(&list, &uid, &error))
      g_string_append_printf(read, "%u %s %s %s;", uid.uid, uid.name,
                             uid.pop3_id != NULL ? uid.pop3_id : "-",
                             uid.guid != NULL ? uid.guid : "-");
  if (error != NULL)
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  g_string_append(read, error != NULL ? "!" : "");
}

static void test_lists(void) {
  for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
    g_autofree char *text = g_strdup(lists[i].text);
    g_autoptr(GString) read = g_string_new(NULL);
    g_test_message("%s", lists[i].text);
    read_list(text, strlen(text), read);
    g_assert_cmpstr(read->str, ==, lists[i].expected);
  }
}

static void test_long_lines(void) {
  g_autofree char *long_name = g_strnfill(MAX_UIDLIST_LINE - strlen("1 :\n"), 'x');
  g_autofree char *longest = g_strdup_printf("3 V9\n1 :%s\n", long_name);
  g_autofree char *too_long = g_strdup_printf("3 V9\n1 :%sx\n", long_name);
  g_autofree char *with_nul = g_strdup("3 V9\n1 :a\n");
  g_autoptr(GString) read = g_string_new(NULL);
  read_list(longest, strlen(longest), read);
  g_assert_true(g_str_has_suffix(read->str, "x - -;"));
  g_string_truncate(read, 0);
  read_list(too_long, strlen(too_long), read);
  g_assert_cmpstr(read->str, ==, "!");
  g_string_truncate(read, 0);
  with_nul[8] = '\0';
  read_list(with_nul, 10, read);
  g_assert_cmpstr(read->str, ==, "!");
}

/* ---- taking over ---- */

#define MAX_KEYS 6

/* With one character more it is of the length that lets ",S=12345" still fit. */
#define FILLED ".345678901234567890123456789012345678901234567890123456789012"

typedef struct {
  const char *what, *format, *list;
  const char *keys[MAX_KEYS];
  const char *told; /* with a space after each */
  gboolean has_new;
} TakeOverRow;

static const TakeOverRow rows[] = {
    {"by UID",
     DEFAULT,
     "3 V10 N4\n1 :1.a\n3 :3.c,S=1,W=2:2,S\n",
     {"1.a", "2.b", "3.c"},
     "000000010000000a 2.b 000000030000000a ",
     FALSE},
    {"no list", DEFAULT, NULL, {"1.a"}, "1.a ", FALSE},
    {"of messages that have gone", DEFAULT, "3 V10 N4\n1 :1.a\n", {"2.b"}, "2.b ", FALSE},
    {"a name that comes twice goes by the last",
     DEFAULT,
     "3 V10 N4\n1 :1.a\n3 :1.a\n",
     {"1.a"},
     "000000030000000a ",
     FALSE},
    {"told before",
     DEFAULT,
     "3 V10 N4\n1 Pxyz :1.a\n2 P :2.b,S=1\n",
     {"1.a", "2.b"},
     "xyz 2.b,S=1 ",
     FALSE},
    {"GUIDs", "%g", "3 V10 N4\n1 Gd00d :1.a\n2 :2.b,S=3\n", {"1.a", "2.b"}, "d00d 2.b,S=3 ", FALSE},
    {"not fit for POP3",
     DEFAULT,
     "3 V10 N4\n1 Px\xc3\xa4 :1.a\n2 Px\x7f :2.b\n",
     {"1.a", "2.b"},
     "1.a 2.b ",
     FALSE},
    {"too long for POP3",
     "%f",
     "3 V1\n1 :1" FILLED ",S=123456\n2 :2" FILLED ",S=12345\n",
     {"1" FILLED, "2" FILLED},
     "1" FILLED " 2" FILLED ",S=12345 ",
     FALSE},
    {"in common", DEFAULT, "3 V10 N4\n1 Px :1.a\n2 Px :2.b\n", {"1.a", "2.b"}, "x 2.b ", FALSE},
    {"another's key",
     DEFAULT,
     "3 V10 N4\n1 P2.b :1.a\n2 :2.b\n",
     {"1.a", "2.b"},
     "2.b 000000020000000a ",
     FALSE},
    {"another's key, who has no other",
     DEFAULT,
     "3 V10 N4\n1 P2.b :1.a\n",
     {"1.a", "2.b"},
     "2.b ce9eda796a3454e77fa2fe86ceb16c7e720af075a9aae156fd494a25116fd615 ",
     TRUE},
};

static GPtrArray *list_keys(const char *const *keys) {
  GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < MAX_KEYS && keys[i] != NULL; i++)
    g_ptr_array_add(list, g_strdup(keys[i]));
  return list;
}

static MaildirIds *take_over(const char *format, const char *text) {
  g_autoptr(GError) error = NULL;
  g_autofree char *list = g_strdup(text);
  MaildirIds *ids = maildir_ids_take_over(format, list, list != NULL ? strlen(list) : 0, &error);
  g_assert_no_error(error);
  return ids;
}

/* What they are told by, with a space after each; each is fit for POP3, and one
 * message's alone. @has_new: whether there is anything to be kept. */
static char *tell(MaildirIds *ids, const GPtrArray *keys, gboolean has_new) {
  const char *told[MAX_KEYS];
  GString *text = g_string_new(NULL);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_assert_cmpint(maildir_ids_settle(ids, keys, told), ==, has_new);
  for (guint i = 0; i < keys->len; i++) {
    g_assert_true(maildir_name_is_uid(told[i], strlen(told[i])));
    g_assert_true(g_hash_table_add(seen, g_strdup(told[i])));
    g_string_append_printf(text, "%s ", told[i]);
  }
  return g_string_free(text, FALSE);
}

static MaildirIds *keep(const MaildirIds *ids) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) text = maildir_ids_print(ids);
  MaildirIds *kept = maildir_ids_parse(g_strdup(text->str), text->len, &error);
  g_assert_no_error(error);
  return kept;
}

static void test_taking_over(gconstpointer data) {
  const TakeOverRow *row = data;
  g_autoptr(GPtrArray) keys = list_keys(row->keys);
  g_autoptr(MaildirIds) ids = take_over(row->format, row->list);
  g_autofree char *told = tell(ids, keys, row->has_new);
  g_assert_cmpstr(told, ==, row->told);
  g_autoptr(MaildirIds) kept = keep(ids);
  g_autofree char *again = tell(kept, keys, FALSE);
  g_assert_cmpstr(again, ==, row->told);
}

static void test_refused(void) {
  g_autofree char *damaged = g_strdup("3 V10 N4\nx\n");
  g_autofree char *valid = g_strdup("3 V10 N4\n1 :1.a\n");
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) other = NULL;
  g_assert_null(maildir_ids_take_over(DEFAULT, damaged, strlen(damaged), &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  g_assert_nonnull(strstr(error->message, "line 2"));
  g_assert_null(maildir_ids_take_over("%v", valid, strlen(valid), &other));
  g_assert_error(other, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
}

/* Messages come and go, and the order is another. */
static void test_later(void) {
  const char *const before[MAX_KEYS] = {"1.a", "2.b", "3.c"};
  const char *const after[MAX_KEYS] = {"4.d", "3.c", "2.b", "0.x"};
  g_autoptr(GPtrArray) old_keys = list_keys(before);
  g_autoptr(GPtrArray) keys = list_keys(after);
  g_autoptr(MaildirIds) ids = take_over("%u", "3 V10 N4\n1 :1.a\n2 :2.b\n3 :3.c\n");
  g_autofree char *told = tell(ids, keys, FALSE);
  g_assert_cmpstr(told, ==, "4.d 3 2 0.x ");
  g_autofree char *again = tell(ids, old_keys, FALSE);
  g_assert_cmpstr(again, ==, "1 2 3 ");
}

/* A message comes whose file's name is what another's ID is. */
static void test_later_collision(void) {
  const char *const before[MAX_KEYS] = {"1.a"};
  const char *const after[MAX_KEYS] = {"000000010000000a", "1.a"};
  g_autoptr(GPtrArray) old_keys = list_keys(before);
  g_autoptr(GPtrArray) keys = list_keys(after);
  g_autoptr(MaildirIds) ids = take_over(DEFAULT, "3 V10 N4\n1 :1.a\n");
  g_autofree char *alone = tell(ids, old_keys, FALSE);
  g_autofree char *both = tell(ids, keys, TRUE);
  g_assert_cmpstr(alone, ==, "000000010000000a ");
  g_assert_true(g_str_has_suffix(both, " 000000010000000a "));
  g_assert_cmpuint(strlen(both), ==, 64 + 1 + 16 + 1);
  /* It stays when the other has gone. */
  g_autoptr(MaildirIds) kept = keep(ids);
  g_ptr_array_remove_index(keys, 1);
  g_autofree char *left = tell(kept, keys, FALSE);
  g_assert_true(g_str_has_prefix(both, left));
}

/* ---- what is kept ---- */

#define KEPT "mailauthd-unique-ids 1 "

static const struct {
  const char *text;
  gboolean valid;
} kept_rows[] = {
    {KEPT "0\n", TRUE},
    {KEPT "2\n1.a x\n2.b y\n", TRUE},
    {"", FALSE},
    {KEPT "0", FALSE},
    {KEPT "\n", FALSE},
    {KEPT "-1\n", FALSE},
    {KEPT "1000001\n", FALSE},
    {"mailauthd-unique-ids 2 0\n", FALSE},
    {KEPT "2\n1.a x\n", FALSE},
    {KEPT "2\n1.a x\n2.b y", FALSE},
    {KEPT "1\n1.a x\n2.b y\n", FALSE},
    {KEPT "1\n1.a x\n\n", FALSE},
    {KEPT "1\n1.a\n", FALSE},
    {KEPT "1\n1.a \n", FALSE},
    {KEPT "1\n x\n", FALSE},
    {KEPT "1\n1.a x y\n", FALSE},
    {KEPT "1\n1.a x\r\n", FALSE},
    {KEPT "2\n1.a x\n2.b x\n", FALSE},
};

static void test_kept(void) {
  for (guint i = 0; i < G_N_ELEMENTS(kept_rows); i++) {
    const char *text = kept_rows[i].text;
    g_autoptr(GError) error = NULL;
    g_autoptr(MaildirIds) ids = maildir_ids_parse(g_strdup(text), strlen(text), &error);
    g_test_message("%s", text);
    g_assert_cmpint(ids != NULL, ==, kept_rows[i].valid);
    if (ids == NULL) {
      g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_FAILED);
      continue;
    }
    g_autoptr(GString) again = maildir_ids_print(ids);
    g_assert_cmpstr(again->str, ==, text);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/unique-ids/formats", test_formats);
  g_test_add_func("/unique-ids/largest", test_largest);
  g_test_add_func("/unique-ids/lists", test_lists);
  g_test_add_func("/unique-ids/long-lines", test_long_lines);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strdup_printf("/unique-ids/taking-over/%s", rows[i].what);
    g_test_add_data_func(path, &rows[i], test_taking_over);
  }
  g_test_add_func("/unique-ids/refused", test_refused);
  g_test_add_func("/unique-ids/later", test_later);
  g_test_add_func("/unique-ids/later-collision", test_later_collision);
  g_test_add_func("/unique-ids/kept", test_kept);
  return g_test_run();
}
