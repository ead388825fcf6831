/* SPDX-License-Identifier: MIT */
/* Access lists: what they take, their text form, and what they decide. */
#include "regd/base/access.h"

#include <string.h>

#include "client/base/protocol.h"

#define ALICE 1000U
#define ELSEWHERE "HKEY_LOCAL_MACHINE\\SOFTWARE"
#define BOB 1001U
#define STAFF 50U
#define WHEEL 10U

static gboolean resolve(PrincipalKind kind, const char *name, guint32 *id) {
  if (kind == PRINCIPAL_USER && strcmp(name, "alice") == 0)
    *id = ALICE;
  else if (kind == PRINCIPAL_GROUP && strcmp(name, "staff") == 0)
    *id = STAFF;
  else
    return FALSE;
  return TRUE;
}

static gboolean resolve_never(G_GNUC_UNUSED PrincipalKind kind, G_GNUC_UNUSED const char *name,
                              G_GNUC_UNUSED guint32 *id) {
  g_assert_not_reached();
}

/* "user:alice=read,everyone=none" */
static Acl *parse(const char *text, GError **error) {
  g_auto(GStrv) words = g_strsplit(text, ",", -1);
  g_autofree AclText *entries = g_new0(AclText, g_strv_length(words) + 1);
  guint count = 0;
  for (; words[count] != NULL; count++) {
    char *equals = strrchr(words[count], '=');
    *equals = '\0';
    entries[count].principal = words[count];
    entries[count].level = equals + 1;
  }
  return acl_new(entries, count, resolve, error);
}

typedef struct {
  const char *acl;
  guint32 uid;
  guint32 group; /* 0: none */
  gboolean administrator;
  AccessLevel level, secret_level;
  const char *path;
} Decision;

static const Decision decisions[] = {
    {"everyone=read", ALICE, 0, FALSE, ACCESS_READ, ACCESS_NONE, ELSEWHERE},
    {"everyone=control", ALICE, 0, FALSE, ACCESS_CONTROL, ACCESS_NONE, ELSEWHERE},
    {"user:alice=write", ALICE, 0, FALSE, ACCESS_WRITE, ACCESS_WRITE, ELSEWHERE},
    {"user:alice=write", BOB, 0, FALSE, ACCESS_NONE, ACCESS_NONE, ELSEWHERE},
    {"user:1000=read,everyone=control", ALICE, 0, FALSE, ACCESS_READ, ACCESS_READ, ELSEWHERE},
    {"user:alice=none,group:staff=control", ALICE, STAFF, FALSE, ACCESS_NONE, ACCESS_NONE,
     ELSEWHERE},
    {"group:staff=read,everyone=write", BOB, STAFF, FALSE, ACCESS_READ, ACCESS_READ, ELSEWHERE},
    {"group:staff=none,everyone=write", BOB, STAFF, FALSE, ACCESS_NONE, ACCESS_NONE, ELSEWHERE},
    {"group:50=read,group:10=write", BOB, STAFF, FALSE, ACCESS_WRITE, ACCESS_WRITE, ELSEWHERE},
    {"group:staff=control", BOB, 0, FALSE, ACCESS_NONE, ACCESS_NONE, ELSEWHERE},
    /* A uid is no gid. */
    {"group:1000=control", ALICE, STAFF, FALSE, ACCESS_NONE, ACCESS_NONE, ELSEWHERE},
    {"user:alice=none,everyone=none", ALICE, 0, TRUE, ACCESS_CONTROL, ACCESS_CONTROL, ELSEWHERE},
    /* Nobody locks themselves out of their own branch. */
    {"everyone=read", ALICE, 0, FALSE, ACCESS_CONTROL, ACCESS_CONTROL, "HKEY_USERS\\1000"},
    {"user:alice=none", ALICE, 0, FALSE, ACCESS_CONTROL, ACCESS_CONTROL,
     "HKEY_USERS\\1000\\Software"},
    {"group:staff=none", ALICE, STAFF, FALSE, ACCESS_CONTROL, ACCESS_CONTROL,
     "HKEY_USERS\\1000\\a"},
    /* Others' branches, and what only looks like theirs. */
    {"everyone=read", BOB, 0, FALSE, ACCESS_READ, ACCESS_NONE, "HKEY_USERS\\1000"},
    {"everyone=none", ALICE, 0, FALSE, ACCESS_NONE, ACCESS_NONE, "HKEY_USERS\\10001"},
    {"everyone=none", ALICE, 0, FALSE, ACCESS_NONE, ACCESS_NONE, "HKEY_USERS\\100"},
    {"everyone=none", ALICE, 0, FALSE, ACCESS_NONE, ACCESS_NONE, "HKEY_USERS"},
    {"everyone=none", ALICE, 0, FALSE, ACCESS_NONE, ACCESS_NONE, "HKEY_LOCAL_MACHINE\\1000"},
    {"everyone=none", G_MAXUINT32, 0, FALSE, ACCESS_NONE, ACCESS_NONE, "HKEY_USERS\\4294967295"},
};

static void test_decisions(void) {
  for (guint i = 0; i < G_N_ELEMENTS(decisions); i++) {
    const Decision *row = &decisions[i];
    /* Everybody with a group is in wheel too. */
    guint32 groups[] = {row->group, WHEEL};
    g_autoptr(Identity) who =
        identity_new(row->uid, row->administrator, groups, row->group != 0 ? 2 : 0, 1, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Acl) acl = parse(row->acl, &error);
    g_assert_no_error(error);
    g_test_message("%s for %u at %s", row->acl, row->uid, row->path);
    g_assert_cmpint(acl_get_level(acl, row->path, who), ==, row->level);
    g_assert_cmpint(acl_get_secret_level(acl, row->path, who), ==, row->secret_level);
  }
}

static void test_no_list_gives_nothing(void) {
  g_autoptr(Identity) user = identity_new(ALICE, FALSE, NULL, 0, 0, NULL);
  g_autoptr(Identity) root = identity_new(0, TRUE, NULL, 0, 0, NULL);
  g_assert_cmpint(acl_get_level(NULL, ELSEWHERE, user), ==, ACCESS_NONE);
  g_assert_cmpint(acl_get_secret_level(NULL, ELSEWHERE, user), ==, ACCESS_NONE);
  g_assert_cmpint(acl_get_level(NULL, ELSEWHERE, root), ==, ACCESS_CONTROL);
}

static const struct {
  const char *acl;
  RegistryError code;
  const char *named;
} refusals[] = {
    {"alice=read", REGISTRY_ERROR_INVALID_VALUE, "alice"},
    {"user:=read", REGISTRY_ERROR_INVALID_VALUE, "user:"},
    {"Everyone=read", REGISTRY_ERROR_INVALID_VALUE, "Everyone"},
    {"user:nobody-at-all=read", REGISTRY_ERROR_INVALID_VALUE, "nobody-at-all"},
    {"group:alice=read", REGISTRY_ERROR_INVALID_VALUE, "alice"},
    {"user:4294967295=read", REGISTRY_ERROR_INVALID_VALUE, "4294967295"},
    {"user:99999999999999999999=read", REGISTRY_ERROR_INVALID_VALUE, "no user"},
    {"user:-1=read", REGISTRY_ERROR_INVALID_VALUE, "-1"},
    {"user:alice=rw", REGISTRY_ERROR_INVALID_VALUE, "rw"},
    {"user:alice=Read", REGISTRY_ERROR_INVALID_VALUE, "none, read, write or control"},
    {"user:alice=", REGISTRY_ERROR_INVALID_VALUE, "no level"},
    {"user:alice=read,user:1000=write", REGISTRY_ERROR_INVALID_VALUE, "twice"},
    {"everyone=read,everyone=write", REGISTRY_ERROR_INVALID_VALUE, "twice"},
    {"user:a\nb=read", REGISTRY_ERROR_INVALID_VALUE, "principal"},
    {"user:\xff=read", REGISTRY_ERROR_INVALID_VALUE, "principal"},
};

static void test_refusals(void) {
  for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
    g_autoptr(GError) error = NULL;
    g_test_message("%u", i);
    g_assert_null(parse(refusals[i].acl, &error));
    g_assert_error(error, REGISTRY_ERROR, (gint)refusals[i].code);
    g_assert_nonnull(strstr(error->message, refusals[i].named));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
  }
}

static void test_too_many_entries(void) {
  AclText entries[LIMIT_ACL_ENTRIES + 1];
  char level[] = "read";
  for (guint i = 0; i <= LIMIT_ACL_ENTRIES; i++) {
    entries[i].principal = g_strdup_printf("user:%u", i + 1);
    entries[i].level = level;
  }
  g_autoptr(GError) error = NULL;
  g_autoptr(Acl) fits = acl_new(entries, LIMIT_ACL_ENTRIES, resolve_never, NULL);
  g_assert_nonnull(fits);
  g_assert_null(acl_new(entries, LIMIT_ACL_ENTRIES + 1, resolve_never, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  for (guint i = 0; i <= LIMIT_ACL_ENTRIES; i++)
    g_free(entries[i].principal);
}

static void test_text_form(void) {
  g_autoptr(Acl) acl = parse("user:alice=read,group:staff=write,everyone=none", NULL);
  g_autofree char *text = acl_encode(acl);
  g_autoptr(Acl) again = acl_decode(text, NULL);
  g_assert_null(strchr(text, '\n'));
  g_assert_true(acl_equal(acl, again));
  g_autoptr(Acl) other = parse("user:alice=read,group:staff=write,everyone=read", NULL);
  g_assert_false(acl_equal(acl, other));
  g_assert_false(acl_equal(acl, NULL));
  g_assert_true(acl_equal(NULL, NULL));
  g_autoptr(Acl) none = parse("", NULL);
  g_autofree char *nothing = acl_encode(none);
  g_autoptr(Acl) nothing_again = acl_decode(nothing, NULL);
  g_assert_true(acl_equal(none, nothing_again));
}

static gboolean resolve_to_nobody(G_GNUC_UNUSED PrincipalKind kind, G_GNUC_UNUSED const char *name,
                                  guint32 *id) {
  *id = ACCESS_NOBODY;
  return TRUE;
}

/* As the fleet brings them. */
static void test_names_that_nobody_has(void) {
  const AclText entries[] = {{(char *)(guintptr) "user:x", (char *)(guintptr) "write"},
                             {(char *)(guintptr) "user:y", (char *)(guintptr) "control"},
                             {(char *)(guintptr) "group:x", (char *)(guintptr) "write"},
                             {(char *)(guintptr) "everyone", (char *)(guintptr) "read"}};
  g_autoptr(GError) error = NULL;
  g_autoptr(Acl) acl = acl_new(entries, G_N_ELEMENTS(entries), resolve_to_nobody, &error);
  g_assert_no_error(error);
  g_autofree char *text = acl_encode(acl);
  g_autoptr(Acl) again = acl_decode(text, &error);
  g_assert_no_error(error);
  g_assert_true(acl_equal(acl, again));
  const guint32 uids[] = {ALICE, 0, ACCESS_NOBODY};
  for (guint i = 0; i < G_N_ELEMENTS(uids); i++) {
    g_autoptr(Identity) who = identity_new(uids[i], FALSE, NULL, 0, 0, NULL);
    g_assert_cmpint(acl_get_level(again, ELSEWHERE, who), ==, ACCESS_READ);
  }
}

static void test_damaged_text(void) {
  const char *const damaged[] = {
      "x",
      "1000 read",
      "1000 read alice",
      "-1 read user:a",
      "1000  user:a",
      "1 read user:a\t",
      "\t",
      "1 rule user:a",
      "1 read user:",
      "1 read user:a\t1 write user:b",
      "4294967295 read user:a",
      "1 read user:\xff",
  };
  for (guint i = 0; i < G_N_ELEMENTS(damaged); i++) {
    g_autoptr(GError) error = NULL;
    g_test_message("%u", i);
    g_assert_null(acl_decode(damaged[i], &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_STORAGE_FAILURE);
  }
}

static void test_nss(void) {
  guint32 id = 99;
  g_assert_true(access_resolve_with_nss(PRINCIPAL_USER, "root", &id));
  g_assert_cmpuint(id, ==, 0);
  id = 99;
  g_assert_true(access_resolve_with_nss(PRINCIPAL_GROUP, "root", &id));
  g_assert_cmpuint(id, ==, 0);
  g_assert_false(access_resolve_with_nss(PRINCIPAL_USER, "no such user at all", &id));
  g_assert_false(access_resolve_with_nss(PRINCIPAL_EVERYONE, "", &id));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/access/decisions", test_decisions);
  g_test_add_func("/access/no-list-gives-nothing", test_no_list_gives_nothing);
  g_test_add_func("/access/refusals", test_refusals);
  g_test_add_func("/access/too-many-entries", test_too_many_entries);
  g_test_add_func("/access/text-form", test_text_form);
  g_test_add_func("/access/names-that-nobody-has", test_names_that_nobody_has);
  g_test_add_func("/access/damaged-text", test_damaged_text);
  g_test_add_func("/access/nss", test_nss);
  return g_test_run();
}
