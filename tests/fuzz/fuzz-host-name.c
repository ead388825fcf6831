/* SPDX-License-Identifier: MIT */
/* A server_name extension from a stranger, and the same bytes as a key's name:
 * whatever is taken for a host's name is one, in one way of writing. */
#include <string.h>

#include "mailauth/base/host-name.h"
#include "tests/fuzz/fuzz.h"

static void check_wildcard(const char *name) {
  char wildcard[MAX_HOST_NAME + 1];
  if (host_name_generalise(name, wildcard))
    g_assert_true(g_str_has_prefix(wildcard, "*.") && strlen(wildcard) <= MAX_HOST_NAME);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  char name[MAX_HOST_NAME + 1];
  if (host_name_find(data, size, name)) {
    g_autofree char *again = host_name_new(name, NULL);
    g_assert_true(again == NULL || g_str_equal(again, name));
    g_assert_null(strchr(name, '*'));
    check_wildcard(name);
  }
  g_autofree char *text = size > 0 ? g_strndup((const char *)data, size) : g_strdup("");
  g_autofree char *key = g_utf8_validate(text, -1, NULL) ? host_name_new(text, NULL) : NULL;
  if (key != NULL) {
    g_assert_true(host_name_is_canonical(key));
    check_wildcard(key);
  }
  return 0;
}
