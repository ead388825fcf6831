/* Logins by PAM: see pam.h. A login is one transaction: authentication, then
 * whether the account may be used. What goes wrong on this side is never called
 * a bad password. */
#include "mailauth/package/pam.h"

#include <security/pam_appl.h>
#include <string.h>

#include "mailauth/limits.h"
#include "mailauth/prover.h"
#include "mailauth/secret.h"

/* Who is asked about in place of a name that no account can have. */
#define NOBODY "nobody.invalid"
#define STEP_ACCOUNT "account"

typedef struct {
  Package package;
  char *directory;
  Prover *prover;
  GQueue jobs; /* of Job */
} Pam;

typedef struct {
  GList link; /* in jobs */
  Pam *pam;   /* NULL when that has gone */
  char *directory;
  char *service;
  gboolean exists; /* FALSE: a name that no account can have */
  char *account;
  char *address;
  Secret password;
  PackageAnswer answer; /* NULL: nobody waits for it */
  gpointer data;
  gboolean overasked; /* a module wanted what a mail client can't be asked */
  Outcome outcome;
  char *detail;
} Job;

/* ---- on a worker thread ---- */

static gboolean answer_message(Job *job, const struct pam_message *message,
                               struct pam_response *response) {
  if (message->msg_style == PAM_TEXT_INFO || message->msg_style == PAM_ERROR_MSG)
    return TRUE;
  if (message->msg_style != PAM_PROMPT_ECHO_OFF) {
    job->overasked = TRUE;
    return FALSE;
  }
  /* The module frees it. */
  response->resp = strdup((const char *)job->password.bytes);
  return response->resp != NULL;
}

static void discard(struct pam_response *responses, int count) {
  for (int i = 0; i < count; i++) {
    if (responses[i].resp != NULL)
      explicit_bzero(responses[i].resp, strlen(responses[i].resp));
    free(responses[i].resp);
  }
  free(responses);
}

static int converse(int count, const struct pam_message **messages, struct pam_response **answers,
                    void *data) {
  Job *job = data;
  if (count <= 0 || count > PAM_MAX_NUM_MSG)
    return PAM_CONV_ERR;
  struct pam_response *responses = calloc((size_t)count, sizeof *responses);
  if (responses == NULL)
    return PAM_BUF_ERR;
  for (int i = 0; i < count; i++)
    if (!answer_message(job, messages[i], &responses[i])) {
      discard(responses, count);
      return PAM_CONV_ERR;
    }
  *answers = responses;
  return PAM_SUCCESS;
}

/* Failures are delayed by the server itself, alike in each package. */
static void do_not_delay(G_GNUC_UNUSED int status, G_GNUC_UNUSED unsigned int microseconds,
                         G_GNUC_UNUSED void *data) {
}

static void set_items(pam_handle_t *handle, const Job *job) {
  void (*delay)(int, unsigned int, void *) = do_not_delay;
  gconstpointer function = NULL;
  memcpy(&function, &delay, sizeof function);
  pam_set_item(handle, PAM_FAIL_DELAY, function);
  if (*job->address != '\0')
    pam_set_item(handle, PAM_RHOST, job->address);
}

static const struct {
  int status;
  Outcome outcome;
} verdicts[] = {
    {PAM_SUCCESS, OUTCOME_OK},
    {PAM_AUTH_ERR, OUTCOME_BAD_PASSWORD},
    {PAM_MAXTRIES, OUTCOME_BAD_PASSWORD},
    {PAM_USER_UNKNOWN, OUTCOME_NO_SUCH_USER},
    {PAM_ACCT_EXPIRED, OUTCOME_DISABLED},
    {PAM_CRED_EXPIRED, OUTCOME_DISABLED},
    {PAM_AUTHTOK_EXPIRED, OUTCOME_DISABLED},
    {PAM_NEW_AUTHTOK_REQD, OUTCOME_DISABLED},
    {PAM_PERM_DENIED, OUTCOME_DISABLED},
    {PAM_CRED_INSUFFICIENT, OUTCOME_ACCOUNTS_DENIED},
    {PAM_ABORT, OUTCOME_BAD_SETTING},
    {PAM_OPEN_ERR, OUTCOME_BAD_SETTING},
    {PAM_SYMBOL_ERR, OUTCOME_BAD_SETTING},
    {PAM_MODULE_UNKNOWN, OUTCOME_BAD_SETTING},
    {PAM_CONV_ERR, OUTCOME_BAD_SETTING},
};

/* Whatever else there is: what the accounts are in can't be had. */
static Outcome find_outcome(int status) {
  for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++)
    if (verdicts[i].status == status)
      return verdicts[i].outcome;
  return OUTCOME_ACCOUNTS_MISSING;
}

static void conclude(Job *job, const char *step, int status, const char *words) {
  job->outcome = find_outcome(status);
  /* The password was right, or the account's modules would not have been asked. */
  if (job->outcome == OUTCOME_BAD_PASSWORD && g_str_equal(step, STEP_ACCOUNT))
    job->outcome = OUTCOME_DISABLED;
  if (status != PAM_SUCCESS && job->overasked) {
    job->outcome = OUTCOME_BAD_SETTING;
    words = "a module asks for more than a password";
  } else if (!job->exists &&
             (job->outcome == OUTCOME_OK || outcome_is_client_failure(job->outcome))) {
    job->outcome = OUTCOME_NO_SUCH_USER;
  }
  const char *setting =
      job->outcome == OUTCOME_BAD_SETTING ? settings_get_path(SETTINGS_SERVICE) : NULL;
  job->detail = g_strdup_printf("%s%s'%s': %s: %s", setting != NULL ? setting : "",
                                setting != NULL ? "\\Parameters, PAM Service: " : "PAM service ",
                                job->service, step, words);
}

static void ask(gpointer data) {
  Job *job = data;
  const struct pam_conv conversation = {converse, job};
  const char *step = "authentication";
  pam_handle_t *handle = NULL;
  int status =
      pam_start_confdir(job->service, job->account, &conversation, job->directory, &handle);
  if (status != PAM_SUCCESS) {
    conclude(job, "it can't be begun", PAM_ABORT, pam_strerror(handle, status));
    return;
  }
  set_items(handle, job);
  status = pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  if (status == PAM_SUCCESS) {
    step = STEP_ACCOUNT;
    status = pam_acct_mgmt(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  }
  conclude(job, step, status, pam_strerror(handle, status));
  pam_end(handle, status);
}

/* ---- on the loop ---- */

static void job_free(Job *job) {
  if (job->pam != NULL)
    g_queue_unlink(&job->pam->jobs, &job->link);
  secret_clear(&job->password);
  g_free(job->directory);
  g_free(job->service);
  g_free(job->account);
  g_free(job->address);
  g_free(job->detail);
  g_free(job);
}

static void on_asked(gpointer data) {
  Job *job = data;
  if (job->answer != NULL)
    job->answer(job->outcome, job->detail, job->data);
  job_free(job);
}

static gboolean on_refused(gpointer data) {
  on_asked(data);
  return G_SOURCE_REMOVE;
}

static void refuse(Job *job, Outcome outcome, const char *detail) {
  job->outcome = outcome;
  job->detail = g_strdup(detail);
  g_idle_add(on_refused, job);
}

static void prove(Package *package, const PackageRequest *request, PackageAnswer answer,
                  gpointer data) {
  Pam *pam = (Pam *)package;
  Job *job = g_new0(Job, 1);
  job->link.data = job;
  job->pam = pam;
  job->directory = g_strdup(pam->directory);
  job->service = g_strdup(request->settings->pam_service);
  job->exists = request->account != NULL;
  job->account = g_strdup(job->exists ? request->account : NOBODY);
  job->address = g_strdup(request->address != NULL ? request->address : "");
  job->answer = answer;
  job->data = data;
  job->outcome = OUTCOME_ACCOUNTS_MISSING;
  secret_append(&job->password, request->password, request->size);
  g_queue_push_tail_link(&pam->jobs, &job->link);
  /* Services often let accounts without a password in; here nobody is. A module
   * would see a password with a NUL as what stands before it. */
  if (job->exists && (request->size == 0 || memchr(request->password, '\0', request->size) != NULL))
    refuse(job, OUTCOME_BAD_PASSWORD, "it is empty or holds a NUL, and is not shown to PAM");
  else if (prover_get_waiting(pam->prover) >= MAX_PAM_WAITING)
    refuse(job, OUTCOME_ACCOUNTS_MISSING, "PAM: too many logins wait for its modules");
  else
    prover_submit(pam->prover, ask, on_asked, job);
}

/* A module may never come back: what is under way is left to the process's end. */
static void pam_free(Package *package) {
  Pam *pam = (Pam *)package;
  gboolean idle = pam->jobs.length == 0;
  while (pam->jobs.head != NULL) {
    Job *job = pam->jobs.head->data;
    g_queue_unlink(&pam->jobs, &job->link);
    job->pam = NULL;
    job->answer = NULL;
  }
  if (idle)
    prover_free(pam->prover);
  g_free(pam->directory);
  g_free(pam);
}

Package *pam_new(const char *directory) {
  Pam *pam = g_new0(Pam, 1);
  pam->package = (Package){"PAM", prove, pam_free, FALSE};
  pam->directory = g_strdup(directory);
  pam->prover = prover_new(PAM_THREADS, NULL);
  return &pam->package;
}
