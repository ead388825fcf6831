/* SPDX-License-Identifier: MIT */
/* See fingerprint.h. */
#include "mailauth/settings/fingerprint.h"

#include <string.h>

#define PREFIX "sha256:"

/* Colons stand between bytes only, and between all or none. */
static gboolean parse(const char *word, guint8 digest[FINGERPRINT_BYTES]) {
  if (g_ascii_strncasecmp(word, PREFIX, strlen(PREFIX)) == 0)
    word += strlen(PREFIX);
  gsize step = strchr(word, ':') != NULL ? 3 : 2;
  if (strlen(word) != FINGERPRINT_BYTES * step - (step - 2))
    return FALSE;
  for (gsize i = 0; i < FINGERPRINT_BYTES; i++) {
    const char *digits = word + i * step;
    gboolean separated = step == 2 || i == FINGERPRINT_BYTES - 1 || digits[2] == ':';
    if (!g_ascii_isxdigit(digits[0]) || !g_ascii_isxdigit(digits[1]) || !separated)
      return FALSE;
    digest[i] = (guint8)(g_ascii_xdigit_value(digits[0]) << 4 | g_ascii_xdigit_value(digits[1]));
  }
  return TRUE;
}

gboolean fingerprints_are_valid(const char *text) {
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  guint8 digest[FINGERPRINT_BYTES];
  for (char **word = words; *word != NULL; word++)
    if (**word != '\0' && !parse(*word, digest))
      return FALSE;
  return TRUE;
}

gboolean fingerprints_have(const char *text, const guint8 digest[FINGERPRINT_BYTES]) {
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  guint8 one[FINGERPRINT_BYTES];
  for (char **word = words; *word != NULL; word++)
    if (**word != '\0' && parse(*word, one) && memcmp(one, digest, sizeof one) == 0)
      return TRUE;
  return FALSE;
}
