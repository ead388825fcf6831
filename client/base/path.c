/* SPDX-License-Identifier: MIT */
/* Paths and names. This file knows their grammar, limits and case rule; the daemon knows
 * what is stored under them and where links lead. */
#include "client/base/path.h"

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "client/base/upcase-table.h"

#include <string.h>

#define ROOTS_EXPECTED                                                                             \
  "a path begins with HKEY_LOCAL_MACHINE (HKLM), HKEY_USERS (HKU), HKEY_CURRENT_USER (HKCU), "     \
  "HKEY_CLASSES_ROOT (HKCR) or HKEY_CURRENT_CONFIG (HKCC)"

static const struct {
  const char *long_name;
  const char *short_name;
} roots[] = {
    [PATH_ROOT_ABOVE] = {"", ""},
    [PATH_ROOT_LOCAL_MACHINE] = {"HKEY_LOCAL_MACHINE", "HKLM"},
    [PATH_ROOT_USERS] = {"HKEY_USERS", "HKU"},
    [PATH_ROOT_CURRENT_USER] = {"HKEY_CURRENT_USER", "HKCU"},
    [PATH_ROOT_CLASSES_ROOT] = {"HKEY_CLASSES_ROOT", "HKCR"},
    [PATH_ROOT_CURRENT_CONFIG] = {"HKEY_CURRENT_CONFIG", "HKCC"},
};

/* Fails with `TEXT: why`, TEXT made fit for a message. */
static gboolean refuse(GError **error, RegistryError code, const char *text, const char *why) {
  g_autofree char *shown = text_for_message(text, -1);
  return error_set(error, code, "%s: %s", shown, why);
}

/* Checks that apply to a path as a whole and to each key name. */
static gboolean check_characters(const char *text, GError **error) {
  guint8 bits = 0;
  gboolean control = FALSE;
  for (const char *at = text; *at != '\0'; at++) {
    bits |= (guint8)*at;
    control |= (guint8)*at < 0x20;
  }
  if (bits >= 0x80 && !g_utf8_validate(text, -1, NULL))
    return refuse(error, REGISTRY_ERROR_INVALID_PATH, text, "not valid UTF-8");
  if (control)
    return refuse(error, REGISTRY_ERROR_INVALID_PATH, text,
                  "control characters below U+0020 are not allowed in a key name");
  return TRUE;
}

/* One component, known to hold no backslash or control character. */
static gboolean check_component(const char *name, gsize length, const char *whole, GError **error) {
  if (length == 0)
    return refuse(error, REGISTRY_ERROR_INVALID_PATH, whole,
                  "a key name is empty; names are separated by one backslash");
  if (length <= LIMIT_KEY_NAME_UNITS || text_count_units(name, length) <= LIMIT_KEY_NAME_UNITS)
    return TRUE;
  return refuse(error, REGISTRY_ERROR_LIMIT_EXCEEDED, whole,
                "a key name is longer than 255 UTF-16 code units");
}

static gboolean find_root(const char *name, gsize length, PathRoot *root) {
  for (gsize i = PATH_ROOT_LOCAL_MACHINE; i < G_N_ELEMENTS(roots); i++) {
    const char *const spellings[] = {roots[i].long_name, roots[i].short_name};
    for (gsize j = 0; j < G_N_ELEMENTS(spellings); j++) {
      if (g_ascii_strncasecmp(spellings[j], name, length) == 0 && spellings[j][length] == '\0') {
        *root = (PathRoot)i;
        return TRUE;
      }
    }
  }
  return FALSE;
}

static Path *path_new(PathRoot root, guint depth) {
  Path *path = g_new(Path, 1);
  path->root = root;
  path->components = g_new0(char *, depth + 1);
  path->depth = depth;
  return path;
}

static guint count_separators(const char *text, gsize length) {
  guint count = 0;
  for (gsize i = 0; i < length; i++)
    count += text[i] == '\\';
  return count;
}

/* Reads the root and what separates it from the components. */
static gboolean parse_root(const char *text, gsize length, PathRoot *root, gsize *root_length,
                           GError **error) {
  const char *separator = memchr(text, '\\', length);
  *root_length = separator != NULL ? (gsize)(separator - text) : length;
  if (*root_length == 0)
    return refuse(error, REGISTRY_ERROR_INVALID_PATH, text,
                  "a path does not begin with a backslash; " ROOTS_EXPECTED);
  if (find_root(text, *root_length, root))
    return TRUE;
  g_autofree char *whole = text_for_message(text, -1);
  g_autofree char *name = text_for_message(text, (gssize)*root_length);
  return error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: unknown root %s; " ROOTS_EXPECTED,
                   whole, name);
}

Path *path_parse(const char *text, GError **error) {
  if (*text == '\0')
    return path_new(PATH_ROOT_ABOVE, 0);
  gsize length = strnlen(text, LIMIT_PATH_BYTES + 1);
  if (length > LIMIT_PATH_BYTES) {
    refuse(error, REGISTRY_ERROR_LIMIT_EXCEEDED, text,
           "the path is too long; it has at most 512 components of 255 UTF-16 code units");
    return NULL;
  }
  if (!check_characters(text, error))
    return NULL;
  if (length > 1 && text[length - 1] == '\\')
    length--;
  PathRoot root = PATH_ROOT_ABOVE;
  gsize root_length = 0;
  if (!parse_root(text, length, &root, &root_length, error))
    return NULL;
  guint depth = count_separators(text, length);
  if (depth + 1 > LIMIT_DEPTH) {
    refuse(error, REGISTRY_ERROR_LIMIT_EXCEEDED, text, "the path has more than 512 components");
    return NULL;
  }
  g_autoptr(Path) path = path_new(root, depth);
  const char *end = text + length;
  const char *at = text + root_length;
  for (guint i = 0; i < depth; i++) {
    const char *name = at + 1;
    const char *next = memchr(name, '\\', (gsize)(end - name));
    at = next != NULL ? next : end;
    if (!check_component(name, (gsize)(at - name), text, error))
      return NULL;
    path->components[i] = g_strndup(name, (gsize)(at - name));
  }
  return g_steal_pointer(&path);
}

void path_free(Path *path) {
  if (path == NULL)
    return;
  g_strfreev(path->components);
  g_free(path);
}

char *path_to_string(const Path *path) {
  if (path->depth == 0)
    return g_strdup(roots[path->root].long_name);
  g_autofree char *below = g_strjoinv("\\", path->components);
  return g_strconcat(roots[path->root].long_name, "\\", below, NULL);
}

const char *path_root_get_name(PathRoot root) {
  return roots[root].long_name;
}

gboolean path_check_key_name(const char *name, GError **error) {
  if (!check_characters(name, error))
    return FALSE;
  if (strchr(name, '\\') != NULL)
    return refuse(error, REGISTRY_ERROR_INVALID_PATH, name,
                  "a key name holds no backslash, which separates names");
  return check_component(name, strlen(name), name, error);
}

gboolean path_check_value_name(const char *name, GError **error) {
  gsize length = strnlen(name, LIMIT_VALUE_NAME_BYTES + 1);
  if (length <= LIMIT_VALUE_NAME_BYTES && !g_utf8_validate(name, -1, NULL))
    return refuse(error, REGISTRY_ERROR_INVALID_VALUE, name, "not valid UTF-8");
  if (length <= LIMIT_VALUE_NAME_UNITS ||
      (length <= LIMIT_VALUE_NAME_BYTES &&
       text_count_units(name, length) <= LIMIT_VALUE_NAME_UNITS))
    return TRUE;
  return refuse(error, REGISTRY_ERROR_LIMIT_EXCEEDED, name,
                "a value name is longer than 16383 UTF-16 code units");
}

/* ---- case ---- */

static guint32 upcase_ascii(guint32 code_point) {
  return code_point >= 'a' && code_point <= 'z' ? code_point - ('a' - 'A') : code_point;
}

static guint32 upcase(guint32 code_point) {
  if (code_point >= UPCASE_LIMIT)
    return code_point;
  guint8 block = UPCASE_BLOCKS[code_point >> 8];
  return (guint32)((gint32)code_point + UPCASE_DELTAS[block][code_point & 0xFF]);
}

/* The next code point upper-cased, moving *@at past it. */
static guint32 take_upcased(const char **at) {
  guint8 byte = (guint8) * *at;
  if (byte < 0x80) {
    (*at)++;
    return upcase_ascii(byte);
  }
  guint32 code_point = upcase(g_utf8_get_char(*at));
  *at += g_utf8_skip[byte];
  return code_point;
}

char *path_fold(const char *name) {
  /* Two bytes may become three (U+0250 to U+2C6F), and no more than that. */
  gsize length = strlen(name);
  char *folded = g_malloc(length + length / 2 + 1);
  char *out = folded;
  while (*name != '\0') {
    guint32 code_point = take_upcased(&name);
    if (code_point < 0x80)
      *out++ = (char)code_point;
    else
      out += g_unichar_to_utf8(code_point, out);
  }
  *out = '\0';
  return folded;
}

int path_compare_names(const char *a, const char *b) {
  for (;;) {
    if (*a == '\0' || *b == '\0')
      return (*a != '\0') - (*b != '\0');
    /* UTF-8 keeps the order of code points, so that this is strcmp()'s. */
    guint32 of_a = take_upcased(&a);
    guint32 of_b = take_upcased(&b);
    if (of_a != of_b)
      return of_a < of_b ? -1 : 1;
  }
}

gboolean path_equal_names(gconstpointer a, gconstpointer b) {
  return path_compare_names(a, b) == 0;
}

guint path_hash_name(gconstpointer name) {
  /* FNV-1a over code points. */
  guint32 hash = 2166136261U;
  for (const char *at = name; *at != '\0';)
    hash = (hash ^ take_upcased(&at)) * 16777619U;
  return hash;
}

/* ---- paths as text ---- */

gboolean path_is_at_or_below(const char *path, const char *ancestor) {
  if (*ancestor == '\0')
    return TRUE;
  while (*ancestor != '\0') {
    if (*path == '\0' || take_upcased(&path) != take_upcased(&ancestor))
      return FALSE;
  }
  return *path == '\0' || *path == '\\';
}

char *path_dup_parent(const char *path) {
  const char *separator = strrchr(path, '\\');
  return separator != NULL ? g_strndup(path, (gsize)(separator - path)) : g_strdup("");
}

guint path_count_depth(const char *path) {
  guint depth = 0;
  for (; *path != '\0'; path++)
    depth += *path == '\\';
  return depth;
}

const char *path_get_leaf(const char *path) {
  const char *separator = strrchr(path, '\\');
  return separator != NULL ? separator + 1 : path;
}
