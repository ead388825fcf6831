/* SPDX-License-Identifier: MIT */
/* May a caller see this of the past? The one answer, which every way to the past asks for:
 * GetHistory, reading at a revision, Export at one, replays to watches, Rollback, and the undo of
 * a trial.
 *
 * Two lists decide: the one that decides at the key today (the nearest live key's at or above it,
 * so that a key that is gone is as closed as what it was in), and the one that decided then. What
 * a value held needs more if it was secret when it was written, or if its schema calls it so now:
 * an entry for the user or for a group of theirs in both lists. */
#ifndef REGD_HISTORY_SIGHT_H
#define REGD_HISTORY_SIGHT_H

#include "regd/history/record.h"
#include "schema/rules.h"

typedef enum {
  SIGHT_HIDDEN, /* nothing */
  SIGHT_NAMED,  /* that it was there, or was changed, but not what it held */
  SIGHT_SHOWN,
} Sight;

/* A key, or a value of it. Borrowed. */
typedef struct {
  const SchemaSet *schemas; /* of today; NULL: none */
  const Acl *today, *then;  /* NULL: no list, which opens to administrators only */
  const char *path;         /* canonical */
  const char *name;         /* of a value; NULL: the key itself */
  gboolean was_secret;      /* when it was written */
  gboolean hides_secrets;   /* what secrets hold is shown to nobody, administrators included */
} PastThing;
Sight sight_judge(const PastThing *thing, const Identity *who);

/* What @difference tells @who, and what they may see of the old value and of the new one. @today as
 * sight_find_today() finds it, @path of the difference's key. */
typedef struct {
  Sight of_old, of_new;
} DifferenceSight;
gboolean sight_judge_difference(Store *store, const Identity *who, const Difference *difference,
                                const PastThing *today, DifferenceSight *sight, GError **error);

/* Whether history has anything of the key @id itself that @who may see: then they know that
 * there was one. @today as above. */
gboolean sight_is_known(Store *store, const Identity *who, gint64 id, const PastThing *today,
                        gboolean *known, GError **error);

/* The list that decides today at the row @key, live or dead; borrowed as store_load_acl()'s. */
gboolean sight_find_today(Store *store, gint64 key, Acl **today, GError **error);

/* How keys are spelled for a caller. A row has the spelling that its key had last, which may have
 * been in a life that the caller may not see. Keeps what it has found; all is borrowed. */
typedef struct SightPaths SightPaths;
SightPaths *sight_paths_new(Store *store, const Identity *who);
void sight_paths_free(SightPaths *paths);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SightPaths, sight_paths_free)
/* The canonical path of the row @key, live or dead; release it. */
GRefString *sight_paths_get(SightPaths *paths, gint64 key, GError **error);

#endif
