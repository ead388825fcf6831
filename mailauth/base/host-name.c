/* SPDX-License-Identifier: MIT */
/* Names of hosts: see host-name.h. */
#include "mailauth/base/host-name.h"

#include <string.h>

#include "client/base/error.h"

#define MAX_LABEL 63
#define WILDCARD "*."

/* Of the extension: a list of names, each with its type. */
#define TYPE_HOST_NAME 0
#define LENGTH_BYTES 2

static gboolean is_label(const char *label, gsize length) {
  if (length == 0 || length > MAX_LABEL || label[0] == '-' || label[length - 1] == '-')
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum(label[i]) && label[i] != '-' && label[i] != '_')
      return FALSE;
  return TRUE;
}

static gboolean is_plain(const char *name, gsize length) {
  const char *end = name + length;
  if (length == 0 || length > MAX_HOST_NAME)
    return FALSE;
  while (TRUE) {
    const char *dot = memchr(name, '.', (gsize)(end - name));
    if (!is_label(name, (gsize)((dot != NULL ? dot : end) - name)))
      return FALSE;
    if (dot == NULL)
      return TRUE;
    name = dot + 1;
  }
}

static gboolean is_pattern(const char *name) {
  gsize length = strlen(name);
  if (g_str_has_prefix(name, WILDCARD))
    return length <= MAX_HOST_NAME && is_plain(name + strlen(WILDCARD), length - strlen(WILDCARD));
  return is_plain(name, length);
}

static char *fail(const char *text, const char *what, GError **error) {
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'%s' is no host's name: %s", text, what);
  return NULL;
}

static char *fail_outside_ascii(const char *text, GError **error) {
  g_autofree char *ascii = g_hostname_to_ascii(text);
  if (ascii == NULL || !is_pattern(ascii))
    return fail(text, "letters outside ASCII are written as A-labels, 'xn--...'", error);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'%s' is written '%s' here", text, ascii);
  return NULL;
}

char *host_name_new(const char *text, GError **error) {
  if (!g_str_is_ascii(text))
    return fail_outside_ascii(text, error);
  if (g_str_has_suffix(text, "."))
    return fail(text, "it is written without a dot at its end", error);
  if (strchr(text, '*') != NULL && !is_pattern(text))
    return fail(text, "a '*' stands for the whole of the first label, as in '*.example.org'",
                error);
  if (!is_pattern(text))
    return fail(text, "its labels are letters, digits and hyphens, with dots in between", error);
  if (g_hostname_is_ip_address(text))
    return fail(text, "clients do not ask for addresses by name", error);
  return g_ascii_strdown(text, -1);
}

gboolean host_name_is_canonical(const char *name) {
  for (const char *at = name; *at != '\0'; at++)
    if (g_ascii_isupper(*at))
      return FALSE;
  return is_pattern(name) && !g_hostname_is_ip_address(name);
}

static gsize read_length(const guint8 *bytes) {
  return (gsize)bytes[0] << 8 | bytes[1];
}

/* Some clients end it with a dot, which they should not. */
static gboolean take_name(const guint8 *bytes, gsize size, char name[MAX_HOST_NAME + 1]) {
  if (size > 0 && bytes[size - 1] == '.')
    size--;
  if (!is_plain((const char *)bytes, size))
    return FALSE;
  for (gsize i = 0; i < size; i++)
    name[i] = g_ascii_tolower((char)bytes[i]);
  name[size] = '\0';
  return TRUE;
}

gboolean host_name_find(const guint8 *extension, gsize size, char name[MAX_HOST_NAME + 1]) {
  if (size < LENGTH_BYTES || read_length(extension) != size - LENGTH_BYTES)
    return FALSE;
  const guint8 *at = extension + LENGTH_BYTES;
  gsize left = size - LENGTH_BYTES;
  while (left > 1 + LENGTH_BYTES) {
    gsize length = read_length(at + 1);
    if (length > left - 1 - LENGTH_BYTES)
      return FALSE;
    if (at[0] == TYPE_HOST_NAME)
      return take_name(at + 1 + LENGTH_BYTES, length, name);
    at += 1 + LENGTH_BYTES + length;
    left -= 1 + LENGTH_BYTES + length;
  }
  return FALSE;
}

gboolean host_name_generalise(const char *name, char wildcard[MAX_HOST_NAME + 1]) {
  const char *dot = strchr(name, '.');
  if (dot == NULL || name[0] == '*')
    return FALSE;
  return (gsize)g_snprintf(wildcard, MAX_HOST_NAME + 1, "*%s", dot) <= MAX_HOST_NAME;
}
