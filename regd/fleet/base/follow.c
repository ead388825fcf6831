/* SPDX-License-Identifier: MIT */
/* See follow.h. */
#include "regd/fleet/base/follow.h"

#include <string.h>

/* ---- the table ---- */

typedef struct {
  gboolean known;
  FollowState next;
  guint actions;
} Row;

#define TO(state, actions)                                                                         \
  { TRUE, FOLLOW_##state, (actions) }

#define LEAVE (FOLLOW_DO_CLOSE | FOLLOW_DO_TELL)
#define ASK (FOLLOW_DO_COMPARE | FOLLOW_DO_TELL)
#define READ_ALL (FOLLOW_DO_CLOSE | FOLLOW_DO_RESYNC | FOLLOW_DO_TELL)
#define TRY_LATER (FOLLOW_DO_CLOSE | FOLLOW_DO_NEXT | FOLLOW_DO_WAIT | FOLLOW_DO_TELL)
#define STAND_STILL (FOLLOW_DO_CLOSE | FOLLOW_DO_REST | FOLLOW_DO_TELL)
#define ASK_AGAIN (FOLLOW_DO_CLOSE | FOLLOW_DO_COMPARE | FOLLOW_DO_TELL)

/* A pair without a row has no effect: an event that came too late. */
static const Row table[N_FOLLOW_STATES][N_FOLLOW_EVENTS] = {
    [FOLLOW_OFF] = {[FOLLOW_START] = TO(COMPARING, ASK)},
    [FOLLOW_WAITING] = {[FOLLOW_STOP] = TO(OFF, LEAVE),
                        [FOLLOW_START] = TO(COMPARING, ASK_AGAIN),
                        [FOLLOW_DUE] = TO(COMPARING, ASK)},
    [FOLLOW_COMPARING] = {[FOLLOW_STOP] = TO(OFF, LEAVE),
                          [FOLLOW_START] = TO(COMPARING, ASK_AGAIN),
                          [FOLLOW_FOUND_SAME] = TO(CATCHING_UP, FOLLOW_DO_WATCH),
                          [FOLLOW_FOUND_NEWER] = TO(CATCHING_UP, FOLLOW_DO_WATCH),
                          [FOLLOW_FOUND_OTHER] = TO(RESYNCING, READ_ALL),
                          [FOLLOW_FOUND_UNFIT] = TO(BLOCKED, STAND_STILL),
                          [FOLLOW_FAILED] = TO(WAITING, TRY_LATER),
                          [FOLLOW_REFUSED] = TO(BLOCKED, STAND_STILL)},
    [FOLLOW_CATCHING_UP] = {[FOLLOW_STOP] = TO(OFF, LEAVE),
                            [FOLLOW_START] = TO(COMPARING, ASK_AGAIN),
                            [FOLLOW_REACHED] = TO(LIVE, FOLLOW_DO_TELL),
                            [FOLLOW_COMPACTED] = TO(RESYNCING, READ_ALL),
                            [FOLLOW_GAP] = TO(RESYNCING, READ_ALL),
                            [FOLLOW_DOUBT] = TO(COMPARING, ASK_AGAIN),
                            [FOLLOW_FAILED] = TO(WAITING, TRY_LATER),
                            [FOLLOW_REFUSED] = TO(BLOCKED, STAND_STILL)},
    [FOLLOW_RESYNCING] = {[FOLLOW_STOP] = TO(OFF, LEAVE),
                          [FOLLOW_START] = TO(COMPARING, ASK_AGAIN),
                          [FOLLOW_RESYNCED] = TO(CATCHING_UP, FOLLOW_DO_WATCH),
                          [FOLLOW_HELD_BACK] = TO(BLOCKED, STAND_STILL),
                          [FOLLOW_COMPACTED] = TO(COMPARING, ASK_AGAIN),
                          [FOLLOW_DOUBT] = TO(WAITING, TRY_LATER),
                          [FOLLOW_FAILED] = TO(WAITING, TRY_LATER),
                          [FOLLOW_REFUSED] = TO(BLOCKED, STAND_STILL)},
    /* A comparison here looks for events that the watch has lost. */
    [FOLLOW_LIVE] = {[FOLLOW_STOP] = TO(OFF, LEAVE),
                     [FOLLOW_START] = TO(COMPARING, ASK_AGAIN),
                     [FOLLOW_FOUND_OTHER] = TO(COMPARING, ASK_AGAIN),
                     [FOLLOW_FOUND_UNFIT] = TO(BLOCKED, STAND_STILL),
                     [FOLLOW_COMPACTED] = TO(COMPARING, ASK_AGAIN),
                     [FOLLOW_GAP] = TO(COMPARING, ASK_AGAIN),
                     [FOLLOW_DOUBT] = TO(COMPARING, ASK_AGAIN),
                     [FOLLOW_FAILED] = TO(WAITING, TRY_LATER),
                     [FOLLOW_REFUSED] = TO(BLOCKED, STAND_STILL)},
    [FOLLOW_BLOCKED] = {[FOLLOW_STOP] = TO(OFF, LEAVE),
                        [FOLLOW_START] = TO(COMPARING, ASK_AGAIN),
                        [FOLLOW_DUE] = TO(COMPARING, ASK_AGAIN)},
};

static void note_doubt(Follow *follow) {
  follow->stuck |= follow->doubted == follow->applied;
  follow->doubted = follow->applied;
}

guint follow_step(Follow *follow, FollowEvent event) {
  const Row *row = &table[follow->state][event];
  if (!row->known)
    return 0;
  if (event == FOLLOW_GAP || event == FOLLOW_DOUBT)
    note_doubt(follow);
  /* A quiet fleet's revision falls behind compaction with nothing missed. */
  if (event == FOLLOW_COMPACTED && follow->state == FOLLOW_CATCHING_UP &&
      follow->found_kind == FOLLOW_FOUND_SAME && !follow->skipped) {
    follow->skipped = TRUE;
    return FOLLOW_DO_CLOSE | FOLLOW_DO_WATCH;
  }
  follow->state = row->next;
  return row->actions;
}

/* ---- what is held ---- */

void follow_set_held(Follow *follow, gint64 applied, const guint8 *head, guint64 number) {
  follow->applied = applied;
  follow->handed = applied;
  follow->has_head = head != NULL;
  follow->number = head != NULL ? number : 0;
  follow->modified = 0;
  follow->doubted = -1;
  follow->stuck = FALSE;
  memset(follow->id, 0, FLEET_ID_BYTES);
  if (head != NULL)
    memcpy(follow->id, head, FLEET_ID_BYTES);
  memcpy(follow->handed_id, follow->id, FLEET_ID_BYTES);
}

void follow_forget_handed(Follow *follow) {
  follow->handed = follow->applied;
  memcpy(follow->handed_id, follow->id, FLEET_ID_BYTES);
}

/* ---- comparing ---- */

static FollowEvent classify(const Follow *follow, const FollowFound *found) {
  if (!found->has_info || !found->right_info || !found->has_head || !found->readable_head)
    return FOLLOW_FOUND_UNFIT;
  if (!follow->has_head || follow->stuck || found->revision < follow->applied)
    return FOLLOW_FOUND_OTHER;
  if (memcmp(found->id, follow->id, FLEET_ID_BYTES) == 0)
    return FOLLOW_FOUND_SAME;
  return found->number > follow->number ? FOLLOW_FOUND_NEWER : FOLLOW_FOUND_OTHER;
}

/* The watch goes on meanwhile: it may have brought more than the comparison saw. */
static FollowEvent classify_live(const Follow *follow, const FollowFound *found) {
  if (!found->has_info || !found->right_info || !found->has_head || !found->readable_head)
    return FOLLOW_FOUND_UNFIT;
  if (found->modified > follow->handed)
    return FOLLOW_FOUND_NEWER;
  if (found->revision < follow->handed || memcmp(found->id, follow->handed_id, FLEET_ID_BYTES) == 0)
    return FOLLOW_FOUND_SAME;
  return FOLLOW_FOUND_OTHER;
}

FollowEvent follow_classify_found(Follow *follow, const FollowFound *found) {
  follow->found = *found;
  if (follow->state == FOLLOW_LIVE)
    return classify_live(follow, found);
  follow->found_kind = classify(follow, found);
  follow->skipped = FALSE;
  if (follow->found_kind == FOLLOW_FOUND_SAME)
    follow->modified = found->modified;
  return follow->found_kind;
}

const char *follow_explain_unfit(const FollowFound *found) {
  if (!found->has_info)
    return "there is no such fleet at these endpoints (any more)";
  if (!found->right_info)
    return "another fleet of this name stands at these endpoints, or one of a newer format";
  return found->has_head ? "the fleet's head can't be read"
                         : "the fleet is empty: its head is gone";
}

gint64 follow_get_watch_start(const Follow *follow) {
  return (follow->skipped ? follow->found.revision : follow->applied) + 1;
}

gboolean follow_is_behind(const Follow *follow) {
  return follow->found.modified > follow->handed;
}

/* ---- groups of events ---- */

FollowVerdict follow_judge(const Follow *follow, const FollowGroup *group) {
  if (group->revision <= follow->handed)
    return FOLLOW_GROUP_IGNORE;
  if (group->deletes_head)
    return FOLLOW_GROUP_DOUBT;
  if (group->head == NULL)
    return group->has_records ? FOLLOW_GROUP_APPLY : FOLLOW_GROUP_IGNORE;
  if (!group->head->has_previous ||
      memcmp(group->head->previous, follow->handed_id, FLEET_ID_BYTES) != 0)
    return FOLLOW_GROUP_GAP;
  return FOLLOW_GROUP_APPLY;
}

void follow_note_handed(Follow *follow, const FollowGroup *group) {
  follow->handed = group->revision;
  if (group->head != NULL)
    memcpy(follow->handed_id, group->head->id, FLEET_ID_BYTES);
}

gboolean follow_note_applied(Follow *follow, gint64 revision, const FleetHead *head) {
  if (revision <= follow->applied)
    return FALSE;
  follow->applied = revision;
  if (head != NULL) {
    follow->has_head = TRUE;
    memcpy(follow->id, head->id, FLEET_ID_BYTES);
    follow->number = head->number;
    follow->modified = revision;
  }
  if (follow->handed < follow->applied) /* it was handed before the newest follow_set_held() */
    follow_forget_handed(follow);
  return follow->state == FOLLOW_CATCHING_UP && follow->applied >= follow->found.modified;
}

void follow_note_resynced(Follow *follow) {
  follow_set_held(follow, follow->found.revision, follow->found.id, follow->found.number);
  follow->modified = follow->found.modified;
  follow->found_kind = FOLLOW_FOUND_SAME;
}
