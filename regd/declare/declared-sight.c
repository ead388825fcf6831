/* SPDX-License-Identifier: MIT */
/* See declared-sight.h. */
#include "regd/declare/declared-sight.h"

gboolean declared_is_shown(Store *store, const Identity *who, const PastThing *thing, gint64 closed,
                           gboolean *shown, GError **error) {
  PastThing past = *thing;
  Acl *list = NULL;
  if (closed != 0 && !store_load_acl(store, closed, &list, error))
    return FALSE;
  past.then = closed != 0 ? list : thing->today;
  *shown = sight_judge(&past, who) == SIGHT_SHOWN;
  return TRUE;
}

char **declared_dup_owners(Store *store, const Identity *who, const PastThing *thing,
                           const GPtrArray *rows, GError **error) {
  g_autoptr(GStrvBuilder) owners = g_strv_builder_new();
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    const Declared *row = rows->pdata[i];
    gboolean shown = FALSE;
    if (!declared_is_shown(store, who, thing, row->closed, &shown, error))
      return NULL;
    if (shown)
      g_strv_builder_add(owners, row->owner);
  }
  return g_strv_builder_end(owners);
}
