/* SPDX-License-Identifier: MIT */
/* Which sessions are ended when accounts are written to. The views are the test's own: it says
 * when a round trip ends, and what can be read after it. */
#include "mailauth/sessions/sessions.h"

#include "mailauth/package/sam.h"

struct Views {
  Outcome state;
  GHashTable *disabled; /* names */
  guint round_trips;    /* that were begun */
  ViewsSynced synced;   /* of the one under way; NULL: none is */
  gpointer data;
};

/* ---- what sessions ask ---- */

const RegistryView *views_get_accounts(const Views *views) {
  return (const RegistryView *)(gconstpointer)views;
}

static const Views *get_views(const RegistryView *accounts) {
  return (const Views *)(gconstpointer)accounts;
}

Settings *views_get_settings(G_GNUC_UNUSED Views *views) {
  g_assert_not_reached();
}

void views_sync(Views *views, G_GNUC_UNUSED guint delay, ViewsSynced synced, gpointer data) {
  g_assert_null(views->synced);
  views->round_trips++;
  views->synced = synced;
  views->data = data;
}

Outcome sam_get_state(const RegistryView *accounts, char **detail) {
  *detail = NULL;
  return get_views(accounts)->state;
}

gboolean registry_view_has_key(G_GNUC_UNUSED const RegistryView *accounts,
                               G_GNUC_UNUSED const char *account) {
  return TRUE;
}

gboolean registry_view_get_uint32(const RegistryView *accounts, const char *account,
                                  G_GNUC_UNUSED const char *const *names, guint32 *number,
                                  G_GNUC_UNUSED GError **error) {
  *number = g_hash_table_contains(get_views(accounts)->disabled, account);
  return TRUE;
}

/* ---- the scene ---- */

typedef struct {
  Views views;
  Sessions *sessions;
  Channel *verifier, *front;
} Scene;

static void scene_begin(Scene *scene) {
  int ends[2];
  *scene = (Scene){.views.state = OUTCOME_OK};
  scene->views.disabled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_assert_true(channel_pair(ends, NULL));
  scene->verifier = channel_new(ends[0], ROLE_VERIFIER, ROLE_FRONT);
  scene->front = channel_new(ends[1], ROLE_FRONT, ROLE_VERIFIER);
  scene->sessions = sessions_new(&scene->views);
  sessions_set_front(scene->sessions, scene->verifier);
}

static void scene_end(Scene *scene) {
  sessions_free(scene->sessions);
  channel_free(scene->verifier);
  channel_free(scene->front);
  g_hash_table_unref(scene->views.disabled);
}

static void add(Scene *scene, guint64 number, const char *account) {
  const SessionFacts facts = {.is_native = TRUE, .client = {.user = account, .session = number}};
  sessions_add(scene->sessions, number, &facts);
}

static void disable(Scene *scene, const char *account) {
  g_hash_table_add(scene->views.disabled, g_strdup(account));
}

static void end_round_trip(Scene *scene, gboolean current) {
  ViewsSynced synced = scene->views.synced;
  g_assert_nonnull(synced);
  scene->views.synced = NULL;
  synced(current, scene->views.data);
}

/* The next session that was ended; 0: none. */
static guint64 take_end(Scene *scene) {
  g_auto(Message) message = MESSAGE_INIT;
  ChannelResult result = channel_receive(scene->front, &message, NULL);
  g_assert_cmpint(result, !=, CHANNEL_CLOSED);
  return result == CHANNEL_EMPTY ? 0 : g_variant_get_uint64(message.body);
}

/* ---- tests ---- */

/* Its value may come only after the round trip that another account has begun. */
static void test_written_during_round_trip(void) {
  Scene scene;
  scene_begin(&scene);
  add(&scene, 1, "ann");
  add(&scene, 2, "bob");
  sessions_take_account(scene.sessions, "ann");
  disable(&scene, "ann");
  sessions_take_account(scene.sessions, "bob");
  sessions_take_account(scene.sessions, "eve");
  end_round_trip(&scene, TRUE);
  g_assert_cmpuint(take_end(&scene), ==, 1);
  g_assert_cmpuint(take_end(&scene), ==, 0);
  sessions_remove(scene.sessions, 1);
  disable(&scene, "bob");
  end_round_trip(&scene, TRUE);
  g_assert_cmpuint(take_end(&scene), ==, 2);
  g_assert_cmpuint(scene.views.round_trips, ==, 2);
  scene_end(&scene);
}

/* A new verifier hears of sessions before it has read an account. */
static void test_accounts_read_later(void) {
  Scene scene;
  scene_begin(&scene);
  scene.views.state = OUTCOME_ACCOUNTS_MISSING;
  disable(&scene, "ann");
  add(&scene, 1, "ann");
  g_assert_cmpuint(take_end(&scene), ==, 0);
  scene.views.state = OUTCOME_OK;
  sessions_take_views(scene.sessions);
  end_round_trip(&scene, TRUE);
  g_assert_cmpuint(take_end(&scene), ==, 1);
  sessions_take_views(scene.sessions);
  g_assert_cmpuint(scene.views.round_trips, ==, 1);
  scene_end(&scene);
}

static void test_round_trip_in_vain(void) {
  Scene scene;
  scene_begin(&scene);
  add(&scene, 1, "ann");
  sessions_take_account(scene.sessions, "ann");
  end_round_trip(&scene, FALSE);
  disable(&scene, "ann");
  sessions_take_views(scene.sessions);
  end_round_trip(&scene, TRUE);
  g_assert_cmpuint(take_end(&scene), ==, 1);
  scene_end(&scene);
}

static void test_freed_during_round_trip(void) {
  Scene scene;
  scene_begin(&scene);
  add(&scene, 1, "ann");
  sessions_take_account(scene.sessions, "ann");
  sessions_take_account(scene.sessions, "ann");
  sessions_free(g_steal_pointer(&scene.sessions));
  end_round_trip(&scene, TRUE);
  g_assert_null(scene.views.synced);
  scene_end(&scene);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sessions/written-during-round-trip", test_written_during_round_trip);
  g_test_add_func("/sessions/accounts-read-later", test_accounts_read_later);
  g_test_add_func("/sessions/round-trip-in-vain", test_round_trip_in_vain);
  g_test_add_func("/sessions/freed-during-round-trip", test_freed_during_round_trip);
  return g_test_run();
}
