/* SPDX-License-Identifier: MIT */
/* pam.c, pam-pool.c, pam-helper.c and pam-transaction.c: what comes of stacks of PAM
 * modules, which are defined in a directory of the test's own, in processes as
 * they are. */
#include "mailauth/package/pam.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mailauth/base/limits.h"
#include "mailauth/ipc/channel.h"
#include "mailauth/pam/pam-helper.h"
#include "tests/unit/support/emulator.h"

/* It is told the user, the address and, on its standard input, the password; what
 * it says decides. */
static const char script[] = "#!/bin/sh\n"
                             "read -r password\n"
                             "[ \"$PAM_USER $PAM_RHOST $password\" = \"ann 192.0.2.1 sesame\" ]\n";
#define SCRIPT                                                                                     \
  "auth [success=1 default=ignore] pam_exec.so quiet expose_authtok %s/script\n"                   \
  "auth requisite pam_deny.so\n"                                                                   \
  "auth required pam_permit.so\n"
#define ALLOWED "account required pam_permit.so\n"

#define PATIENCE_MS 60000
/* Who may not read /etc/shadow. */
#define NOBODY 65534

typedef struct {
  const char *title;
  const char *stack; /* NULL: there is no such service; %s is the directory */
  const char *account, *password;
  Outcome outcome;
  const char *names; /* what the detail has to say, or NULL */
} Row;

static const Row rows[] = {
    {"permit", "auth required pam_permit.so\n" ALLOWED, "ann", "sesame", OUTCOME_OK, NULL},
    {"permit nobody", "auth required pam_permit.so\n" ALLOWED, NULL, "sesame", OUTCOME_NO_SUCH_USER,
     NULL},
    {"deny", "auth required pam_deny.so\n" ALLOWED, "ann", "sesame", OUTCOME_BAD_PASSWORD,
     "authentication"},
    {"deny nobody", "auth required pam_deny.so\n" ALLOWED, NULL, "sesame", OUTCOME_NO_SUCH_USER,
     NULL},
    {"permit an empty password", "auth required pam_permit.so\n" ALLOWED, "ann", "",
     OUTCOME_BAD_PASSWORD, "empty"},
    {"the right password", SCRIPT ALLOWED, "ann", "sesame", OUTCOME_OK, NULL},
    {"a wrong password", SCRIPT ALLOWED, "ann", "Sesame", OUTCOME_BAD_PASSWORD, NULL},
    {"another user's password", SCRIPT ALLOWED, "bob", "sesame", OUTCOME_BAD_PASSWORD, NULL},
    {"authenticated, not allowed", SCRIPT "account required pam_deny.so\n", "ann", "sesame",
     OUTCOME_DISABLED, "account"},
#define AUTHENTICATION(code) "auth required pam_debug.so auth=" code "\n" ALLOWED
#define ACCOUNT(code) "auth required pam_permit.so\naccount required pam_debug.so acct=" code "\n"
    {"success", AUTHENTICATION("success"), "ann", "sesame", OUTCOME_OK, NULL},
    {"auth_err", AUTHENTICATION("auth_err"), "ann", "sesame", OUTCOME_BAD_PASSWORD, NULL},
    {"maxtries", AUTHENTICATION("maxtries"), "ann", "sesame", OUTCOME_BAD_PASSWORD, NULL},
    {"user_unknown", AUTHENTICATION("user_unknown"), "ann", "sesame", OUTCOME_NO_SUCH_USER, NULL},
    {"perm_denied", AUTHENTICATION("perm_denied"), "ann", "sesame", OUTCOME_DISABLED, NULL},
    {"cred_insufficient", AUTHENTICATION("cred_insufficient"), "ann", "sesame",
     OUTCOME_ACCOUNTS_DENIED, NULL},
    {"authinfo_unavail", AUTHENTICATION("authinfo_unavail"), "ann", "sesame",
     OUTCOME_ACCOUNTS_MISSING, NULL},
    {"authinfo_unavail for nobody", AUTHENTICATION("authinfo_unavail"), NULL, "sesame",
     OUTCOME_ACCOUNTS_MISSING, NULL},
    {"service_err", AUTHENTICATION("service_err"), "ann", "sesame", OUTCOME_ACCOUNTS_MISSING, NULL},
    {"system_err", AUTHENTICATION("system_err"), "ann", "sesame", OUTCOME_ACCOUNTS_MISSING, NULL},
    {"conv_err", AUTHENTICATION("conv_err"), "ann", "sesame", OUTCOME_BAD_SETTING, "PAM Service"},
    {"account: success", ACCOUNT("success"), "ann", "sesame", OUTCOME_OK, NULL},
    {"account: acct_expired", ACCOUNT("acct_expired"), "ann", "sesame", OUTCOME_DISABLED, NULL},
    {"account: perm_denied", ACCOUNT("perm_denied"), "ann", "sesame", OUTCOME_DISABLED, NULL},
    {"account: new_authtok_reqd", ACCOUNT("new_authtok_reqd"), "ann", "sesame", OUTCOME_DISABLED,
     NULL},
    {"account: authinfo_unavail", ACCOUNT("authinfo_unavail"), "ann", "sesame",
     OUTCOME_ACCOUNTS_MISSING, NULL},
    {"a user the system does not have",
     "auth required pam_unix.so\nauth optional pam_debug.so auth=auth_err\n" ALLOWED,
     "nobody-of-that-name", "sesame", OUTCOME_NO_SUCH_USER, NULL},
    {"a module that is missing", "auth required /nonexistent/pam_none.so\n" ALLOWED, "ann",
     "sesame", OUTCOME_BAD_SETTING, "PAM Service"},
    {"no service and no other", NULL, "ann", "sesame", OUTCOME_BAD_SETTING, "PAM Service"},
    {"a failing command is no bad password", "auth required pam_exec.so quiet /bin/false\n" ALLOWED,
     "ann", "sesame", OUTCOME_ACCOUNTS_MISSING, NULL},
    {"a module that asks for more", "auth required " PAM_ASKING_MODULE "\n" ALLOWED, "ann",
     "sesame", OUTCOME_BAD_SETTING, "more than a password"},
};

typedef struct {
  gboolean answered;
  Outcome outcome;
  char *detail;
} Verdict;

static void on_answer(Outcome outcome, const char *detail, gpointer data) {
  Verdict *verdict = data;
  g_assert_false(verdict->answered);
  *verdict = (Verdict){TRUE, outcome, g_strdup(detail)};
}

static char *write_file(const char *directory, const char *name, const char *text) {
  g_autoptr(GError) error = NULL;
  char *path = g_build_filename(directory, name, NULL);
  g_file_set_contents(path, text, -1, &error);
  g_assert_no_error(error);
  return path;
}

static char *dup_stack(const Row *row, const char *directory) {
  g_auto(GStrv) parts = g_strsplit(row->stack, "%s", -1);
  return g_strjoinv(directory, parts);
}

/* ---- processes ---- */

typedef struct {
  gboolean as_nobody;
  char *directory;
  PamPool *pool;
  Package *package;
  GArray *started; /* of pid_t */
} Stage;

static gboolean start(guint64 request, gpointer data) {
  Stage *stage = data;
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  pid_t pid = fork();
  g_assert_cmpint(pid, >=, 0);
  if (pid == 0) {
    close(ends[0]);
    if (stage->as_nobody && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
      _exit(1);
    _exit(pam_helper_serve(ends[1], stage->directory));
  }
  close(ends[1]);
  g_array_append_val(stage->started, pid);
  pam_pool_take_helper(stage->pool, request, ends[0]);
  return TRUE;
}

static void set_up(Stage *stage) {
  stage->directory = g_dir_make_tmp("pam-XXXXXX", NULL);
  stage->started = g_array_new(FALSE, FALSE, sizeof(pid_t));
  stage->pool = pam_pool_new(start, stage);
  stage->package = pam_new(stage->pool);
}

/* Each process ends when its channel does, and says that all is well. */
static void tear_down(Stage *stage) {
  stage->package->free(stage->package);
  pam_pool_free(stage->pool);
  for (guint i = 0; i < stage->started->len; i++) {
    int status = -1;
    g_assert_cmpint(waitpid(g_array_index(stage->started, pid_t, i), &status, 0), >, 0);
    g_assert_cmpint(status, ==, 0);
  }
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", stage->directory);
  g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
  g_array_unref(stage->started);
  g_free(stage->directory);
}

static void ask(const Stage *stage, const Row *row, guint timeout, Verdict *verdict) {
  Settings settings = {.pam_service = (char[]){"mailauth"}, .pam_timeout = timeout};
  g_auto(Secret) password = {0};
  secret_append(&password, row->password, strlen(row->password));
  const PackageRequest request = {row->account, &password, &settings, "", "192.0.2.1", NULL, NULL};
  *verdict = (Verdict){0};
  stage->package->prove(stage->package, &request, on_answer, verdict);
  g_assert_false(verdict->answered);
}

static void wait_for(const Verdict *verdict) {
  while (!verdict->answered)
    g_main_context_iteration(NULL, TRUE);
  g_test_message("%s", verdict->detail);
}

static void write_stack(const Stage *stage, const Row *row) {
  g_autofree char *stack = dup_stack(row, stage->directory);
  g_free(write_file(stage->directory, "mailauth", stack));
}

static void write_script(const Stage *stage, const char *text) {
  g_autofree char *path = write_file(stage->directory, "script", text);
  g_assert_cmpint(g_chmod(path, 0700), ==, 0);
}

/* ---- tests ---- */

static void test_row(gconstpointer data) {
  const Row *row = data;
  Stage stage = {0};
  Verdict verdict;
  set_up(&stage);
  write_script(&stage, script);
  if (row->stack != NULL)
    write_stack(&stage, row);
  ask(&stage, row, PATIENCE_MS, &verdict);
  wait_for(&verdict);
  g_assert_cmpint(verdict.outcome, ==, row->outcome);
  if (row->names != NULL)
    g_assert_nonnull(strstr(verdict.detail, row->names));
  g_assert_null(strstr(verdict.detail, "sesame"));
  g_free(verdict.detail);
  tear_down(&stage);
}

static void expect(const Stage *stage, const Row *row) {
  Verdict verdict;
  write_stack(stage, row);
  ask(stage, row, PATIENCE_MS, &verdict);
  wait_for(&verdict);
  g_assert_cmpint(verdict.outcome, ==, row->outcome);
  if (row->names != NULL)
    g_assert_nonnull(strstr(verdict.detail, row->names));
  g_free(verdict.detail);
}

/* Modules that may not read /etc/shadow. */
static void test_blind(void) {
  static const char alone[] = "auth required pam_unix.so\n" ALLOWED;
  static const char mixed[] =
      "auth sufficient pam_unix.so\nauth required pam_debug.so auth=auth_err\n" ALLOWED;
  static const Row blind[] = {
      {"pam_unix alone", alone, "root", "sesame", OUTCOME_PAM_DENIED, "repair --pam"},
      {"pam_unix alone, an unknown user", alone, "nobody-of-that-name", "sesame",
       OUTCOME_PAM_DENIED, "repair --pam"},
      {"beside another, a local user", mixed, "root", "sesame", OUTCOME_PAM_DENIED, "repair --pam"},
      {"beside another, a user of its own", mixed, "nobody-of-that-name", "sesame",
       OUTCOME_BAD_PASSWORD, NULL},
      {"beside another, nobody", mixed, NULL, "sesame", OUTCOME_NO_SUCH_USER, NULL},
  };
  if (!g_file_test("/etc/shadow", G_FILE_TEST_EXISTS)) {
    g_test_skip("takes /etc/shadow");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS(blind); i++) {
    Stage stage = {.as_nobody = geteuid() == 0};
    g_test_message("%s", blind[i].title);
    set_up(&stage);
    g_assert_cmpint(g_chmod(stage.directory, 0755), ==, 0);
    expect(&stage, &blind[i]);
    tear_down(&stage);
  }
}

static const Row hanging = {"hang",   SCRIPT ALLOWED,           "ann",
                            "sesame", OUTCOME_ACCOUNTS_MISSING, NULL};
static const Row permitting = {
    "permit", "auth required pam_permit.so\n" ALLOWED, "ann", "sesame", OUTCOME_OK, NULL};

static void test_one_process_serves_many(void) {
  Stage stage = {0};
  set_up(&stage);
  for (guint i = 0; i < 5; i++)
    expect(&stage, &permitting);
  g_assert_cmpuint(stage.started->len, ==, 1);
  g_assert_cmpuint(pam_pool_count(stage.pool), ==, 1);
  tear_down(&stage);
}

/* The script tells its own id, and its child's. */
static const char hanging_script[] = "#!/bin/sh\n"
                                     "sleep 10000 &\n"
                                     "echo $$ $! >${0%script}ids\n"
                                     "wait\n";

typedef struct {
  char text[64];
} Programs;

static gboolean on_ids(int descriptor, G_GNUC_UNUSED GIOCondition condition, gpointer data) {
  Programs *programs = data;
  g_assert_cmpint(read(descriptor, programs->text, sizeof programs->text - 1), >, 0);
  return G_SOURCE_REMOVE;
}

/* Asks, and waits until the module hangs. */
static void hang(const Stage *stage, guint timeout, Programs *programs, Verdict *verdict) {
  g_autofree char *path = g_build_filename(stage->directory, "ids", NULL);
  write_script(stage, hanging_script);
  write_stack(stage, &hanging);
  g_assert_cmpint(mkfifo(path, 0600), ==, 0);
  int ids = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  *programs = (Programs){0};
  g_unix_fd_add(ids, G_IO_IN, on_ids, programs);
  ask(stage, &hanging, timeout, verdict);
  while (*programs->text == '\0')
    g_main_context_iteration(NULL, TRUE);
  close(ids);
}

/* Orphans come to this process, which is told of their end; the script itself may
 * have been waited for by its module just before. */
static void expect_ended(const Stage *stage, const Programs *programs) {
  g_auto(GStrv) ids = g_strsplit_set(programs->text, " \n", -1);
  siginfo_t end;
  id_t first = (id_t)g_array_index(stage->started, pid_t, 0);
  g_assert_cmpint(waitid(P_PID, first, &end, WEXITED | WNOWAIT), ==, 0);
  for (guint i = 0; i < 2; i++) {
    int status = 0;
    pid_t pid = (pid_t)g_ascii_strtoll(ids[i], NULL, 10);
    pid_t ended = waitpid(pid, &status, 0);
    if (i == 0 && ended < 0)
      continue;
    g_assert_cmpint(ended, ==, pid);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
}

static void test_hanging_module(void) {
  Stage stage = {0};
  Verdict verdict;
  Programs programs;
  if (emulator_skips("ADOPTS NO PROCESSES (PR_SET_CHILD_SUBREAPER)"))
    return;
  set_up(&stage);
  g_assert_cmpint(prctl(PR_SET_CHILD_SUBREAPER, 1), ==, 0);
  hang(&stage, 2000, &programs, &verdict);
  wait_for(&verdict);
  g_assert_cmpint(verdict.outcome, ==, OUTCOME_ACCOUNTS_MISSING);
  g_assert_nonnull(strstr(verdict.detail, "have not answered within 2000 ms"));
  g_assert_cmpuint(pam_pool_count(stage.pool), ==, 0);
  g_free(verdict.detail);
  expect_ended(&stage, &programs);
  expect(&stage, &permitting);
  g_assert_cmpuint(stage.started->len, ==, 2);
  tear_down(&stage);
}

static void test_all_hang(void) {
  Stage stage = {0};
  Verdict verdicts[PAM_PROCESSES + 4];
  guint ended = 0;
  set_up(&stage);
  write_script(&stage, "#!/bin/sh\nexec sleep 10000\n");
  write_stack(&stage, &hanging);
  for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++)
    ask(&stage, &hanging, 1000, &verdicts[i]);
  for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++) {
    wait_for(&verdicts[i]);
    g_assert_cmpint(verdicts[i].outcome, ==, OUTCOME_ACCOUNTS_MISSING);
    ended += strstr(verdicts[i].detail, "were ended") != NULL ? 1 : 0;
    g_free(verdicts[i].detail);
  }
  g_assert_cmpuint(ended, >=, 1);
  g_assert_cmpuint(ended, <=, PAM_PROCESSES);
  expect(&stage, &permitting);
  tear_down(&stage);
}

/* The pool is freed while a module hangs. */
static void test_freed_while_one_hangs(void) {
  Stage stage = {0};
  Verdict verdict;
  Programs programs;
  set_up(&stage);
  hang(&stage, PATIENCE_MS, &programs, &verdict);
  tear_down(&stage);
  g_assert_false(verdict.answered);
}

/* For the sanitiser: libpam keeps 96 bytes of a transaction that it can't begin. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:libpam.so.0";
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/pam/", rows[i].title, NULL);
    g_test_add_data_func(path, &rows[i], test_row);
  }
  g_test_add_func("/pam/blind", test_blind);
  g_test_add_func("/pam/one-process-serves-many", test_one_process_serves_many);
  g_test_add_func("/pam/hanging-module", test_hanging_module);
  g_test_add_func("/pam/all-hang", test_all_hang);
  g_test_add_func("/pam/freed-while-one-hangs", test_freed_while_one_hangs);
  return g_test_run();
}
