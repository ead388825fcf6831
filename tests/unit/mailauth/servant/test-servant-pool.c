/* SPDX-License-Identifier: MIT */
/* servant-pool.c: processes that answer, hang, end, can't be had, or say what they may not. */
#include "mailauth/servant/servant-pool.h"

#define SOON_MS 60000
#define SHORT_MS 100

/* What a process does with a question. */
typedef enum { ANSWERS, IS_REFUSED, ENDS, KEEPS_SILENT, SPEAKS_NONSENSE } Manner;

typedef struct {
  ServantPool *pool;
  Manner manner;
  gboolean comes; /* else it is refused when it is asked for */
  guint64 last_request;
  GPtrArray *processes; /* of Channel; NULL: ended */
  guint questions, greetings, killed;
  guint answers; /* of the pool's */
  ServantEnd end;
  guint questions_at_once, most_at_once;
} Stage;

static void on_question(Channel *channel, Message *message, G_GNUC_UNUSED const GError *error,
                        gpointer data) {
  Stage *stage = data;
  guint64 number = 0;
  guint place = 0;
  if (message == NULL)
    return;
  if (message->kind == MESSAGE_SQL_BEGIN) {
    stage->greetings++;
    return;
  }
  stage->questions++;
  g_variant_get_child(message->body, 0, "t", &number);
  g_assert_true(g_ptr_array_find(stage->processes, channel, &place));
  if (stage->manner == ENDS) {
    stage->processes->pdata[place] = NULL;
    channel_free(channel);
  } else if (stage->manner != KEEPS_SILENT) {
    g_assert_true(
        channel_send(channel, MESSAGE_SQL_ANSWER,
                     g_variant_new("(tys@a(ybay))", number, 1, "",
                                   g_variant_new_array(G_VARIANT_TYPE("(ybay)"), NULL, 0)),
                     NULL, 0, NULL));
  }
}

static gboolean want(guint64 request, gpointer data) {
  Stage *stage = data;
  int ends[2];
  if (!stage->comes)
    return FALSE;
  g_assert_true(channel_pair(ends, NULL));
  Channel *process = channel_new(ends[1], ROLE_SQL, ROLE_VERIFIER);
  channel_attach(process, NULL, on_question, stage);
  g_ptr_array_add(stage->processes, process);
  g_assert_true(servant_pool_take(stage->pool, request, ends[0]));
  return TRUE;
}

static void end(G_GNUC_UNUSED guint64 request, gpointer data) {
  ((Stage *)data)->killed++;
}

static gboolean on_answered(ServantEnd how, const Message *message, G_GNUC_UNUSED const char *why,
                            gpointer data) {
  Stage *stage = data;
  g_assert_cmpint(message != NULL, ==, how == SERVANT_ANSWERED);
  stage->answers++;
  stage->end = how;
  return stage->manner != IS_REFUSED;
}

static void ask(Stage *stage, guint timeout) {
  servant_pool_ask(stage->pool, MESSAGE_SQL_QUESTION,
                   g_variant_new("(tsx)", servant_pool_number(stage->pool), "ann", (gint64)0),
                   timeout, on_answered, stage);
}

static void await(const Stage *stage, guint answers) {
  while (stage->answers < answers)
    g_main_context_iteration(NULL, TRUE);
}

static Stage *stage_new(Manner manner, guint most, guint max_answers) {
  Stage *stage = g_new0(Stage, 1);
  *stage = (Stage){.manner = manner,
                   .comes = TRUE,
                   .processes = g_ptr_array_new_with_free_func((GDestroyNotify)channel_free)};
  stage->pool = servant_pool_new(&(ServantPoolFacts){.role = ROLE_SQL,
                                                     .most = most,
                                                     .max_answers = max_answers,
                                                     .idle = 60,
                                                     .last_request = &stage->last_request,
                                                     .want = want,
                                                     .end = end,
                                                     .data = stage});
  servant_pool_greet(stage->pool, MESSAGE_SQL_BEGIN,
                     g_variant_new("(ys@ays)", 0, "", message_secret_new("", 0), ""));
  return stage;
}

static void stage_free(Stage *stage) {
  servant_pool_free(stage->pool);
  g_ptr_array_unref(stage->processes);
  g_free(stage);
}

static const struct {
  const char *title;
  Manner manner;
  guint timeout;
  ServantEnd end;
  guint left; /* processes, afterwards */
  guint killed;
} rows[] = {
    {"answers", ANSWERS, SOON_MS, SERVANT_ANSWERED, 1, 0},
    {"answers what it was not asked", IS_REFUSED, SOON_MS, SERVANT_ANSWERED, 0, 0},
    {"ends", ENDS, SOON_MS, SERVANT_ENDED, 0, 0},
    {"hangs", KEEPS_SILENT, SHORT_MS, SERVANT_LATE, 0, 1},
};

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    Stage *stage = stage_new(rows[i].manner, 4, 0);
    g_test_message("%s", rows[i].title);
    ask(stage, rows[i].timeout);
    g_assert_cmpuint(stage->answers, ==, 0);
    await(stage, 1);
    g_assert_cmpint(stage->end, ==, rows[i].end);
    g_assert_cmpuint(stage->greetings, ==, 1);
    g_assert_cmpuint(servant_pool_count(stage->pool), ==, rows[i].left);
    g_assert_cmpuint(stage->killed, ==, rows[i].killed);
    stage_free(stage);
  }
}

static void test_one_at_a_time(void) {
  Stage *stage = stage_new(ANSWERS, 2, 0);
  for (guint i = 0; i < 20; i++)
    ask(stage, SOON_MS);
  await(stage, 20);
  g_assert_cmpuint(stage->questions, ==, 20);
  g_assert_cmpuint(stage->processes->len, ==, 2);
  stage_free(stage);
}

static void test_nobody_is_free(void) {
  Stage *stage = stage_new(KEEPS_SILENT, 1, 0);
  ask(stage, SOON_MS);
  ask(stage, SHORT_MS);
  await(stage, 1);
  g_assert_cmpint(stage->end, ==, SERVANT_WAITED);
  g_assert_cmpuint(servant_pool_count(stage->pool), ==, 1);
  g_assert_cmpuint(stage->killed, ==, 0);
  stage_free(stage);
}

static void test_none_comes(void) {
  Stage *stage = stage_new(ANSWERS, 4, 0);
  stage->comes = FALSE;
  ask(stage, SOON_MS);
  ask(stage, SOON_MS);
  await(stage, 2);
  g_assert_cmpint(stage->end, ==, SERVANT_NONE);
  g_assert_false(servant_pool_take_refusal(stage->pool, 1, "late"));
  stage->comes = TRUE;
  ask(stage, SOON_MS);
  await(stage, 3);
  g_assert_cmpint(stage->end, ==, SERVANT_ANSWERED);
  stage_free(stage);
}

static void test_another_takes_its_place(void) {
  Stage *stage = stage_new(ANSWERS, 4, 3);
  for (guint i = 1; i <= 7; i++) {
    ask(stage, SOON_MS);
    await(stage, i);
  }
  g_assert_cmpuint(stage->processes->len, ==, 3);
  stage_free(stage);
}

static void test_idle_ones_are_dropped(void) {
  Stage *stage = stage_new(ANSWERS, 4, 0);
  servant_pool_prepare(stage->pool);
  servant_pool_prepare(stage->pool);
  g_assert_cmpuint(servant_pool_count(stage->pool), ==, 1);
  servant_pool_drop_idle(stage->pool);
  while (servant_pool_count(stage->pool) > 0)
    g_main_context_iteration(NULL, TRUE);
  ask(stage, SOON_MS);
  await(stage, 1);
  g_assert_cmpint(stage->end, ==, SERVANT_ANSWERED);
  stage_free(stage);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/servant-pool/rows", test_rows);
  g_test_add_func("/servant-pool/one-at-a-time", test_one_at_a_time);
  g_test_add_func("/servant-pool/nobody-is-free", test_nobody_is_free);
  g_test_add_func("/servant-pool/none-comes", test_none_comes);
  g_test_add_func("/servant-pool/another", test_another_takes_its_place);
  g_test_add_func("/servant-pool/idle", test_idle_ones_are_dropped);
  return g_test_run();
}
