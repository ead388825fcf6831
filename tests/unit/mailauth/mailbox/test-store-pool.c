/* SPDX-License-Identifier: MIT */
/* Which processes the verifier has for mailboxes: with a parent and makers of the
 * test's own, which say nothing but what it has them say. */
#include "mailauth/mailbox/store-pool.h"

#include <unistd.h>

#define MANY 5U
/* More than the loop turns to at once. */
#define VERY_MANY 100U

typedef struct {
  Stores *stores;
  Channel *to_parent, *parent; /* the verifier's end, and the parent's */
  guint n_opened, n_refused;
} Stage;

static void stage_begin(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  stage->to_parent = channel_new(ends[0], ROLE_VERIFIER, ROLE_PARENT);
  stage->parent = channel_new(ends[1], ROLE_PARENT, ROLE_VERIFIER);
  stage->stores = stores_new(stage->to_parent, NULL, NULL);
}

static void stage_end(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  stores_free(stage->stores);
  channel_free(stage->to_parent);
  channel_free(stage->parent);
}

static void on_opened(Outcome outcome, G_GNUC_UNUSED const char *problem, int descriptor,
                      gpointer data) {
  Stage *stage = data;
  if (outcome == OUTCOME_OK)
    stage->n_opened++;
  else
    stage->n_refused++;
  if (descriptor >= 0)
    close(descriptor);
}

static void open_mailbox(Stage *stage, guint number) {
  g_autofree char *maildir = g_strdup_printf("/mail/user%u", number);
  const StoreRequest request = {.user = "user",
                                .maildir = maildir,
                                .mail_user = "mail",
                                .unique_ids = "",
                                .idle_timeout = 60};
  stores_open(stage->stores, &request, on_opened, stage);
}

/* The one question that the parent is asked now: its number. @n_makers: how many the
 * verifier has already. */
static guint64 take_question(const Stage *stage, gsize n_makers) {
  g_auto(Message) message = MESSAGE_INIT;
  g_auto(Message) next = MESSAGE_INIT;
  g_autoptr(GVariant) makers = NULL;
  guint64 id = 0;
  g_assert_cmpint(channel_receive(stage->parent, &message, NULL), ==, CHANNEL_MESSAGE);
  g_assert_cmpint(message.kind, ==, MESSAGE_WANT_STORE);
  g_variant_get(message.body, "(t&s&s@au)", &id, NULL, NULL, &makers);
  g_assert_cmpuint(g_variant_n_children(makers), ==, n_makers);
  g_assert_cmpint(channel_receive(stage->parent, &next, NULL), ==, CHANNEL_EMPTY);
  return id;
}

static void deliver(Stage *stage) {
  g_auto(Message) message = MESSAGE_INIT;
  g_assert_cmpint(channel_receive(stage->to_parent, &message, NULL), ==, CHANNEL_MESSAGE);
  if (message.kind == MESSAGE_STORE)
    stores_take_store(stage->stores, &message);
  else
    stores_take_refusal(stage->stores, &message);
}

/* The parent's answer with a new maker: that one's end. */
static Channel *give_maker(Stage *stage, guint64 id) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  g_assert_true(channel_send(stage->parent, MESSAGE_STORE, g_variant_new("(tu)", id, 1234U),
                             &ends[0], 1, NULL));
  close(ends[0]);
  deliver(stage);
  return channel_new(ends[1], ROLE_STORE, ROLE_VERIFIER);
}

static void refuse(Stage *stage, guint64 id) {
  g_assert_true(channel_send(stage->parent, MESSAGE_STORE_REFUSED, g_variant_new("(ts)", id, "no"),
                             NULL, 0, NULL));
  deliver(stage);
}

/* As a maker that splits a process off: the end of that one's channel. */
static Channel *split_one(Channel *maker) {
  g_auto(Message) message = MESSAGE_INIT;
  g_assert_cmpint(channel_receive(maker, &message, NULL), ==, CHANNEL_MESSAGE);
  g_assert_cmpint(message.kind, ==, MESSAGE_SPLIT);
  return channel_new(message_take_descriptor(&message, 0), ROLE_STORE, ROLE_VERIFIER);
}

/* As the process of a mailbox, which opens it. */
static guint64 serve_one(Channel *mailbox) {
  g_auto(Message) message = MESSAGE_INIT;
  guint64 session = 0;
  g_assert_cmpint(channel_receive(mailbox, &message, NULL), ==, CHANNEL_MESSAGE);
  g_assert_cmpint(message.kind, ==, MESSAGE_OPEN);
  g_variant_get_child(message.body, 0, "t", &session);
  g_assert_true(channel_send(mailbox, MESSAGE_OPENED,
                             g_variant_new("(tus)", session, OUTCOME_OK, ""), NULL, 0, NULL));
  return session;
}

static void wait_for_all(const Stage *stage, guint number) {
  while (stage->n_opened + stage->n_refused < number)
    g_main_context_iteration(NULL, TRUE);
}

static void serve(Channel *maker, guint number) {
  for (guint i = 0; i < number; i++) {
    g_autoptr(Channel) mailbox = split_one(maker);
    serve_one(mailbox);
  }
}

/* ---- the tests ---- */

static void test_one_maker(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  for (guint i = 0; i < MANY; i++)
    open_mailbox(stage, i);
  g_autoptr(Channel) maker = give_maker(stage, take_question(stage, 0));
  serve(maker, MANY);
  wait_for_all(stage, MANY);
  g_assert_cmpuint(stage->n_opened, ==, MANY);
}

/* One that goes with all that it was asked for is replaced by one. */
static void test_maker_gone(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  open_mailbox(stage, 0);
  Channel *first = give_maker(stage, take_question(stage, 0));
  serve(first, 1);
  wait_for_all(stage, 1);
  for (guint i = 1; i <= MANY; i++)
    open_mailbox(stage, i);
  channel_free(first);
  while (g_main_context_iteration(NULL, FALSE))
    continue;
  g_autoptr(Channel) second = give_maker(stage, take_question(stage, 0));
  serve(second, MANY);
  wait_for_all(stage, 1 + MANY);
  g_assert_cmpuint(stage->n_opened, ==, 1 + MANY);
}

/* The process of a mailbox that ends says nothing of the one that it comes of. */
static void test_mailbox_gone(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  g_auto(Message) message = MESSAGE_INIT;
  open_mailbox(stage, 0);
  g_autoptr(Channel) maker = give_maker(stage, take_question(stage, 0));
  Channel *mailbox = split_one(maker);
  serve_one(mailbox);
  wait_for_all(stage, 1);
  channel_send(mailbox, MESSAGE_CLOSED, g_variant_new_uint64(1), NULL, 0, NULL);
  g_assert_cmpuint(stores_count_idle(stage->stores), ==, 1);
  open_mailbox(stage, 0);
  channel_free(mailbox);
  while (g_main_context_iteration(NULL, FALSE))
    continue;
  serve(maker, 1);
  wait_for_all(stage, 2);
  g_assert_cmpuint(stage->n_opened, ==, 2);
  g_assert_cmpint(channel_receive(stage->parent, &message, NULL), ==, CHANNEL_EMPTY);
}

/* All that are over are known of as soon as anybody asks. */
static void test_many_closed(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  Channel *mailboxes[VERY_MANY];
  guint64 sessions[VERY_MANY];
  for (guint i = 0; i < VERY_MANY; i++)
    open_mailbox(stage, i);
  g_autoptr(Channel) maker = give_maker(stage, take_question(stage, 0));
  for (guint i = 0; i < VERY_MANY; i++) {
    mailboxes[i] = split_one(maker);
    sessions[i] = serve_one(mailboxes[i]);
  }
  wait_for_all(stage, VERY_MANY);
  g_assert_cmpuint(stores_count_sessions(stage->stores), ==, VERY_MANY);
  for (guint i = 0; i < VERY_MANY; i++)
    g_assert_true(channel_send(mailboxes[i], MESSAGE_CLOSED, g_variant_new_uint64(sessions[i]),
                               NULL, 0, NULL));
  g_assert_cmpuint(stores_count_sessions(stage->stores), ==, 0);
  for (guint i = 0; i < VERY_MANY; i++)
    channel_free(mailboxes[i]);
}

static void test_refusal(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  for (guint i = 0; i < MANY; i++)
    open_mailbox(stage, i);
  for (guint i = 0; i < MANY; i++)
    refuse(stage, take_question(stage, 0));
  g_assert_cmpuint(stage->n_refused, ==, MANY);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add("/stores/one-maker", Stage, NULL, stage_begin, test_one_maker, stage_end);
  g_test_add("/stores/maker-gone", Stage, NULL, stage_begin, test_maker_gone, stage_end);
  g_test_add("/stores/mailbox-gone", Stage, NULL, stage_begin, test_mailbox_gone, stage_end);
  g_test_add("/stores/many-closed", Stage, NULL, stage_begin, test_many_closed, stage_end);
  g_test_add("/stores/refusal", Stage, NULL, stage_begin, test_refusal, stage_end);
  return g_test_run();
}
