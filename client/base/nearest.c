/* SPDX-License-Identifier: MIT */
/* Edit distance, and the nearest name by it. */
#include "client/base/nearest.h"

#include <string.h>

#define ROW (NEAREST_MAX_LENGTH + 1)

/* The least of a changed, a missing, an added and two exchanged letters, @a and @b at their ends.
 * @rows: of the letters of @a up to this one, the one before, and the one before that. */
static guint get_cell(guint *const rows[3], const char *a, const char *b, guint i, guint j) {
  guint changed = rows[1][j - 1] + (a[i - 1] != b[j - 1]);
  guint least = MIN(changed, MIN(rows[1][j], rows[0][j - 1]) + 1);
  gboolean exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
  return exchanged ? MIN(least, rows[2][j - 2] + 1) : least;
}

guint nearest_distance(const char *a, const char *b) {
  guint space[3][ROW];
  guint height = (guint)strnlen(a, ROW);
  guint width = (guint)strnlen(b, ROW);
  if (height == ROW || width == ROW)
    return G_MAXUINT;
  for (guint j = 0; j <= width; j++)
    space[0][j] = j;
  for (guint i = 1; i <= height; i++) {
    guint *const rows[] = {space[i % 3], space[(i + 2) % 3], space[(i + 1) % 3]};
    rows[0][0] = i;
    for (guint j = 1; j <= width; j++)
      rows[0][j] = get_cell(rows, a, b, i, j);
  }
  return space[height % 3][width];
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
