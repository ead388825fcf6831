/* SPDX-License-Identifier: MIT */
/* See key.h. */
#include "regd/fleet/base/key.h"

#include <string.h>

#include "client/base/path.h"

#define KEY_PREFIX "k/"
#define VALUE_PREFIX "v/"
#define PREFIX_BYTES 2U
/* Between a path and the name of a value. */
#define BORDER "\\\\"
#define BORDER_BYTES 2U

char *fleet_key_of_key(const char *path) {
  g_autofree char *folded = path_fold(path);
  return g_strconcat(KEY_PREFIX, folded, NULL);
}

char *fleet_key_of_value(const char *path, const char *name) {
  g_autofree char *folded = path_fold(path);
  g_autofree char *folded_name = path_fold(name);
  return g_strconcat(VALUE_PREFIX, folded, BORDER, folded_name, NULL);
}

static gboolean begins_with(const void *key, gsize size, const char *prefix) {
  return size >= PREFIX_BYTES && memcmp(key, prefix, PREFIX_BYTES) == 0;
}

gboolean fleet_key_is_record(const void *key, gsize size) {
  return begins_with(key, size, KEY_PREFIX) || begins_with(key, size, VALUE_PREFIX);
}

/* Whether @text is what the fold of a canonical path looks like. */
static gboolean is_folded_path(const char *text) {
  g_autoptr(Path) parsed = path_parse(text, NULL);
  if (parsed == NULL || parsed->root == PATH_ROOT_ABOVE)
    return FALSE;
  g_autofree char *canonical = path_to_string(parsed);
  g_autofree char *folded = path_fold(canonical);
  return strcmp(folded, text) == 0;
}

static gboolean is_folded_name(const char *text) {
  if (!path_check_value_name(text, NULL))
    return FALSE;
  g_autofree char *folded = path_fold(text);
  return strcmp(folded, text) == 0;
}

static gboolean parse_value(const char *text, char **path, char **name) {
  const char *border = strstr(text, BORDER);
  if (border == NULL)
    return FALSE;
  g_autofree char *head = g_strndup(text, (gsize)(border - text));
  const char *rest = border + BORDER_BYTES;
  if (!is_folded_path(head) || !is_folded_name(rest))
    return FALSE;
  *path = g_steal_pointer(&head);
  *name = g_strdup(rest);
  return TRUE;
}

gboolean fleet_key_parse(const char *key, gsize size, FleetKeyKind *kind, char **path,
                         char **name) {
  *path = NULL;
  *name = NULL;
  gboolean is_key = begins_with(key, size, KEY_PREFIX);
  gboolean is_value = begins_with(key, size, VALUE_PREFIX);
  *kind = is_key ? FLEET_KEY_KEY : is_value ? FLEET_KEY_VALUE : FLEET_KEY_OTHER;
  if (*kind == FLEET_KEY_OTHER)
    return TRUE;
  if (memchr(key, '\0', size) != NULL)
    return FALSE;
  g_autofree char *text = g_strndup(key + PREFIX_BYTES, size - PREFIX_BYTES);
  if (is_value)
    return parse_value(text, path, name);
  if (!is_folded_path(text))
    return FALSE;
  *path = g_steal_pointer(&text);
  return TRUE;
}
