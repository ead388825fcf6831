/* SPDX-License-Identifier: MIT */
/* See unusable.h. */
#include "mailauth/hashes/unusable.h"

#include "mailauth/base/limits.h"
#include "mailauth/hashes/hash.h"

void unusable_note(Unusable *unusable, const char *name, const char *hash) {
  const char *fault =
      hash == NULL || *hash == '\0' || hash_is_locked(hash) ? NULL : hash_find_fault(hash);
  if (fault == NULL)
    return;
  if (unusable->names == NULL)
    unusable->names = g_string_new(NULL);
  if (++unusable->count <= MAX_LISTED_ACCOUNTS)
    g_string_append_printf(unusable->names, "%s%s (%s)", unusable->count == 1 ? "" : ", ", name,
                           fault);
}

char *unusable_end(Unusable *unusable, const char *cure) {
  if (unusable->names == NULL)
    return NULL;
  if (unusable->count > MAX_LISTED_ACCOUNTS)
    g_string_append_printf(unusable->names, " and %u more", unusable->count - MAX_LISTED_ACCOUNTS);
  char *line = g_strdup_printf("no password can open the hash of %s; '%s' sets another",
                               unusable->names->str, cure);
  g_string_free(unusable->names, TRUE);
  *unusable = (Unusable){0};
  return line;
}
