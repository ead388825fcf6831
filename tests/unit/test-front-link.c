/* What the verifier takes from a front that is not what it should be: nothing. */
#include "mailauth/front-link.h"
#include "mailauth/limits.h"

typedef struct {
  MessageKind kind;
  gsize user, address; /* their sizes */
} Lie;

static void on_ended(gpointer data) {
  g_main_loop_quit(data);
}

/* The link has no logins: one that was taken would end the test. */
static void test_lie(gconstpointer data) {
  static const FrontLinkEvents events = {.ended = on_ended};
  const Lie *lie = data;
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_autoptr(Channel) front = channel_new(ends[0], ROLE_FRONT, ROLE_VERIFIER);
  FrontLink *link = front_link_new(ends[1], NULL, &events, loop);
  g_autofree char *user = g_strnfill(lie->user, 'u');
  g_autofree char *address = g_strnfill(lie->address, '1');
  GVariant *body = lie->kind == MESSAGE_LOGIN
                       ? g_variant_new("(tyss@aysb)", (guint64)1, (guchar)PROTOCOL_POP3, "PASS",
                                       user, message_secret_new("x", 1), address, FALSE)
                       : g_variant_new("(tuyss)", (guint64)1, (guint32)OUTCOME_CLEAR_TEXT,
                                       (guchar)PROTOCOL_POP3, user, address);
  g_assert_true(channel_send(front, lie->kind, body, NULL, 0, NULL));
  g_main_loop_run(loop);
  front_link_free(link);
}

int main(int argc, char **argv) {
  static const struct {
    const char *path;
    Lie lie;
  } rows[] = {
      {"/front-link/login/user", {MESSAGE_LOGIN, MAX_USER + 1, 9}},
      {"/front-link/login/address", {MESSAGE_LOGIN, 4, 46}},
      {"/front-link/incident/user", {MESSAGE_INCIDENT, MAX_USER + 1, 9}},
      {"/front-link/incident/address", {MESSAGE_INCIDENT, 4, 8000}},
  };
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    g_test_add_data_func(rows[i].path, &rows[i].lie, test_lie);
  return g_test_run();
}
