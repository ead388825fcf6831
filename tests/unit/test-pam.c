/* pam.c: what comes of stacks of PAM modules, which are defined in a directory of
 * the test's own. */
#include "mailauth/package/pam.h"

#include <glib/gstdio.h>

#include <string.h>

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
    {"a user the system does not have", "auth required pam_unix.so\n" ALLOWED,
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

static void test_row(gconstpointer data) {
  const Row *row = data;
  Settings settings = {.pam_service = (char[]){"mailauth"}};
  Verdict verdict = {0};
  g_autofree char *directory = g_dir_make_tmp("pam-XXXXXX", NULL);
  g_autofree char *command = write_file(directory, "script", script);
  g_autofree char *stack = row->stack != NULL ? dup_stack(row, directory) : NULL;
  g_autofree char *service = stack != NULL ? write_file(directory, "mailauth", stack) : NULL;
  g_assert_cmpint(g_chmod(command, 0700), ==, 0);
  Package *package = pam_new(directory);
  const PackageRequest request = {row->account, row->password, strlen(row->password),
                                  &settings,    "192.0.2.1",   NULL};
  package->prove(package, &request, on_answer, &verdict);
  g_assert_false(verdict.answered);
  while (!verdict.answered)
    g_main_context_iteration(NULL, TRUE);
  package->free(package);
  g_test_message("%s", verdict.detail);
  g_assert_cmpint(verdict.outcome, ==, row->outcome);
  if (row->names != NULL)
    g_assert_nonnull(strstr(verdict.detail, row->names));
  g_assert_null(strstr(verdict.detail, "sesame"));
  g_free(verdict.detail);
  g_remove(command);
  if (service != NULL)
    g_remove(service);
  g_rmdir(directory);
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
  return g_test_run();
}
