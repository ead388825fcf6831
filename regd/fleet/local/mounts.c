/* SPDX-License-Identifier: MIT */
/* See mounts.h. */
#include "regd/fleet/local/mounts.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/fleet/base/record.h"

/* A host that took these from a fleet could not be reached any more, or its users not be told
 * apart: no mount is at, above or below one of them. */
static const char *const forbidden[] = {
    "HKEY_LOCAL_MACHINE\\SAM",
    "HKEY_LOCAL_MACHINE\\SECURITY",
    "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\regd",
    "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Services\\regd",
};

static gboolean refuse(const char *path, const char *why, GError **error) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: it can't be a fleet's: %s", path, why);
}

static gboolean check(const Path *path, const char *text, GError **error) {
  if (path->root != PATH_ROOT_LOCAL_MACHINE)
    return refuse(text, "a mount is a key below HKEY_LOCAL_MACHINE", error);
  if (path->depth == 0)
    return refuse(text, "it is a root; name a key below it", error);
  for (gsize i = 0; i < G_N_ELEMENTS(forbidden); i++)
    if (path_is_at_or_below(text, forbidden[i]) || path_is_at_or_below(forbidden[i], text))
      return refuse(text, "regd's own settings and accounts stay each host's", error);
  return TRUE;
}

static gboolean add(GPtrArray *mounts, const char *text, GError **error) {
  g_autoptr(Path) path = path_parse(text, error);
  if (path == NULL)
    return FALSE;
  g_autofree char *mount = path_to_string(path);
  if (!check(path, mount, error))
    return FALSE;
  for (guint i = 0; i < mounts->len; i++) {
    const char *other = g_ptr_array_index(mounts, i);
    if (path_is_at_or_below(mount, other) || path_is_at_or_below(other, mount))
      return refuse(mount, "it lies at, above or below another mount", error);
  }
  g_ptr_array_add(mounts, g_steal_pointer(&mount));
  return TRUE;
}

GStrv fleet_mounts_parse(const char *const *paths, GError **error) {
  g_autoptr(GPtrArray) mounts = g_ptr_array_new_with_free_func(g_free);
  for (gsize i = 0; paths[i] != NULL; i++)
    if (!add(mounts, paths[i], error))
      return NULL;
  if (mounts->len == 0 || mounts->len > FLEET_LIMIT_MOUNTS) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a fleet has 1 to %u mounts, not %u",
              FLEET_LIMIT_MOUNTS, mounts->len);
    return NULL;
  }
  g_ptr_array_add(mounts, NULL);
  g_ptr_array_set_free_func(mounts, NULL);
  return (GStrv)g_ptr_array_free(g_steal_pointer(&mounts), FALSE);
}

gboolean fleet_mounts_hold(const char *const *mounts, const char *path) {
  for (gsize i = 0; mounts[i] != NULL; i++)
    if (path_is_at_or_below(path, mounts[i]))
      return TRUE;
  return FALSE;
}

static gboolean names(const char *const *mounts, const char *mount) {
  for (gsize i = 0; mounts[i] != NULL; i++)
    if (path_compare_names(mounts[i], mount) == 0)
      return TRUE;
  return FALSE;
}

gboolean fleet_mounts_equal(const char *const *a, const char *const *b) {
  gboolean equal = TRUE;
  for (gsize i = 0; equal && a[i] != NULL; i++)
    equal = names(b, a[i]);
  for (gsize i = 0; equal && b[i] != NULL; i++)
    equal = names(a, b[i]);
  return equal;
}
