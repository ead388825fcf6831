/* SPDX-License-Identifier: MIT */
/* Users' names: see name.h. It answers for what a name may be, so that no code behind it
 * meets `../../etc/passwd` or a second spelling of the same account. */
#include "mailauth/base/name.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/escape.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/saslprep.h"

#define MAX_ACCOUNT_BYTES 255
#define REPLACEMENT_CHARACTER 0xFFFDU

char *name_fold(const char *text) {
  GString *folded = g_string_new(NULL);
  for (const char *at = text; *at != '\0'; at += g_utf8_skip[(guint8)*at])
    g_string_append_unichar(folded, g_unichar_tolower(g_unichar_toupper(g_utf8_get_char(at))));
  return g_string_free(folded, FALSE);
}

static gboolean is_plain_text(const char *text) {
  if (*text == '\0' || strlen(text) > MAX_USER || !g_utf8_validate(text, -1, NULL))
    return FALSE;
  for (const char *at = text; *at != '\0'; at += g_utf8_skip[(guint8)*at]) {
    gunichar character = g_utf8_get_char(at);
    if (g_unichar_iscntrl(character) || character == REPLACEMENT_CHARACTER)
      return FALSE;
  }
  return TRUE;
}

/* Databases pass over spaces at the end of a text: "ann " would be another account with ann's row.
 */
static gboolean is_account(const char *text) {
  gsize length = strlen(text);
  return length > 0 && length <= MAX_ACCOUNT_BYTES && strchr(text, '\\') == NULL &&
         text[0] != ' ' && text[length - 1] != ' ' && strstr(text, " @") == NULL &&
         strstr(text, "@ ") == NULL;
}

/* As names are compared: NULL if it is no text that can be a name. Owned. */
static char *prepare(const char *text) {
  if (!is_plain_text(text))
    return NULL;
  if (g_str_is_ascii(text))
    return g_ascii_strdown(text, -1);
  g_auto(Secret) prepared = {0};
  if (!saslprep_try(text, strlen(text), &prepared))
    return NULL;
  g_autofree char *folded = name_fold(secret_get_text(&prepared));
  return g_utf8_normalize(folded, -1, G_NORMALIZE_NFKC);
}

static gboolean is_domain(const char *text, const char *const *domains) {
  return domains != NULL && g_strv_contains(domains, text);
}

static gboolean are_several(const char *const *domains) {
  return domains != NULL && domains[0] != NULL && domains[1] != NULL;
}

static char *dup_if_account(const char *text) {
  return is_account(text) ? g_strdup(text) : NULL;
}

/* @user of @domain, which is one of them. */
static char *join(const char *user, const char *domain, const char *const *domains) {
  if (!are_several(domains) || *user == '\0')
    return dup_if_account(user);
  g_autofree char *full = g_strconcat(user, "@", domain, NULL);
  return strchr(user, '@') == NULL ? dup_if_account(full) : NULL;
}

/* A prepared name without a backslash. */
static char *get_plain(const char *name, const char *const *domains) {
  const char *at = strrchr(name, '@');
  if (are_several(domains))
    return at != NULL && at != name && at[1] != '\0' ? dup_if_account(name) : NULL;
  if (at == NULL || !is_domain(at + 1, domains))
    return dup_if_account(name);
  g_autofree char *user = g_strndup(name, (gsize)(at - name));
  return dup_if_account(user);
}

/* DOMAIN\user or DOMAIN\user\mailbox. */
static char *get_of_domain(const char *name, const char *const *domains) {
  g_auto(GStrv) parts = g_strsplit(name, "\\", 4);
  guint n_parts = g_strv_length(parts);
  if (n_parts > 3 || !is_domain(parts[0], domains) || (n_parts == 3 && !is_account(parts[2])))
    return NULL;
  return join(parts[1], parts[0], domains);
}

char *name_get_account(const char *text, const char *const *domains) {
  g_autofree char *name = prepare(text);
  if (name == NULL)
    return NULL;
  return strchr(name, '\\') != NULL ? get_of_domain(name, domains) : get_plain(name, domains);
}

gboolean name_asks_for_another(const char *text, const char *const *domains) {
  g_autofree char *name = prepare(text);
  g_auto(GStrv) parts = g_strsplit(name != NULL ? name : "", "\\", 4);
  if (g_strv_length(parts) != 3 || g_str_equal(parts[1], parts[2]))
    return FALSE;
  g_autofree char *account = get_of_domain(name, domains);
  g_autofree char *mailbox = get_plain(parts[2], domains);
  return account == NULL || g_strcmp0(account, mailbox) != 0;
}

char *name_get_domain(const char *text) {
  g_autofree char *name = prepare(text);
  return name != NULL && strpbrk(name, " \\/@") == NULL ? g_steal_pointer(&name) : NULL;
}

char **name_dup_domains(const char *const *texts, const char **wrong) {
  GPtrArray *domains = g_ptr_array_new();
  *wrong = NULL;
  for (const char *const *text = texts; *text != NULL; text++) {
    g_autofree char *domain = name_get_domain(*text);
    if (domain == NULL && **text != '\0' && *wrong == NULL)
      *wrong = *text;
    if (domain != NULL && !g_ptr_array_find_with_equal_func(domains, domain, g_str_equal, NULL))
      g_ptr_array_add(domains, g_steal_pointer(&domain));
  }
  g_ptr_array_add(domains, NULL);
  return (char **)g_ptr_array_free(domains, FALSE);
}

gboolean name_check_pattern(const char *pattern, GError **error) {
  if (*pattern != '/')
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'%s' is not an absolute path", pattern);
  for (const char *at = strchr(pattern, '%'); at != NULL; at = strchr(at + 2, '%'))
    if (at[1] == '\0' || strchr("und%", at[1]) == NULL)
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                       "'%s' holds a '%%' that is none of '%%u', '%%n', '%%d' and '%%%%'", pattern);
  return TRUE;
}

static gboolean is_component(const char *account) {
  return is_account(account) && account[0] != '.' && strchr(account, '/') == NULL;
}

char *name_dup_part(char variable, const char *account) {
  const char *at = strrchr(account, '@');
  if (variable == 'd')
    return g_strdup(at != NULL ? at + 1 : "");
  if (variable == 'n' && at != NULL)
    return g_strndup(account, (gsize)(at - account));
  return g_strdup(account);
}

/* What `%u`, `%n`, `%d` or `%%` stands for; NULL: nothing that is fit for a path. Owned. */
static char *dup_component(char variable, const char *account) {
  if (variable == '%')
    return g_strdup("%");
  g_autofree char *part = name_dup_part(variable, account);
  return is_component(part) ? g_steal_pointer(&part) : NULL;
}

char *name_expand_path(const char *pattern, const char *account, GError **error) {
  if (!name_check_pattern(pattern, error))
    return NULL;
  g_autoptr(GString) path = g_string_new(NULL);
  if (!is_component(account)) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the user's name cannot be part of a path");
    return NULL;
  }
  for (const char *at = pattern; *at != '\0'; at++) {
    if (*at != '%') {
      g_string_append_c(path, *at);
      continue;
    }
    g_autofree char *part = dup_component(*++at, account);
    if (part == NULL) {
      error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                "the user's name has nothing for '%%%c' that can be part of a path", *at);
      return NULL;
    }
    g_string_append(path, part);
  }
  return g_strdup(path->str);
}

char *name_dup_shown(const char *name) {
  return escape_dup(name, -1, MAX_SHOWN_NAME);
}
