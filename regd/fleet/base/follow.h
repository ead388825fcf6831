/* SPDX-License-Identifier: MIT */
/* How a host follows its fleet: which commit it stands at, and what to do about what etcd says.
 * A state machine without input or output: it is told of events and answers with actions. The
 * rows of its table are (state, event) -> (state, actions).
 *
 * Every commit is a link of a chain: its head names the head before. A host that holds the head
 * H takes only the head whose `previous` is H; anything else means that events are missing, or
 * that etcd was restored from a backup, and then everything is read again. */
#ifndef REGD_FLEET_BASE_FOLLOW_H
#define REGD_FLEET_BASE_FOLLOW_H

#include "regd/fleet/base/record.h"

typedef enum {
  FOLLOW_OFF,         /* not enabled, or not a member of a fleet */
  FOLLOW_WAITING,     /* until the next attempt to reach a member of the cluster */
  FOLLOW_COMPARING,   /* asked what stands in etcd */
  FOLLOW_CATCHING_UP, /* the watch runs; what was missed is being applied */
  FOLLOW_RESYNCING,   /* everything is read */
  FOLLOW_LIVE,
  FOLLOW_BLOCKED, /* what stands in etcd must not be taken */
  N_FOLLOW_STATES
} FollowState;

typedef enum {
  /* from the settings, and from timers */
  FOLLOW_START,
  FOLLOW_STOP,
  FOLLOW_DUE, /* the time to wait is over */
  /* what a comparison found: see follow_classify_found() */
  FOLLOW_FOUND_SAME,
  FOLLOW_FOUND_NEWER,
  FOLLOW_FOUND_OTHER, /* a chain that ours is not part of, or nothing is held yet */
  FOLLOW_FOUND_UNFIT, /* no fleet, another one, no head, or one that can't be read */
  /* from the watch */
  FOLLOW_REACHED,   /* all that the comparison found is applied */
  FOLLOW_COMPACTED, /* what was missed is no longer there */
  FOLLOW_GAP,       /* a head that is not the next */
  FOLLOW_DOUBT,     /* the head was deleted, events are overdue, or regd refused one */
  /* from reading everything */
  FOLLOW_RESYNCED,
  FOLLOW_HELD_BACK, /* regd would delete too much */
  /* from the wire */
  FOLLOW_FAILED,  /* no answer, or a bad one */
  FOLLOW_REFUSED, /* this host may not read the fleet, or its certificate is not taken */
  N_FOLLOW_EVENTS
} FollowEvent;

/* Actions, in the order in which they are to be done. */
typedef enum {
  FOLLOW_DO_CLOSE = 1 << 0,   /* ends the watch and every call */
  FOLLOW_DO_NEXT = 1 << 1,    /* turns to the next endpoint */
  FOLLOW_DO_COMPARE = 1 << 2, /* reads `fleet` and `head` */
  FOLLOW_DO_WATCH = 1 << 3,   /* from follow_get_watch_start() on */
  FOLLOW_DO_RESYNC = 1 << 4,  /* at the revision of the comparison */
  FOLLOW_DO_WAIT = 1 << 5,    /* the back-off, then FOLLOW_DUE */
  FOLLOW_DO_REST = 1 << 6,    /* as long as a blocked host waits, then FOLLOW_DUE */
  FOLLOW_DO_TELL = 1 << 7,    /* the state has changed */
} FollowActions;

/* What a comparison read. */
typedef struct {
  gint64 revision;               /* of etcd, at that moment */
  gboolean has_info, right_info; /* `fleet` is there; it can be read and is of our uuid */
  gboolean has_head, readable_head;
  guint8 id[FLEET_ID_BYTES];
  guint64 number;
  gint64 modified; /* the revision that wrote the head */
} FollowFound;

typedef struct {
  FollowState state;
  /* What regd holds. */
  gint64 applied;
  gboolean has_head;
  guint8 id[FLEET_ID_BYTES];
  guint64 number;
  gint64 modified; /* the revision that wrote that head; 0: not known yet */
  /* What was handed to regd: it may be ahead of what regd holds, and is never behind. */
  gint64 handed;
  guint8 handed_id[FLEET_ID_BYTES];
  FollowFound found;      /* the newest comparison */
  FollowEvent found_kind; /* of it */
  gint64 doubted;         /* what was applied at the newest gap or doubt */
  gboolean stuck;         /* nothing more was at the one after: everything is to be read */
  gboolean skipped; /* the watch begins behind the comparison: what lies before is compacted */
} Follow;

/* What of etcd's one revision matters here. */
typedef struct {
  gint64 revision;
  gboolean has_records; /* of keys or values */
  gboolean deletes_head;
  const FleetHead *head; /* or NULL */
} FollowGroup;

typedef enum {
  FOLLOW_GROUP_IGNORE, /* was applied, or is none of ours */
  FOLLOW_GROUP_APPLY,  /* hand it to regd, then follow_note_handed() */
  FOLLOW_GROUP_GAP,    /* FOLLOW_GAP */
  FOLLOW_GROUP_DOUBT,  /* FOLLOW_DOUBT */
} FollowVerdict;

/* What regd holds, by its own word; @head NULL: nothing. */
void follow_set_held(Follow *follow, gint64 applied, const guint8 *head, guint64 number);

/* What regd has not answered yet is to be handed to it again. */
void follow_forget_handed(Follow *follow);

/* Does the event's row; returns FollowActions. */
guint follow_step(Follow *follow, FollowEvent event);

/* Keeps what was found, and says which event that is. */
FollowEvent follow_classify_found(Follow *follow, const FollowFound *found);
/* Why FOLLOW_FOUND_UNFIT; static. */
const char *follow_explain_unfit(const FollowFound *found);
gint64 follow_get_watch_start(const Follow *follow);

FollowVerdict follow_judge(const Follow *follow, const FollowGroup *group);
void follow_note_handed(Follow *follow, const FollowGroup *group);
/* regd has applied the group of @revision with @head (NULL: without one). TRUE: that was all that
 * the comparison found, so that a step with FOLLOW_REACHED is due. */
gboolean follow_note_applied(Follow *follow, gint64 revision, const FleetHead *head);
/* regd holds all that was read at the comparison's revision. */
void follow_note_resynced(Follow *follow);
/* Whether a comparison in the live state shows that the watch has lost events: the head that it
 * found was written at a revision that has not been handed on. */
gboolean follow_is_behind(const Follow *follow);

#endif
