/* SPDX-License-Identifier: MIT */
/* ldap-filter.c: names in filters, which RFC 4515 has to read as values alone. */
#include "mailauth/package/ldap-filter.h"

static const struct {
  const char *title, *pattern, *user, *filter;
} rows[] = {
    {"plain", "(uid=%u)", "ann", "(uid=ann)"},
    {"twice", "(|(uid=%u)(mail=%u@x.test))", "ann", "(|(uid=ann)(mail=ann@x.test))"},
    {"star", "(uid=%u)", "*", "(uid=\\2a)"},
    {"parentheses", "(uid=%u)", "a)(uid=*", "(uid=a\\29\\28uid=\\2a)"},
    {"backslash", "(uid=%u)", "a\\2a", "(uid=a\\5c2a)"},
    {"control characters", "(uid=%u)", "a\n\x7f\x01", "(uid=a\\0a\\7f\\01)"},
    {"spaces at the ends", "(uid=%u)", " a b ", "(uid=\\20a b\\20)"},
    {"not ASCII", "(uid=%u)", "z\xc3\xa4h", "(uid=z\xc3\xa4h)"},
    {"a place in the name", "(uid=%u)", "%u%u", "(uid=%u%u)"},
    {"nobody", "(uid=%u)", "", "(uid=)"},
    {"the parts of a name", "(&(uid=%n)(o=%d)(mail=%u))", "a@b@x.test",
     "(&(uid=a@b)(o=x.test)(mail=a@b@x.test))"},
    {"parts are escaped", "(&(uid=%n)(o=%d))", "*@(", "(&(uid=\\2a)(o=\\28))"},
    {"no domain", "(&(uid=%n)(o=%d))", "ann", "(&(uid=ann)(o=))"},
    {"other letters", "(uid=%x%%u%", "ann", "(uid=%x%ann%"},
    {"no place", "(uid=joe)", "ann", "(uid=joe)"},
};

static void test_row(gconstpointer data) {
  gsize row = GPOINTER_TO_SIZE(data);
  g_autofree char *filter = ldap_filter_expand(rows[row].pattern, rows[row].user);
  g_assert_cmpstr(filter, ==, rows[row].filter);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/ldap-filter/", rows[i].title, NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
  }
  return g_test_run();
}
