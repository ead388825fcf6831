/* SPDX-License-Identifier: MIT */
/* Folding: a change that touches things twice is told as what really differs. Each row
 * applies one change to the same small tree, and names what is told of it. */
#include "regd/history/record.h"
#include "tests/unit/support/store-fixture.h"

#define KEY "HKEY_LOCAL_MACHINE\\T"
#define SET(value, data)                                                                           \
  { .kind = OPERATION_SET_VALUE, .key = KEY, .name = (value), .text = (data) }
#define DELETE(value)                                                                              \
  { .kind = OPERATION_DELETE_VALUE, .key = KEY, .name = (value) }
#define CREATE(path)                                                                               \
  { .kind = OPERATION_CREATE_KEY, .key = (path) }
#define DELETE_TREE(path)                                                                          \
  { .kind = OPERATION_DELETE_TREE, .key = (path) }
#define RENAME(path, to)                                                                           \
  { .kind = OPERATION_RENAME_KEY, .key = (path), .name = (to) }

static const OperationRow tree[] = {SET("a", "1"), SET("b", "2"), CREATE(KEY "\\sub"), {0}};

static const struct {
  const char *name;
  OperationRow change[8];
  const char *told;
} cases[] = {
    {"what is touched once",
     {SET("a", "x"), SET("c", "3")},
     "value-set " KEY " a\nvalue-set " KEY " c\n"},
    {"set and deleted", {SET("c", "3"), DELETE("c")}, ""},
    {"set twice", {SET("a", "x"), SET("a", "y")}, "value-set " KEY " a\n"},
    {"set back", {SET("a", "x"), SET("a", "1")}, ""},
    {"set and then deleted", {SET("a", "x"), DELETE("a")}, "value-deleted " KEY " a\n"},
    {"the last deleted and set again", {DELETE("b"), SET("b", "2")}, ""},
    {"the last deleted and set to another", {DELETE("b"), SET("b", "x")}, "value-set " KEY " b\n"},
    {"the first deleted and set again, now behind",
     {DELETE("a"), SET("a", "1")},
     "value-deleted " KEY " a\nvalue-set " KEY " a\n"},
    {"deleted and set in another spelling",
     {DELETE("b"), SET("B", "2")},
     "value-deleted " KEY " b\nvalue-set " KEY " B\n"},
    {"deleted, set and deleted",
     {DELETE("b"), SET("b", "x"), DELETE("b")},
     "value-deleted " KEY " b\n"},
    {"a key created and deleted", {CREATE(KEY "\\new"), DELETE_TREE(KEY "\\new")}, ""},
    {"a key deleted and created", {DELETE_TREE(KEY "\\sub"), CREATE(KEY "\\sub")}, ""},
    {"a key deleted and created in another spelling",
     {DELETE_TREE(KEY "\\sub"), CREATE(KEY "\\SUB")},
     "key-deleted " KEY "\\sub \nkey-created " KEY "\\SUB \n"},
    {"a key deleted and created with a class",
     {DELETE_TREE(KEY "\\sub"),
      {.kind = OPERATION_CREATE_KEY, .key = KEY "\\sub", .class_name = "c"}},
     "key-deleted " KEY "\\sub \nkey-created " KEY "\\sub \n"},
    {"a key renamed and back", {RENAME(KEY "\\sub", "other"), RENAME(KEY "\\other", "sub")}, ""},
    {"a branch made again as it was",
     {DELETE_TREE(KEY), SET("a", "1"), SET("b", "2"), CREATE(KEY "\\sub")},
     ""},
    {"a branch made again without its first value",
     {DELETE_TREE(KEY), SET("b", "2"), CREATE(KEY "\\sub")},
     "value-deleted " KEY " a\n"},
    /* Undoing it puts b back where it was, which must be behind a again. */
    {"a branch made again without its last value",
     {DELETE_TREE(KEY), SET("a", "1"), CREATE(KEY "\\sub")},
     "value-deleted " KEY " a\nvalue-deleted " KEY " b\nvalue-set " KEY " a\n"},
};

static void what_differs_is_told(gconstpointer data) {
  guint index = GPOINTER_TO_UINT(data);
  StoreFixture fixture = {0};
  store_fixture_set_up(&fixture, NULL);
  g_free(store_fixture_apply(&fixture, tree));
  guint64 before = fixture.revision;
  g_autofree char *told = store_fixture_apply(&fixture, cases[index].change);
  g_assert_cmpstr(told, ==, cases[index].told);
  g_assert_cmpuint(fixture.revision, ==, before + (*told != '\0'));
  store_fixture_tear_down(&fixture, NULL);
}

static gboolean take_difference(const Difference *difference, G_GNUC_UNUSED guint64 revision,
                                gpointer data, G_GNUC_UNUSED GError **error) {
  g_autofree char *old = registry_value_dup_string(difference->old_value);
  g_autofree char *new = registry_value_dup_string(difference->new_value);
  g_string_append_printf(data, "%s: %s -> %s\n", difference->name, old, new);
  return TRUE;
}

/* History keeps what stood before the first difference and stands after the last. */
static void the_first_state_is_kept(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  static const OperationRow change[] = {
      SET("a", "x"), DELETE("a"), SET("a", "y"), SET("a", "z"), {0}};
  static const OperationRow alone[] = {SET("a", "1"), {0}};
  g_autoptr(GString) told = g_string_new(NULL);
  g_free(store_fixture_apply(fixture, alone));
  g_free(store_fixture_apply(fixture, change));
  const HistoryVisitor visitor = {take_difference, told};
  g_assert_true(history_visit_revision(fixture->store, fixture->revision, &visitor, NULL));
  g_assert_cmpstr(told->str, ==, "a: 1 -> z\n");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *path = g_strconcat("/fold/", cases[i].name, NULL);
    g_test_add_data_func(path, GUINT_TO_POINTER(i), what_differs_is_told);
  }
  g_test_add("/fold/the first state is kept", StoreFixture, NULL, store_fixture_set_up,
             the_first_state_is_kept, store_fixture_tear_down);
  return g_test_run();
}
