/* SPDX-License-Identifier: MIT */
/* pam-pool.c: processes that can't be had, that end, and that say what they may not. */
#include "mailauth/pam/pam-pool.h"

#include <string.h>
#include <unistd.h>

#include "mailauth/ipc/channel.h"

#define SOON_MS 60000

/* What the process does with a question. */
typedef enum { ANSWERS, ENDS, KEEPS_SILENT } Manner;

typedef struct {
  const char *title;
  const char *account;
  Manner manner;
  guint64 off; /* the answer's number, beside the question's */
  guint32 answered;
  Outcome outcome;
} Row;

static const Row rows[] = {
    {"right", "ann", ANSWERS, 0, OUTCOME_OK, OUTCOME_OK},
    {"wrong", "ann", ANSWERS, 0, OUTCOME_BAD_PASSWORD, OUTCOME_BAD_PASSWORD},
    {"nobody", NULL, ANSWERS, 0, OUTCOME_NO_SUCH_USER, OUTCOME_NO_SUCH_USER},
    {"nobody let in", NULL, ANSWERS, 0, OUTCOME_OK, OUTCOME_ACCOUNTS_MISSING},
    {"another's answer", "ann", ANSWERS, 1, OUTCOME_OK, OUTCOME_ACCOUNTS_MISSING},
    {"no outcome", "ann", ANSWERS, 0, N_OUTCOMES, OUTCOME_ACCOUNTS_MISSING},
    {"an outcome of others", "ann", ANSWERS, 0, OUTCOME_MAINTENANCE, OUTCOME_ACCOUNTS_MISSING},
    {"its end", "ann", ENDS, 0, 0, OUTCOME_ACCOUNTS_MISSING},
    {"silence", "ann", KEEPS_SILENT, 0, 0, OUTCOME_ACCOUNTS_MISSING},
};

typedef struct {
  const Row *row;
  PamPool *pool;
  Channel *process;
  guint questions;
  gboolean answered;
  Outcome outcome;
  char *detail;
} Stage;

static void on_answer(Outcome outcome, const char *detail, gpointer data) {
  Stage *stage = data;
  g_assert_false(stage->answered);
  stage->answered = TRUE;
  stage->outcome = outcome;
  stage->detail = g_strdup(detail);
}

static void on_question(Channel *channel, Message *message, G_GNUC_UNUSED const GError *error,
                        gpointer data) {
  Stage *stage = data;
  guint64 number = 0;
  if (message == NULL)
    return;
  g_assert_cmpint(message->kind, ==, MESSAGE_PAM_QUESTION);
  g_variant_get_child(message->body, 0, "t", &number);
  stage->questions++;
  if (stage->row->manner == ENDS)
    g_clear_pointer(&stage->process, channel_free);
  else if (stage->row->manner == ANSWERS)
    g_assert_true(channel_send(
        channel, MESSAGE_PAM_ANSWER,
        g_variant_new("(tus)", number + stage->row->off, stage->row->answered, "so it is"), NULL, 0,
        NULL));
}

static gboolean start(guint64 request, gpointer data) {
  Stage *stage = data;
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  stage->process = channel_new(ends[1], ROLE_PAM, ROLE_VERIFIER);
  channel_attach(stage->process, NULL, on_question, stage);
  pam_pool_take_helper(stage->pool, request, ends[0]);
  return TRUE;
}

static void ask(Stage *stage, const char *account, guint32 timeout) {
  g_auto(Secret) password = {0};
  secret_append(&password, "sesame", 6);
  const PamPoolQuestion question = {"mailauth", account, &password, "::1", timeout};
  pam_pool_ask(stage->pool, &question, on_answer, stage);
  g_assert_false(stage->answered);
  g_assert_null(password.bytes);
}

static void wait_for_answer(const Stage *stage) {
  while (!stage->answered)
    g_main_context_iteration(NULL, TRUE);
  g_test_message("%s", stage->detail);
}

static void clear(Stage *stage) {
  pam_pool_free(stage->pool);
  channel_free(stage->process);
  g_free(stage->detail);
}

static void test_row(gconstpointer data) {
  Stage stage = {.row = data};
  stage.pool = pam_pool_new(start, &stage);
  ask(&stage, stage.row->account, stage.row->manner == KEEPS_SILENT ? 100 : SOON_MS);
  wait_for_answer(&stage);
  g_assert_cmpint(stage.outcome, ==, stage.row->outcome);
  g_assert_cmpuint(stage.questions, ==, 1);
  /* Who was not understood, or not in time, is not asked again. */
  gboolean kept =
      stage.row->manner == ANSWERS && stage.row->outcome == (Outcome)stage.row->answered;
  g_assert_cmpuint(pam_pool_count(stage.pool), ==, kept ? 1 : 0);
  g_assert_cmpuint(pam_pool_count_waiting(stage.pool), ==, 0);
  clear(&stage);
}

static gboolean start_none(G_GNUC_UNUSED guint64 request, G_GNUC_UNUSED gpointer data) {
  return FALSE;
}

static gboolean start_refused(guint64 request, gpointer data) {
  Stage *stage = data;
  pam_pool_take_refusal(stage->pool, request, "there is no room");
  return TRUE;
}

static gboolean start_later(G_GNUC_UNUSED guint64 request, G_GNUC_UNUSED gpointer data) {
  return TRUE;
}

static void test_no_process(void) {
  const struct {
    PamPoolWant want;
    guint32 timeout;
    const char *says;
  } cases[] = {
      {start_none, SOON_MS, "none can be started"},
      {start_refused, SOON_MS, "there is no room"},
      {start_later, 100, "no process was free within 100 ms"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Stage stage = {0};
    stage.pool = pam_pool_new(cases[i].want, &stage);
    ask(&stage, "ann", cases[i].timeout);
    wait_for_answer(&stage);
    g_assert_cmpint(stage.outcome, ==, OUTCOME_ACCOUNTS_MISSING);
    g_assert_nonnull(strstr(stage.detail, cases[i].says));
    clear(&stage);
  }
}

/* A process that nobody has asked for is not used. */
static void test_unasked_process(void) {
  int ends[2];
  char byte;
  g_autoptr(PamPool) pool = pam_pool_new(start_none, NULL);
  g_assert_true(channel_pair(ends, NULL));
  pam_pool_take_helper(pool, 7, ends[0]);
  g_assert_cmpuint(pam_pool_count(pool), ==, 0);
  g_assert_cmpint(read(ends[1], &byte, 1), ==, 0);
  close(ends[1]);
}

/* ---- processes that lack a right ---- */

typedef struct {
  PamPool *pool;
  Channel *processes[4];
  guint n_processes;
  guint64 numbers[4]; /* of the questions, in their order */
  Channel *asked[4];
  guint n_questions, n_answers;
} Crowd;

static void on_crowd_question(Channel *channel, Message *message, G_GNUC_UNUSED const GError *error,
                              gpointer data) {
  Crowd *crowd = data;
  if (message == NULL)
    return;
  g_variant_get_child(message->body, 0, "t", &crowd->numbers[crowd->n_questions]);
  crowd->asked[crowd->n_questions++] = channel;
}

static gboolean start_one_more(guint64 request, gpointer data) {
  Crowd *crowd = data;
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  Channel *process = channel_new(ends[1], ROLE_PAM, ROLE_VERIFIER);
  crowd->processes[crowd->n_processes++] = process;
  channel_attach(process, NULL, on_crowd_question, crowd);
  pam_pool_take_helper(crowd->pool, request, ends[0]);
  return TRUE;
}

static void count_answer(G_GNUC_UNUSED Outcome outcome, G_GNUC_UNUSED const char *detail,
                         gpointer data) {
  Crowd *crowd = data;
  crowd->n_answers++;
}

static void ask_crowd(Crowd *crowd) {
  g_auto(Secret) password = {0};
  secret_append(&password, "sesame", 6);
  const PamPoolQuestion question = {"mailauth", "ann", &password, "::1", SOON_MS};
  pam_pool_ask(crowd->pool, &question, count_answer, crowd);
}

static void answer_question(Crowd *crowd, guint question, Outcome outcome) {
  guint before = crowd->n_answers;
  g_assert_true(
      channel_send(crowd->asked[question], MESSAGE_PAM_ANSWER,
                   g_variant_new("(tus)", crowd->numbers[question], (guint32)outcome, "so it is"),
                   NULL, 0, NULL));
  while (crowd->n_answers == before)
    g_main_context_iteration(NULL, TRUE);
}

static void await_questions(const Crowd *crowd, guint count) {
  while (crowd->n_questions < count)
    g_main_context_iteration(NULL, TRUE);
}

/* It makes way for another, whatever others have answered since. */
static void test_lacking_process(void) {
  Crowd crowd = {0};
  crowd.pool = pam_pool_new(start_one_more, &crowd);
  ask_crowd(&crowd);
  ask_crowd(&crowd);
  await_questions(&crowd, 2);
  g_assert_cmpuint(crowd.n_processes, ==, 2);
  answer_question(&crowd, 0, OUTCOME_PAM_DENIED);
  answer_question(&crowd, 1, OUTCOME_NO_SUCH_USER);
  ask_crowd(&crowd);
  await_questions(&crowd, 3);
  g_assert_cmpuint(crowd.n_processes, ==, 3);
  answer_question(&crowd, 2, OUTCOME_OK);
  ask_crowd(&crowd);
  await_questions(&crowd, 4);
  g_assert_cmpuint(crowd.n_processes, ==, 3);
  pam_pool_free(crowd.pool);
  for (guint i = 0; i < crowd.n_processes; i++)
    channel_free(crowd.processes[i]);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/pam-pool/", rows[i].title, NULL);
    g_test_add_data_func(path, &rows[i], test_row);
  }
  g_test_add_func("/pam-pool/no-process", test_no_process);
  g_test_add_func("/pam-pool/unasked-process", test_unasked_process);
  g_test_add_func("/pam-pool/lacking-process", test_lacking_process);
  return g_test_run();
}
