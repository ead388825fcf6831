/* History rows: what each revision undid, by whom, and with which access lists
 * standing; and replaying them. Reads and writes rows, decides nothing. */
#ifndef REGD_HISTORY_H
#define REGD_HISTORY_H

#include "regd/store.h"

/* One thing that a commit made different, with all that is needed to tell of
 * it, to judge who may hear it, and to undo it. */
typedef struct {
  ChangeKind kind;
  gint64 key;
  GRefString *path;         /* canonical */
  char *name;               /* value name as stored; NULL for keys */
  RegistryValue *old_value; /* value-set (NULL: it was not there), value-deleted */
  RegistryValue *new_value; /* value-set */
  gint64 old_position;      /* with old_value */
  GBytes *old_state; /* key-deleted: the key's attributes; acl-changed: its own list before */
  gint64 before_acl, after_acl;
  Acl *before, *after; /* the lists themselves */
  gboolean secret;     /* a schema calls the value secret */
  gboolean reroutes;   /* a link came, went or was pointed elsewhere */
} Difference;
void difference_free(Difference *difference);

/* The attributes that a deleted key had, for bringing it back. */
GBytes *history_encode_key(const KeyRow *row, Acl *own);
GBytes *history_encode_acl(Acl *own);

/* Writes one revision: @differences in order. */
gboolean history_record(Store *store, guint64 revision, gint64 now, const Identity *who,
                        const char *comment, GPtrArray *differences, GError **error);

/* What happened after @since, oldest first: an array of Effective. */
GPtrArray *history_replay(Store *store, guint64 since, GError **error);

/* Whether anything at or below @key has changed after @since, which history
 * must reach. Deletions count. */
gboolean history_has_changed(Store *store, gint64 key, guint64 since, gboolean *changed,
                             GError **error);

#endif
