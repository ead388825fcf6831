/* SPDX-License-Identifier: MIT */
/* Users' names: see name.h. It answers for what a name may be, so that no code behind it
 * meets `../../etc/passwd` or a second spelling of the same account. */
#include "mailauth/base/name.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/escape.h"
#include "mailauth/base/limits.h"

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

static gboolean is_account(const char *text) {
  return *text != '\0' && strlen(text) <= MAX_ACCOUNT_BYTES && strchr(text, '\\') == NULL;
}

static gboolean is_domain(const char *text, const char *folded_domain) {
  return *folded_domain != '\0' && g_str_equal(text, folded_domain);
}

/* DOMAIN\user or DOMAIN\user\mailbox. */
static char *account_of_domain(const char *folded, const char *folded_domain) {
  g_auto(GStrv) parts = g_strsplit(folded, "\\", 4);
  guint n_parts = g_strv_length(parts);
  if (n_parts > 3 || !is_domain(parts[0], folded_domain) || !is_account(parts[1]))
    return NULL;
  if (n_parts == 3 && !is_account(parts[2]))
    return NULL;
  return g_strdup(parts[1]);
}

char *name_get_account(const char *text, const char *domain) {
  if (!is_plain_text(text))
    return NULL;
  g_autofree char *folded = name_fold(text);
  g_autofree char *folded_domain = name_fold(domain);
  if (strchr(folded, '\\') != NULL)
    return account_of_domain(folded, folded_domain);
  char *at = strrchr(folded, '@');
  if (at != NULL && is_domain(at + 1, folded_domain))
    *at = '\0';
  return is_account(folded) ? g_strdup(folded) : NULL;
}

gboolean name_asks_for_another(const char *text) {
  if (!is_plain_text(text))
    return FALSE;
  g_autofree char *folded = name_fold(text);
  g_auto(GStrv) parts = g_strsplit(folded, "\\", 4);
  return g_strv_length(parts) == 3 && !g_str_equal(parts[1], parts[2]);
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

/* What `%u`, `%n`, `%d` or `%%` stands for; NULL: nothing that is fit for a path. Owned. */
static char *dup_part(char variable, const char *account) {
  const char *at = strrchr(account, '@');
  g_autofree char *part = NULL;
  if (variable == '%')
    return g_strdup("%");
  if (variable == 'd')
    part = g_strdup(at != NULL ? at + 1 : "");
  else if (variable == 'n' && at != NULL)
    part = g_strndup(account, (gsize)(at - account));
  else
    part = g_strdup(account);
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
    g_autofree char *part = dup_part(*++at, account);
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
