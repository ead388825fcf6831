/* SPDX-License-Identifier: MIT */
/* Edit distance, and the nearest name by it. */
#include "client/base/nearest.h"

#include <string.h>

guint nearest_distance(const char *a, const char *b) {
  guint row[NEAREST_MAX_LENGTH + 1];
  gsize width = strlen(b);
  if (strlen(a) > NEAREST_MAX_LENGTH || width > NEAREST_MAX_LENGTH)
    return G_MAXUINT;
  for (guint i = 0; i <= width; i++)
    row[i] = i;
  for (guint i = 1; *a; a++, i++) {
    guint diagonal = row[0];
    row[0] = i;
    for (guint j = 1; j <= width; j++) {
      guint change = diagonal + (*a != b[j - 1]);
      diagonal = row[j];
      row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
    }
  }
  return row[width];
}

/* Reduces a name to what is compared: people write settings with other separators, or
 * without. */
static char *strip(const char *name) {
  GString *stripped = g_string_new(NULL);
  for (; *name; name++)
    if (strchr(" -_", *name) == NULL)
      g_string_append_c(stripped, g_ascii_tolower(*name));
  return g_string_free(stripped, FALSE);
}

const char *nearest_find(const char *name, const char *const *names) {
  g_autofree char *wanted = strip(name);
  const char *found = NULL;
  guint length = (guint)strlen(wanted);
  guint best = length / 3 + (length > 3 ? 2 : 1);
  for (; *names != NULL; names++) {
    g_autofree char *stripped = strip(*names);
    guint distance = nearest_distance(wanted, stripped);
    if (distance >= best)
      continue;
    best = distance;
    found = *names;
  }
  return found;
}
