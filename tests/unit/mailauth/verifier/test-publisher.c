/* SPDX-License-Identifier: MIT */
/* What the parent and the front are told of settings, when, and which events follow. */
#include "mailauth/verifier/publisher.h"

#include <string.h>

#include "mailauth/settings/settings-read.h"

/* The settings of a registry with one value in it, or none. */
typedef struct {
  SettingsKey key;
  const char *name, *text;
  RegistryViewState state;
  RegistryValue *value;
} World;

static RegistryViewState get_state(G_GNUC_UNUSED SettingsKey key, gpointer data) {
  return ((const World *)data)->state;
}

static const RegistryValue *get(SettingsKey key, const char *subkey, const char *name,
                                gpointer data) {
  const World *world = data;
  gboolean is_it = world->value != NULL && key == world->key && *subkey == '\0' &&
                   g_str_equal(name, world->name);
  return is_it ? world->value : NULL;
}

static gboolean has_key(G_GNUC_UNUSED SettingsKey key, G_GNUC_UNUSED const char *subkey,
                        G_GNUC_UNUSED gpointer data) {
  return FALSE;
}

static char **list_nothing(G_GNUC_UNUSED SettingsKey key, G_GNUC_UNUSED const char *subkey,
                           G_GNUC_UNUSED gpointer data) {
  return g_new0(char *, 1);
}

static Settings *read_world(World world) {
  const SettingsSource source = {get_state, get, has_key, list_nothing, list_nothing, &world};
  if (world.text != NULL)
    world.value = registry_value_new_string(REGISTRY_SZ, world.text, NULL);
  Settings *settings = settings_new(&source);
  g_clear_pointer(&world.value, registry_value_unref);
  return settings;
}

static Settings *read_known(SettingsKey key, const char *name, const char *text) {
  return read_world((World){key, name, text, REGISTRY_VIEW_READY, NULL});
}

typedef struct {
  Channel *to_parent, *parent, *to_front, *front;
  Reporter *reporter;
  Publisher *publisher;
} Desk;

static void connect_roles(Channel **own, Channel **other, Role peer) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  *own = channel_new(ends[0], ROLE_VERIFIER, peer);
  *other = channel_new(ends[1], peer, ROLE_VERIFIER);
}

static void set_up(Desk *desk) {
  connect_roles(&desk->to_parent, &desk->parent, ROLE_PARENT);
  connect_roles(&desk->to_front, &desk->front, ROLE_FRONT);
  desk->reporter = reporter_new();
  desk->publisher = publisher_new(desk->to_parent, desk->reporter);
}

static void tear_down(Desk *desk) {
  publisher_free(desk->publisher);
  reporter_free(desk->reporter);
  channel_free(desk->to_parent);
  channel_free(desk->parent);
  channel_free(desk->to_front);
  channel_free(desk->front);
}

/* Its body, the caller's; NULL: it is told nothing. */
static GVariant *hear(Channel *role, MessageKind kind) {
  g_auto(Message) message = MESSAGE_INIT;
  if (channel_receive(role, &message, NULL) != CHANNEL_MESSAGE)
    return NULL;
  g_assert_cmpint(message.kind, ==, kind);
  return g_variant_ref(message.body);
}

static void expect(Channel *role, MessageKind kind) {
  g_autoptr(GVariant) body = hear(role, kind);
  g_assert_nonnull(body);
}

static void expect_silence(Channel *role) {
  g_autoptr(GVariant) body = hear(role, N_MESSAGES);
  g_assert_null(body);
}

static void publish(Desk *desk, SettingsKey key, const char *name, const char *text) {
  g_autoptr(Settings) settings = read_known(key, name, text);
  publisher_publish(desk->publisher, settings);
}

static void answer(Desk *desk, void (*take)(Publisher *publisher, const Message *message),
                   GVariant *body) {
  g_auto(Message) message = {.descriptors = {-1, -1}};
  message.body = g_variant_ref_sink(body);
  take(desk->publisher, &message);
}

static const Event *get_event(const Desk *desk, guint count) {
  g_autoptr(GPtrArray) events = events_list(reporter_get_events(desk->reporter), MAX_EVENTS);
  g_assert_cmpuint(events->len, ==, count);
  return count > 0 ? events->pdata[0] : NULL;
}

static void test_told_what_is_new(void) {
  Desk desk;
  set_up(&desk);
  publish(&desk, SETTINGS_POP3, "", NULL);
  expect(desk.parent, MESSAGE_LISTEN);
  expect(desk.parent, MESSAGE_SOCKETS);
  expect_silence(desk.parent);
  /* Other settings, of which nothing concerns the parent. */
  publish(&desk, SETTINGS_POP3, "Clear Text", "always");
  expect_silence(desk.parent);
  publish(&desk, SETTINGS_POP3, "", NULL);
  expect_silence(desk.parent);
  get_event(&desk, 0);
  tear_down(&desk);
}

static void test_front(void) {
  Desk desk;
  set_up(&desk);
  publisher_set_front(desk.publisher, desk.to_front);
  expect_silence(desk.front);
  publish(&desk, SETTINGS_POP3, "", NULL);
  expect(desk.front, MESSAGE_SETTINGS);
  publisher_offer_scram(desk.publisher, FALSE);
  expect_silence(desk.front);
  publisher_offer_scram(desk.publisher, TRUE);
  gboolean has_scram = FALSE;
  g_autoptr(GVariant) rules = hear(desk.front, MESSAGE_SETTINGS);
  g_assert_nonnull(rules);
  g_variant_get(rules, "(bqbymsasasa(yyuuuy))", NULL, NULL, &has_scram, NULL, NULL, NULL, NULL,
                NULL);
  g_assert_true(has_scram);
  /* A new front is told, though nothing is new. */
  publisher_set_front(desk.publisher, NULL);
  publisher_set_front(desk.publisher, desk.to_front);
  expect(desk.front, MESSAGE_SETTINGS);
  tear_down(&desk);
}

static void test_settled(void) {
  Desk desk;
  set_up(&desk);
  publisher_set_front(desk.publisher, desk.to_front);
  publish(&desk, SETTINGS_POP3, "", NULL);
  g_assert_false(publisher_is_settled(desk.publisher));
  answer(&desk, publisher_take_listening, g_variant_new_parsed("@a(syss) []"));
  g_assert_false(publisher_is_settled(desk.publisher));
  answer(&desk, publisher_take_sockets_state, g_variant_new_parsed("['', '']"));
  g_assert_true(publisher_is_settled(desk.publisher));
  publisher_set_front(desk.publisher, NULL);
  g_assert_false(publisher_is_settled(desk.publisher));
  tear_down(&desk);
}

/* Defaults replace nothing that others hold; what is not known takes no socket away. */
static void test_unknown(void) {
  Desk desk;
  set_up(&desk);
  g_autoptr(Settings) unknown = read_world((World){.state = REGISTRY_VIEW_WAITING});
  gboolean is_set = TRUE;
  publisher_publish(desk.publisher, unknown);
  g_autoptr(GVariant) listen = hear(desk.parent, MESSAGE_LISTEN);
  g_assert_nonnull(listen);
  g_variant_get(listen, "(ba(syb))", &is_set, NULL);
  g_assert_false(is_set);
  expect_silence(desk.parent);
  tear_down(&desk);
}

static void test_events(void) {
  Desk desk;
  set_up(&desk);
  publish(&desk, SETTINGS_POP3, "", NULL);
  publish(&desk, SETTINGS_POP3, "Clear Text", "sometimes");
  g_assert_cmpint(get_event(&desk, 1)->outcome, ==, OUTCOME_BAD_SETTING);
  g_assert_cmpstr(get_event(&desk, 1)->source, ==, protocol_get_source(PROTOCOL_POP3));
  /* The same problem is no news. */
  publish(&desk, SETTINGS_POP3, "Clear Text", "sometimes");
  get_event(&desk, 1);
  publish(&desk, SETTINGS_STORE, "MBS Broker", "3");
  g_assert_cmpint(get_event(&desk, 2)->outcome, ==, OUTCOME_CHANGED);
  g_assert_nonnull(strstr(get_event(&desk, 2)->description, "new: native, broker 3 not in use"));
  tear_down(&desk);
}

static void test_listeners(void) {
  Desk desk;
  set_up(&desk);
  publish(&desk, SETTINGS_POP3, "", NULL);
  for (guint round = 0; round < 2; round++)
    answer(&desk, publisher_take_listening,
           g_variant_new_parsed("[('127.0.0.1:110', byte 0, 'Address already in use', ''),"
                                " ('127.0.0.1:143', byte 1, '', '127.0.0.1:143'),"
                                " ('127.0.0.1:1', byte 99, '', '')]"));
  const GPtrArray *listeners = publisher_get_listeners(desk.publisher);
  g_assert_cmpuint(listeners->len, ==, 2);
  /* Twice the same problem is one event. */
  g_assert_nonnull(strstr(get_event(&desk, 1)->description, "Listen: 127.0.0.1:110: Address"));
  answer(&desk, publisher_take_sockets_state, g_variant_new_parsed("['', 'it is a folder']"));
  g_assert_cmpstr(publisher_get_socket_problem(desk.publisher, AUTH_SASLAUTHD), ==,
                  "it is a folder");
  g_assert_nonnull(strstr(get_event(&desk, 2)->description, "Saslauthd Socket: it is a folder"));
  tear_down(&desk);
}

static void note(const char *problem, gpointer data) {
  *(char **)data = g_strdup(problem);
}

static void test_nothing_to_reload(void) {
  Desk desk;
  g_autofree char *problem = NULL;
  set_up(&desk);
  publish(&desk, SETTINGS_POP3, "", NULL);
  publisher_reload_certificates(desk.publisher, note, &problem);
  g_assert_nonnull(strstr(problem, "Parameters, Certificate: it is not set"));
  tear_down(&desk);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/publisher/told-what-is-new", test_told_what_is_new);
  g_test_add_func("/publisher/front", test_front);
  g_test_add_func("/publisher/settled", test_settled);
  g_test_add_func("/publisher/unknown", test_unknown);
  g_test_add_func("/publisher/events", test_events);
  g_test_add_func("/publisher/listeners", test_listeners);
  g_test_add_func("/publisher/nothing-to-reload", test_nothing_to_reload);
  return g_test_run();
}
