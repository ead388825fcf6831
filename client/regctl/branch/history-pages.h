/* SPDX-License-Identifier: MIT */
/* History as the daemon tells it, read page by page, and how its parts are
 * printed. */
#ifndef CLIENT_REGCTL_BRANCH_HISTORY_PAGES_H
#define CLIENT_REGCTL_BRANCH_HISTORY_PAGES_H

#include "client/regctl/session/session.h"

/* What a revision did to one key or value. */
typedef struct {
  const char *kind, *key, *name;        /* borrowed from the answer */
  RegistryValue *old_value, *new_value; /* NULL: there was none, or the caller may not see it */
  gboolean purged;                      /* the old data was purged */
} PastChange;

typedef struct {
  guint64 revision, time; /* microseconds since 1970 */
  guint32 uid, pid;
  const char *program, *comment; /* borrowed from the answer */
  GPtrArray *changes;            /* of PastChange */
  guint32 changes_left;          /* that the daemon did not tell */
  guint64 deadline;              /* of a trial: when it is undone; else 0 */
  const char *user, *host; /* who made a commit of the fleet, and where; NULL: it is this host's */
  guint64 fleet_revision, fleet_time; /* of such a commit */
} PastRevision;

/* Whether it is about a value, and not a key. */
gboolean past_change_is_of_value(const PastChange *change);
/* An aa{sv} of revisions, of PastRevision; it borrows from the message. */
GPtrArray *history_read_list(DBusMessageIter *answer, GError **error);

typedef gboolean (*PastVisit)(Session *session, const PastRevision *revision, gpointer data,
                              GError **error);
/* The newest @count revisions that touched what is at or below one of @keys (NULL-terminated),
 * newest first. */
gboolean history_walk(Session *session, const char *const *keys, guint64 count, PastVisit visit,
                      gpointer data, GError **error);

/* A call that answers with a revision, its own or the newest one. */
typedef struct {
  const char *kind; /* of what its own revision did at or below the key */
  guint64 before;   /* the newest revision before the call */
  guint64 revision; /* that was answered */
} Sought;
/* session_report() of such a call, with --json. */
gboolean history_report(Session *session, const char *key, const Sought *sought, GError **error);

/* "revision, time, user, program[pid]", separated by tabs, without a line end. */
void history_print_head(Session *session, const PastRevision *revision);
/* "REG_SZ a -> REG_SZ b": what there is of the two; "(purged)". */
void history_print_data(Session *session, const PastChange *change);
/* A line for each change, indented, and one for those that are not told. */
void history_print_changes(Session *session, const PastRevision *revision);
/* All of them as the members "changes" and "changes-left"; one as an object. */
void history_write_changes(const PastRevision *revision, Json *json);
void history_write_change(const PastChange *change, Json *json);
/* A time in microseconds since 1970, and a user by name. */
void history_print_time(guint64 microseconds, GString *out);
void history_print_user(guint32 uid, GString *out);
/* Members revision, time, uid, pid, program and comment; of a commit of the fleet user, host,
 * fleet-revision and fleet-time too. */
void history_write_head(const PastRevision *revision, Json *json);
/* Members "old" and "new", each with name, type and data, if they exist; "purged" if the
 * old data was purged. */
void history_write_data(const PastChange *change, Json *json);

#endif
