/* SPDX-License-Identifier: MIT */
/* How a host follows: what each comparison and each revision means, and the way through the
 * states. */
#include "regd/fleet/base/follow.h"

#include <string.h>

#define APPLIED 100
#define NUMBER 7

static void set_id(guint8 *id, guint8 letter) {
  memset(id, letter, FLEET_ID_BYTES);
}

/* A host that holds the commit A, number 7, as of the revision 100. */
static Follow make_follow(FollowState state) {
  Follow follow = {.state = state};
  guint8 id[FLEET_ID_BYTES];
  set_id(id, 'A');
  follow_set_held(&follow, APPLIED, id, NUMBER);
  follow.modified = APPLIED;
  return follow;
}

static FollowFound make_found(gint64 revision, guint8 letter, guint64 number, gint64 modified) {
  FollowFound found = {.revision = revision,
                       .has_info = TRUE,
                       .right_info = TRUE,
                       .has_head = TRUE,
                       .readable_head = TRUE,
                       .number = number,
                       .modified = modified};
  set_id(found.id, letter);
  return found;
}

static void test_found(void) {
  static const struct {
    FollowState state;
    gint64 revision;
    guint8 letter;
    guint64 number;
    gint64 modified;
    FollowEvent event;
  } rows[] = {
      {FOLLOW_COMPARING, 100, 'A', 7, 100, FOLLOW_FOUND_SAME},
      {FOLLOW_COMPARING, 500, 'A', 7, 100, FOLLOW_FOUND_SAME},
      {FOLLOW_COMPARING, 99, 'A', 7, 90, FOLLOW_FOUND_OTHER},   /* etcd went back */
      {FOLLOW_COMPARING, 200, 'B', 7, 150, FOLLOW_FOUND_OTHER}, /* the chain forked */
      {FOLLOW_COMPARING, 200, 'B', 6, 150, FOLLOW_FOUND_OTHER},
      {FOLLOW_COMPARING, 200, 'B', 8, 150, FOLLOW_FOUND_NEWER},
      {FOLLOW_LIVE, 200, 'A', 7, 100, FOLLOW_FOUND_SAME},
      {FOLLOW_LIVE, 99, 'C', 6, 90, FOLLOW_FOUND_SAME}, /* asked before the watch brought more */
      {FOLLOW_LIVE, 200, 'B', 8, 150, FOLLOW_FOUND_NEWER},
      {FOLLOW_LIVE, 200, 'B', 7, 80, FOLLOW_FOUND_OTHER},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Follow follow = make_follow(rows[i].state);
    FollowFound found =
        make_found(rows[i].revision, rows[i].letter, rows[i].number, rows[i].modified);
    g_assert_cmpint((int)follow_classify_found(&follow, &found), ==, (int)rows[i].event);
  }
}

static void test_found_nothing_held(void) {
  Follow follow = {.state = FOLLOW_COMPARING};
  FollowFound found = make_found(5, 'A', 1, 5);
  follow_set_held(&follow, 0, NULL, 0);
  g_assert_cmpint((int)follow_classify_found(&follow, &found), ==, (int)FOLLOW_FOUND_OTHER);
}

static void test_unfit(void) {
  static const struct {
    gboolean has_info, right_info, has_head, readable;
    const char *said;
  } rows[] = {{FALSE, FALSE, FALSE, FALSE, "no such fleet"},
              {FALSE, FALSE, TRUE, TRUE, "no such fleet"},
              {TRUE, FALSE, TRUE, TRUE, "another fleet"},
              {TRUE, TRUE, FALSE, FALSE, "empty"},
              {TRUE, TRUE, TRUE, FALSE, "can't be read"}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    for (guint live = 0; live < 2; live++) {
      Follow follow = make_follow(live ? FOLLOW_LIVE : FOLLOW_COMPARING);
      FollowFound found = make_found(200, 'A', 7, 100);
      found.has_info = rows[i].has_info;
      found.right_info = rows[i].right_info;
      found.has_head = rows[i].has_head;
      found.readable_head = rows[i].readable;
      g_assert_cmpint((int)follow_classify_found(&follow, &found), ==, (int)FOLLOW_FOUND_UNFIT);
      g_assert_nonnull(strstr(follow_explain_unfit(&found), rows[i].said));
      (void)follow_step(&follow, FOLLOW_FOUND_UNFIT);
      g_assert_cmpint((int)follow.state, ==, (int)FOLLOW_BLOCKED);
    }
}

static void test_groups(void) {
  static const struct {
    gint64 revision;
    gboolean has_records, deletes_head;
    guint8 previous; /* 0: no head */
    FollowVerdict verdict;
  } rows[] = {
      {101, TRUE, FALSE, 'A', FOLLOW_GROUP_APPLY},
      {101, FALSE, FALSE, 'A', FOLLOW_GROUP_APPLY}, /* a commit that changes nothing here */
      {105, TRUE, FALSE, 'A', FOLLOW_GROUP_APPLY},
      {100, TRUE, FALSE, 'A', FOLLOW_GROUP_IGNORE},
      {50, TRUE, TRUE, 'B', FOLLOW_GROUP_IGNORE},
      {101, TRUE, FALSE, 'B', FOLLOW_GROUP_GAP},
      {101, TRUE, FALSE, 0, FOLLOW_GROUP_APPLY}, /* written past regd */
      {101, FALSE, FALSE, 0, FOLLOW_GROUP_IGNORE},
      {101, TRUE, TRUE, 0, FOLLOW_GROUP_DOUBT},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Follow follow = make_follow(FOLLOW_LIVE);
    FleetHead head = {.has_previous = TRUE};
    set_id(head.previous, rows[i].previous);
    const FollowGroup group = {.revision = rows[i].revision,
                               .has_records = rows[i].has_records,
                               .deletes_head = rows[i].deletes_head,
                               .head = rows[i].previous != 0 ? &head : NULL};
    g_assert_cmpint((int)follow_judge(&follow, &group), ==, (int)rows[i].verdict);
  }
}

static void test_first_head_again(void) {
  Follow follow = make_follow(FOLLOW_LIVE);
  FleetHead head = {.number = 1};
  const FollowGroup group = {.revision = 101, .head = &head};
  g_assert_cmpint((int)follow_judge(&follow, &group), ==, (int)FOLLOW_GROUP_GAP);
}

/* Three commits are handed on before the first is answered. */
static void test_window(void) {
  Follow follow = make_follow(FOLLOW_COMPARING);
  FollowFound found = make_found(200, 'D', 10, 103);
  (void)follow_step(&follow, follow_classify_found(&follow, &found));
  g_assert_cmpint((int)follow.state, ==, (int)FOLLOW_CATCHING_UP);
  g_assert_cmpint(follow_get_watch_start(&follow), ==, APPLIED + 1);
  FleetHead heads[3] = {0};
  for (guint i = 0; i < 3; i++) {
    const FollowGroup group = {.revision = 101 + i, .has_records = TRUE, .head = &heads[i]};
    heads[i].has_previous = TRUE;
    heads[i].number = NUMBER + 1 + i;
    set_id(heads[i].previous, (guint8)('A' + i));
    set_id(heads[i].id, (guint8)('B' + i));
    g_assert_cmpint((int)follow_judge(&follow, &group), ==, (int)FOLLOW_GROUP_APPLY);
    follow_note_handed(&follow, &group);
  }
  g_assert_false(follow_note_applied(&follow, 101, &heads[0]));
  g_assert_false(follow_note_applied(&follow, 102, &heads[1]));
  g_assert_true(follow_note_applied(&follow, 103, &heads[2]));
  g_assert_cmpuint(follow.number, ==, 10);
  g_assert_cmpint(follow.modified, ==, 103);
  (void)follow_step(&follow, FOLLOW_REACHED);
  g_assert_cmpint((int)follow.state, ==, (int)FOLLOW_LIVE);
}

/* The watch ends while regd has not answered: what it was handed comes again. */
static void test_forgotten(void) {
  Follow follow = make_follow(FOLLOW_LIVE);
  FleetHead head = {.has_previous = TRUE, .number = 8};
  const FollowGroup group = {.revision = 101, .has_records = TRUE, .head = &head};
  set_id(head.previous, 'A');
  set_id(head.id, 'B');
  follow_note_handed(&follow, &group);
  g_assert_cmpint((int)follow_judge(&follow, &group), ==, (int)FOLLOW_GROUP_IGNORE);
  follow_forget_handed(&follow);
  g_assert_cmpint((int)follow_judge(&follow, &group), ==, (int)FOLLOW_GROUP_APPLY);
  FollowFound found = make_found(300, 'A', 7, 100);
  follow.state = FOLLOW_COMPARING;
  g_assert_cmpint((int)follow_classify_found(&follow, &found), ==, (int)FOLLOW_FOUND_SAME);
}

/* Settings come while regd applies a commit: what follows the commit is the next one. */
static void test_applied_late(void) {
  Follow follow = make_follow(FOLLOW_LIVE);
  FleetHead heads[2] = {{.has_previous = TRUE, .number = 8}, {.has_previous = TRUE, .number = 9}};
  set_id(heads[0].previous, 'A');
  set_id(heads[0].id, 'B');
  set_id(heads[1].previous, 'B');
  set_id(heads[1].id, 'C');
  (void)follow_note_applied(&follow, 101, &heads[0]);
  g_assert_cmpint(follow.handed, ==, 101);
  g_assert_cmpmem(follow.handed_id, FLEET_ID_BYTES, follow.id, FLEET_ID_BYTES);
  const FollowGroup group = {.revision = 102, .has_records = TRUE, .head = &heads[1]};
  g_assert_cmpint((int)follow_judge(&follow, &group), ==, (int)FOLLOW_GROUP_APPLY);
}

/* Other keys have moved etcd's revision on, and it was compacted: nothing was missed. */
static void test_compacted(void) {
  Follow follow = make_follow(FOLLOW_COMPARING);
  FollowFound found = make_found(900, 'A', 7, 100);
  (void)follow_step(&follow, follow_classify_found(&follow, &found));
  g_assert_cmpint(follow_get_watch_start(&follow), ==, APPLIED + 1);
  g_assert_cmpuint(follow_step(&follow, FOLLOW_COMPACTED), ==, FOLLOW_DO_CLOSE | FOLLOW_DO_WATCH);
  g_assert_cmpint(follow_get_watch_start(&follow), ==, 901);
  (void)follow_step(&follow, FOLLOW_COMPACTED);
  g_assert_cmpint((int)follow.state, ==, (int)FOLLOW_RESYNCING);
  follow_note_resynced(&follow);
  (void)follow_step(&follow, FOLLOW_RESYNCED);
  g_assert_cmpint((int)follow.state, ==, (int)FOLLOW_CATCHING_UP);
  g_assert_cmpint(follow_get_watch_start(&follow), ==, 901);
}

/* What makes a host look again must not bring it back to the same place without end. */
static void test_stuck(void) {
  static const FollowEvent events[] = {FOLLOW_GAP, FOLLOW_DOUBT};
  for (gsize i = 0; i < G_N_ELEMENTS(events); i++) {
    Follow follow = make_follow(FOLLOW_LIVE);
    FollowFound found = make_found(300, 'A', 7, 250); /* the same head, written again */
    (void)follow_step(&follow, events[i]);
    g_assert_cmpint((int)follow_classify_found(&follow, &found), ==, (int)FOLLOW_FOUND_SAME);
    follow.state = FOLLOW_LIVE;
    (void)follow_step(&follow, events[i]);
    g_assert_cmpint((int)follow_classify_found(&follow, &found), ==, (int)FOLLOW_FOUND_OTHER);
    follow_note_resynced(&follow);
    follow.state = FOLLOW_LIVE;
    (void)follow_step(&follow, events[i]);
    g_assert_cmpint((int)follow_classify_found(&follow, &found), ==, (int)FOLLOW_FOUND_SAME);
  }
}

static void test_behind(void) {
  Follow follow = make_follow(FOLLOW_LIVE);
  FollowFound found = make_found(900, 'B', 8, 850);
  g_assert_cmpint((int)follow_classify_found(&follow, &found), ==, (int)FOLLOW_FOUND_NEWER);
  g_assert_cmpuint(follow_step(&follow, FOLLOW_FOUND_NEWER), ==, 0);
  g_assert_true(follow_is_behind(&follow));
  const FollowGroup group = {.revision = 850, .has_records = TRUE};
  follow_note_handed(&follow, &group);
  g_assert_false(follow_is_behind(&follow));
}

/* ---- the table ---- */

static const struct {
  FollowState state;
  FollowEvent event;
  FollowState next;
  guint actions; /* at least */
} steps[] = {
    {FOLLOW_OFF, FOLLOW_START, FOLLOW_COMPARING, FOLLOW_DO_COMPARE},
    {FOLLOW_OFF, FOLLOW_DUE, FOLLOW_OFF, 0},
    {FOLLOW_OFF, FOLLOW_FAILED, FOLLOW_OFF, 0},
    {FOLLOW_WAITING, FOLLOW_DUE, FOLLOW_COMPARING, FOLLOW_DO_COMPARE},
    {FOLLOW_WAITING, FOLLOW_FAILED, FOLLOW_WAITING, 0},
    {FOLLOW_COMPARING, FOLLOW_FAILED, FOLLOW_WAITING, FOLLOW_DO_NEXT | FOLLOW_DO_WAIT},
    {FOLLOW_COMPARING, FOLLOW_REFUSED, FOLLOW_BLOCKED, FOLLOW_DO_REST},
    {FOLLOW_COMPARING, FOLLOW_FOUND_OTHER, FOLLOW_RESYNCING, FOLLOW_DO_RESYNC},
    {FOLLOW_CATCHING_UP, FOLLOW_GAP, FOLLOW_RESYNCING, FOLLOW_DO_CLOSE | FOLLOW_DO_RESYNC},
    {FOLLOW_CATCHING_UP, FOLLOW_FAILED, FOLLOW_WAITING, FOLLOW_DO_CLOSE | FOLLOW_DO_WAIT},
    {FOLLOW_RESYNCING, FOLLOW_HELD_BACK, FOLLOW_BLOCKED, FOLLOW_DO_REST},
    {FOLLOW_RESYNCING, FOLLOW_COMPACTED, FOLLOW_COMPARING, FOLLOW_DO_COMPARE},
    {FOLLOW_RESYNCING, FOLLOW_GAP, FOLLOW_RESYNCING, 0},
    {FOLLOW_LIVE, FOLLOW_FOUND_SAME, FOLLOW_LIVE, 0},
    {FOLLOW_LIVE, FOLLOW_GAP, FOLLOW_COMPARING, FOLLOW_DO_CLOSE | FOLLOW_DO_COMPARE},
    {FOLLOW_LIVE, FOLLOW_DOUBT, FOLLOW_COMPARING, FOLLOW_DO_CLOSE | FOLLOW_DO_COMPARE},
    {FOLLOW_LIVE, FOLLOW_FAILED, FOLLOW_WAITING, FOLLOW_DO_CLOSE | FOLLOW_DO_NEXT | FOLLOW_DO_WAIT},
    {FOLLOW_BLOCKED, FOLLOW_DUE, FOLLOW_COMPARING, FOLLOW_DO_COMPARE},
    {FOLLOW_BLOCKED, FOLLOW_GAP, FOLLOW_BLOCKED, 0},
};

static void test_steps(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
    Follow follow = make_follow(steps[i].state);
    guint actions = follow_step(&follow, steps[i].event);
    g_assert_cmpint((int)follow.state, ==, (int)steps[i].next);
    g_assert_cmpuint(actions & steps[i].actions, ==, steps[i].actions);
    if (steps[i].actions == 0)
      g_assert_cmpuint(actions, ==, 0);
  }
}

/* Whatever happens, it can be stopped, and started, and no state is left silently. */
static void test_all(void) {
  for (guint state = 0; state < N_FOLLOW_STATES; state++) {
    Follow follow = make_follow((FollowState)state);
    (void)follow_step(&follow, FOLLOW_STOP);
    g_assert_cmpint((int)follow.state, ==, (int)FOLLOW_OFF);
    follow = make_follow((FollowState)state);
    g_assert_cmpuint(follow_step(&follow, FOLLOW_START) & FOLLOW_DO_COMPARE, !=, 0);
    g_assert_cmpint((int)follow.state, ==, (int)FOLLOW_COMPARING);
    for (guint event = 0; event < N_FOLLOW_EVENTS; event++) {
      follow = make_follow((FollowState)state);
      guint actions = follow_step(&follow, (FollowEvent)event);
      if (follow.state != (FollowState)state && follow.state != FOLLOW_CATCHING_UP)
        g_assert_cmpuint(actions & FOLLOW_DO_TELL, !=, 0);
      if (follow.state == FOLLOW_WAITING && actions != 0)
        g_assert_cmpuint(actions & FOLLOW_DO_WAIT, !=, 0);
      if (follow.state == FOLLOW_BLOCKED && actions != 0)
        g_assert_cmpuint(actions & FOLLOW_DO_REST, !=, 0);
    }
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/base/follow/found", test_found);
  g_test_add_func("/regd/fleet/base/follow/nothing-held", test_found_nothing_held);
  g_test_add_func("/regd/fleet/base/follow/unfit", test_unfit);
  g_test_add_func("/regd/fleet/base/follow/groups", test_groups);
  g_test_add_func("/regd/fleet/base/follow/first-head-again", test_first_head_again);
  g_test_add_func("/regd/fleet/base/follow/window", test_window);
  g_test_add_func("/regd/fleet/base/follow/forgotten", test_forgotten);
  g_test_add_func("/regd/fleet/base/follow/applied-late", test_applied_late);
  g_test_add_func("/regd/fleet/base/follow/compacted", test_compacted);
  g_test_add_func("/regd/fleet/base/follow/stuck", test_stuck);
  g_test_add_func("/regd/fleet/base/follow/behind", test_behind);
  g_test_add_func("/regd/fleet/base/follow/steps", test_steps);
  g_test_add_func("/regd/fleet/base/follow/all", test_all);
  return g_test_run();
}
