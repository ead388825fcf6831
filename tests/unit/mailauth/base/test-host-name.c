/* SPDX-License-Identifier: MIT */
/* Names of hosts: as keys have them, as clients send them, and wildcards. */
#include <string.h>

#include "client/registry.h"
#include "mailauth/base/host-name.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_253                                                                                   \
  LABEL_63 "." LABEL_63 "." LABEL_63                                                               \
           ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_keys(void) {
  static const struct {
    const char *key, *name; /* or what the problem says */
    gboolean taken;
  } rows[] = {
      {"mail.example.org", "mail.example.org", TRUE},
      {"Mail.EXAMPLE.org", "mail.example.org", TRUE},
      {"*.Example.org", "*.example.org", TRUE},
      {"*.internal", "*.internal", TRUE},
      {"localhost", "localhost", TRUE},
      {"xn--bcher-kva.example", "xn--bcher-kva.example", TRUE},
      {"_dmarc.example.org", "_dmarc.example.org", TRUE},
      {"3com.example", "3com.example", TRUE},
      {NAME_253, NAME_253, TRUE},
      {"a" NAME_253, "letters, digits and hyphens", FALSE},
      {LABEL_63 "a.org", "letters, digits and hyphens", FALSE},
      {"mail.example.org.", "without a dot at its end", FALSE},
      {".example.org", "letters, digits and hyphens", FALSE},
      {"mail..example.org", "letters, digits and hyphens", FALSE},
      {"", "letters, digits and hyphens", FALSE},
      {".", "without a dot at its end", FALSE},
      {"*", "the whole of the first label", FALSE},
      {"*.", "without a dot at its end", FALSE},
      {"*.*.org", "the whole of the first label", FALSE},
      {"mail.*.org", "the whole of the first label", FALSE},
      {"*mail.org", "the whole of the first label", FALSE},
      {"-mail.org", "letters, digits and hyphens", FALSE},
      {"mail-.org", "letters, digits and hyphens", FALSE},
      {"mail org", "letters, digits and hyphens", FALSE},
      {"mail:995", "letters, digits and hyphens", FALSE},
      {"192.0.2.1", "addresses", FALSE},
      {"[::1]", "letters, digits and hyphens", FALSE},
      {"b\303\274cher.example", "is written 'xn--bcher-kva.example' here", FALSE},
      {"*.b\303\274cher.example", "is written '*.xn--bcher-kva.example' here", FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *name = host_name_new(rows[i].key, &error);
    g_test_message("'%s'", rows[i].key);
    if (rows[i].taken) {
      g_assert_cmpstr(name, ==, rows[i].name);
      g_assert_true(host_name_is_canonical(name));
      g_assert_cmpint(host_name_is_canonical(rows[i].key), ==, g_str_equal(rows[i].key, name));
      continue;
    }
    g_assert_null(name);
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
    g_assert_nonnull(strstr(error->message, rows[i].name));
    g_assert_false(host_name_is_canonical(rows[i].key));
  }
}

#define EXTENSION(text)                                                                            \
  { text, sizeof text - 1 }

static void test_extensions(void) {
  static const struct {
    struct {
      const char *bytes;
      gsize size;
    } extension;
    const char *name; /* NULL: none */
  } rows[] = {
      {EXTENSION("\0\7\0\0\4mail"), "mail"},
      {EXTENSION("\0\7\0\0\4MAIL"), "mail"},
      {EXTENSION("\0\10\0\0\5mail."), "mail"},
      {EXTENSION("\0\12\1\0\0\0\0\4mail"), "mail"},
      {EXTENSION("\0\16\0\0\4mail\0\0\4post"), "mail"},
      {EXTENSION(""), NULL},
      {EXTENSION("\0"), NULL},
      {EXTENSION("\0\0"), NULL},
      {EXTENSION("\0\3\0\0\0"), NULL},
      {EXTENSION("\0\4\0\0\1."), NULL},
      {EXTENSION("\0\6\0\0\4mail"), NULL},
      {EXTENSION("\0\10\0\0\4mail"), NULL},
      {EXTENSION("\0\7\0\0\5mail"), NULL},
      {EXTENSION("\0\7\0\377\377mail"), NULL},
      {EXTENSION("\0\7\1\0\4mail"), NULL},
      {EXTENSION("\0\7\0\0\4ma\0l"), NULL},
      {EXTENSION("\0\7\0\0\4ma/l"), NULL},
      {EXTENSION("\0\7\0\0\4*.ab"), NULL},
      {EXTENSION("\0\7\0\0\4m\303\274a"), NULL},
      {EXTENSION("\0\7\0\0\4ma.."), NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    char name[MAX_HOST_NAME + 1] = "unset";
    g_test_message("%u", i);
    g_assert_cmpint(
        host_name_find((const guint8 *)rows[i].extension.bytes, rows[i].extension.size, name), ==,
        rows[i].name != NULL);
    if (rows[i].name != NULL)
      g_assert_cmpstr(name, ==, rows[i].name);
  }
}

static void test_wildcards(void) {
  static const struct {
    const char *name, *wildcard;
  } rows[] = {
      {"mail.example.org", "*.example.org"},
      {"a.b", "*.b"},
      {"localhost", NULL},
      {"*.example.org", NULL},
      {NAME_253,
       "*." LABEL_63 "." LABEL_63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    char wildcard[MAX_HOST_NAME + 1];
    g_assert_cmpint(host_name_generalise(rows[i].name, wildcard), ==, rows[i].wildcard != NULL);
    if (rows[i].wildcard != NULL)
      g_assert_cmpstr(wildcard, ==, rows[i].wildcard);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/host-name/keys", test_keys);
  g_test_add_func("/host-name/extensions", test_extensions);
  g_test_add_func("/host-name/wildcards", test_wildcards);
  return g_test_run();
}
