/* SPDX-License-Identifier: MIT */
/* See link-target.h. */
#include "client/regfile/link-target.h"

#include "client/base/path.h"

#include <string.h>

/* Windows writes a link's target as the kernel names it. */
static char *dup_our_name(const char *text) {
  static const struct {
    const char *kernel_name;
    PathRoot root;
  } rows[] = {{"\\REGISTRY\\MACHINE\\", PATH_ROOT_LOCAL_MACHINE},
              {"\\REGISTRY\\USER\\", PATH_ROOT_USERS}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    gsize length = strlen(rows[i].kernel_name);
    if (g_ascii_strncasecmp(text, rows[i].kernel_name, length) == 0)
      return g_strconcat(path_root_get_name(rows[i].root), "\\", text + length, NULL);
  }
  return g_strdup(text);
}

char *link_target_dup(const RegistryValue *value, const char **reason) {
  g_autofree char *text = registry_value_dup_string(value);
  *reason = "the target of a link is not UTF-16 text";
  if (text == NULL)
    return NULL;
  g_autofree char *target = dup_our_name(text);
  g_autoptr(Path) path = path_parse(target, NULL);
  *reason = "the target of a link is not the path of a key";
  return path != NULL && path->root != PATH_ROOT_ABOVE ? g_steal_pointer(&target) : NULL;
}
