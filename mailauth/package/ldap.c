/* SPDX-License-Identifier: MIT */
/* Logins by a directory: see ldap.h. A login is a job for a thread of its broker's: it
 * finds the user, proves the password and leaves the outcome. The loop answers with
 * that, at the latest when `Timeout` is over. */
#include "mailauth/package/ldap.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/base/secret.h"
#include "mailauth/package/ldap-filter.h"
#include "mailauth/package/ldap-pool.h"

/* The user that the directory is asked about instead of a name that no account can have,
 * and bound as instead of a user who does not exist. The domain can't exist (RFC 2606). */
#define NOBODY "nobody.invalid"

typedef struct {
  Package package;
  LdapPools *pools;
  GQueue jobs; /* of Job */
} Ldap;

typedef struct {
  GList link; /* in jobs */
  Ldap *ldap; /* NULL when that has gone */
  LdapPool *pool;
  Settings *settings;
  gboolean exists; /* FALSE: a name that no account can have */
  char *account;
  char *entry; /* where the user is, if it is known; else found by @filter */
  char *filter;
  Secret password;
  char *other;               /* another name that the user has turned out to be the account by */
  PackageIdentity *identity; /* the login's, until it is answered; so is @given */
  Secret *given;             /* where the password came from */
  Deadline deadline;
  guint timer;
  gboolean working;     /* a thread has it */
  OutcomeAnswer answer; /* NULL: answered */
  gpointer data;
  Outcome outcome;
  char *detail;
  gint64 linger; /* us that the answer waits, so that it comes as late as any other */
} Job;

/* ---- on a thread of the broker's ---- */

G_GNUC_PRINTF(3, 4)
static void conclude(Job *job, Outcome outcome, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *detail = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_free(job->detail);
  job->detail = directory_dup_printable(detail, MAX_DIRECTORY_DETAIL);
  job->outcome = outcome;
}

static gboolean is_one_of(int code, const int *codes, gsize n_codes) {
  for (gsize i = 0; i < n_codes; i++)
    if (codes[i] == code)
      return TRUE;
  return FALSE;
}

/* The connection is of no more use. */
static gboolean is_lost(int code) {
  static const int codes[] = {LDAP_SERVER_DOWN,   LDAP_CONNECT_ERROR,  LDAP_TIMEOUT,
                              LDAP_UNAVAILABLE,   LDAP_DECODING_ERROR, LDAP_LOCAL_ERROR,
                              LDAP_ENCODING_ERROR};
  return is_one_of(code, codes, G_N_ELEMENTS(codes));
}

static char *dup_late(const Job *job) {
  const Broker *broker = ldap_pool_get_broker(job->pool);
  return g_strdup_printf("%s: no answer within %u ms (`Timeout`)", broker->uri, broker->timeout);
}

/* Whether the time is over, which then is all that is to be said. libldap counts
 * in milliseconds, and may be a fraction of one early. */
static gboolean conclude_late(Job *job, int code) {
  if (code != LDAP_TIMEOUT && deadline_get_rest(&job->deadline) > 0)
    return FALSE;
  g_autofree char *detail = dup_late(job);
  conclude(job, OUTCOME_BROKER_UNREACHABLE, "%s", detail);
  return TRUE;
}

/* A fault of the directory's. */
static void conclude_fault(Job *job, const char *what, const DirectoryAnswer *answer) {
  static const int unreachable[] = {LDAP_SERVER_DOWN, LDAP_CONNECT_ERROR, LDAP_UNAVAILABLE,
                                    LDAP_BUSY};
  if (conclude_late(job, answer->code))
    return;
  gboolean away = is_one_of(answer->code, unreachable, G_N_ELEMENTS(unreachable));
  conclude(job, away ? OUTCOME_BROKER_UNREACHABLE : OUTCOME_BROKER_FAILED, "%s: %s: %s",
           ldap_pool_get_broker(job->pool)->uri, what, answer->text);
}

static void conclude_setting(Job *job, const char *setting) {
  conclude(job, OUTCOME_BAD_SETTING, "%s\\%s, %s", settings_get_path(SETTINGS_BROKERS),
           ldap_pool_get_id(job->pool), setting);
}

static void conclude_opening(Job *job, DirectoryOpening opening, const DirectoryAnswer *answer) {
  const char *uri = ldap_pool_get_broker(job->pool)->uri;
  if (opening == DIRECTORY_BAD_SETTING)
    conclude_setting(job, answer->text);
  else if (opening == DIRECTORY_UNREACHABLE && !conclude_late(job, answer->code))
    conclude(job, OUTCOME_BROKER_UNREACHABLE, "%s: no connection: %s", uri, answer->text);
  else if (opening == DIRECTORY_UNTRUSTED)
    conclude(job, OUTCOME_BROKER_FAILED, "%s: TLS can't be begun, or not be trusted: %s", uri,
             answer->text);
}

static Directory *open_directory(Job *job, DirectoryUse use) {
  const Broker *broker = ldap_pool_get_broker(job->pool);
  g_auto(DirectoryAnswer) answer = {0};
  g_autoptr(Directory) directory = NULL;
  DirectoryOpening opening =
      directory_open(broker, ldap_pool_get_dialer(job->pool), &job->deadline, &directory, &answer);
  if (opening != DIRECTORY_OPENED) {
    conclude_opening(job, opening, &answer);
    return NULL;
  }
  if (use != USE_SEARCH || *broker->bind_dn == '\0')
    return g_steal_pointer(&directory);
  g_auto(Secret) password = {0};
  secret_append(&password, broker->bind_password, strlen(broker->bind_password));
  directory_bind(directory, broker->bind_dn, &password, &answer);
  if (answer.code == LDAP_SUCCESS)
    return g_steal_pointer(&directory);
  conclude_fault(job, "the bind as `Bind DN` with `Bind Password`", &answer);
  return NULL;
}

/* What is done with a connection. */
typedef struct {
  DirectoryUse use;
  const char *dn; /* whom to bind as */
  DirectorySearch search;
  gint64 took; /* us */
  DirectoryAnswer answer;
} Operation;

static void operation_clear(Operation *operation) {
  directory_search_clear(&operation->search);
  directory_answer_clear(&operation->answer);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Operation, operation_clear)

static void operate(const Job *job, Directory *directory, Operation *operation) {
  gint64 begin = g_get_monotonic_time();
  operation_clear(operation);
  if (operation->use == USE_SEARCH)
    directory_search(directory, &operation->search, &operation->answer);
  else
    directory_bind(directory, operation->dn, &job->password, &operation->answer);
  operation->took = g_get_monotonic_time() - begin;
}

/* Once, on @directory, which it takes; FALSE if the connection is lost. */
static gboolean operate_once(Job *job, Directory *directory, Operation *operation) {
  operate(job, directory, operation);
  if (is_lost(operation->answer.code)) {
    directory_free(directory);
    return FALSE;
  }
  directory_rest(directory);
  ldap_pool_give(job->pool, operation->use, directory);
  return TRUE;
}

/* On a connection that is there, or a new one if there is none or it has broken since it
 * was used last. FALSE: no connection, and the job is concluded. */
static gboolean run(Job *job, Operation *operation) {
  Directory *directory = ldap_pool_take(job->pool, operation->use);
  if (directory != NULL) {
    directory_use(directory, &job->deadline);
    if (operate_once(job, directory, operation) || deadline_get_rest(&job->deadline) == 0)
      return TRUE;
  }
  directory = open_directory(job, operation->use);
  if (directory == NULL)
    return FALSE;
  operate_once(job, directory, operation);
  return TRUE;
}

static char *dup_nobody(const Job *job) {
  return g_strdup_printf("cn=" NOBODY ",%s", ldap_pool_get_broker(job->pool)->base_dn);
}

/* Binds as nobody. FALSE: no connection, and the job is concluded. */
static gboolean bind_nobody(Job *job, Operation *operation) {
  g_autofree char *nobody = dup_nobody(job);
  operation->use = USE_PROOF;
  operation->dn = nobody;
  gboolean asked = run(job, operation);
  operation->dn = NULL;
  return asked;
}

/* Whether the directory says of nobody what it should. */
static gboolean is_refused(const Operation *operation) {
  static const int codes[] = {LDAP_INVALID_CREDENTIALS, LDAP_NO_SUCH_OBJECT,
                              LDAP_INVALID_DN_SYNTAX};
  return is_one_of(operation->answer.code, codes, G_N_ELEMENTS(codes));
}

/* Takes as long as a proof: the bind costs the network's part, and the time of the hash,
 * which is not computed for a user who does not exist, is waited for. */
static void conclude_nobody(Job *job) {
  const Broker *broker = ldap_pool_get_broker(job->pool);
  g_auto(Operation) operation = {0};
  if (job->password.size > 0) {
    if (!bind_nobody(job, &operation))
      return;
    if (!is_refused(&operation)) {
      conclude_fault(job, "the bind as a user who is not there", &operation.answer);
      return;
    }
  }
  conclude(job, OUTCOME_NO_SUCH_USER, "%s: below '%s' there is no entry with %s", broker->uri,
           broker->base_dn, job->filter);
  job->linger = ldap_pool_pick_proof(job->pool) - operation.took;
}

static void conclude_user(Job *job, Outcome outcome, const char *dn, const char *text) {
  conclude(job, outcome, "%s: %s is '%s'; the bind as that: %s",
           ldap_pool_get_broker(job->pool)->uri, job->filter, dn, text);
}

/* Refusals that may be the account's, or everybody's: a user who does not exist is told
 * that the password is wrong only if the refusal is the account's. */
static gboolean conclude_doubtful(Job *job, const Operation *proof) {
  static const struct {
    int code;
    Outcome outcome;
  } rows[] = {
      {LDAP_UNWILLING_TO_PERFORM, OUTCOME_DISABLED},
      {LDAP_CONSTRAINT_VIOLATION, OUTCOME_DISABLED},
      {LDAP_INSUFFICIENT_ACCESS, OUTCOME_DISABLED},
      {LDAP_INAPPROPRIATE_AUTH, OUTCOME_BAD_PASSWORD},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_auto(Operation) nobody = {0};
    if (rows[i].code != proof->answer.code)
      continue;
    if (!bind_nobody(job, &nobody))
      return TRUE;
    if (!is_refused(&nobody))
      return FALSE;
    conclude(job, rows[i].outcome, "%s: the bind as '%s': %s", ldap_pool_get_broker(job->pool)->uri,
             proof->dn, proof->answer.text);
    return TRUE;
  }
  return FALSE;
}

static void conclude_proof(Job *job, const Operation *proof) {
  static const struct {
    int code;
    Outcome outcome;
  } rows[] = {
      {LDAP_SUCCESS, OUTCOME_OK},
      {LDAP_INVALID_CREDENTIALS, OUTCOME_BAD_PASSWORD},
      {LDAP_NO_SUCH_OBJECT, OUTCOME_NO_SUCH_USER},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    if (rows[i].code != proof->answer.code)
      continue;
    ldap_pool_note_proof(job->pool, proof->took);
    gboolean barred = proof->answer.barred && rows[i].outcome != OUTCOME_OK;
    conclude_user(job, barred ? OUTCOME_DISABLED : rows[i].outcome, proof->dn,
                  barred ? "the account is locked or has expired" : proof->answer.text);
    return;
  }
  if (!conclude_doubtful(job, proof))
    conclude_fault(job, "the bind as the user", &proof->answer);
}

static void prove_user(Job *job, const char *dn) {
  g_auto(Operation) proof = {.use = USE_PROOF, .dn = dn};
  /* The root's name is the empty one, and binding as it proves nothing. */
  if (*dn == '\0')
    conclude(job, OUTCOME_BROKER_FAILED, "%s: the entry that was found has no name",
             ldap_pool_get_broker(job->pool)->uri);
  else if (run(job, &proof))
    conclude_proof(job, &proof);
}

/* Whether the entry is the only one of its name: nobody opens another's mailbox by sharing one.
 * FALSE: it is not, and the job is concluded. */
static gboolean is_alone(Job *job, const DirectorySearch *entry) {
  const Broker *broker = ldap_pool_get_broker(job->pool);
  g_autofree char *pattern = g_strdup_printf("(%s=%%u)", broker->user_attribute);
  g_autofree char *filter = ldap_filter_expand(pattern, entry->value);
  g_auto(Operation) search = {
      .use = USE_SEARCH,
      .search = {.base = broker->base_dn, .filter = filter, .attribute = ""},
  };
  if (!run(job, &search))
    return FALSE;
  if (search.answer.code != LDAP_SUCCESS && search.answer.code != LDAP_SIZELIMIT_EXCEEDED) {
    conclude_fault(job, "the search for others of that name", &search.answer);
    return FALSE;
  }
  if (search.search.found == 1 && g_strcmp0(search.search.dn, entry->dn) == 0)
    return TRUE;
  conclude(job, OUTCOME_BROKER_FAILED,
           "%s: below '%s' the entry '%s' is not the only one with %s (`User Attribute`)",
           broker->uri, broker->base_dn, entry->dn, filter);
  return FALSE;
}

/* The account that the entry is by `User Attribute`. FALSE: none, and the job is concluded. */
static gboolean take_account(Job *job, const DirectorySearch *found) {
  const Broker *broker = ldap_pool_get_broker(job->pool);
  if (*broker->user_attribute == '\0' || job->identity == NULL)
    return TRUE;
  g_autofree char *account =
      found->value != NULL ? settings_get_account(job->settings, found->value) : NULL;
  if (account == NULL) {
    conclude(job, OUTCOME_BROKER_FAILED,
             "%s: the entry '%s' has no '%s' (`User Attribute`) that can be an account's name%s",
             broker->uri, found->dn, broker->user_attribute,
             settings_has_full_names(job->settings) ? ", which with several `Domain`s is a full one"
                                                    : "");
    return FALSE;
  }
  if (g_str_equal(account, job->account))
    return TRUE;
  if (!is_alone(job, found))
    return FALSE;
  job->other = g_steal_pointer(&account);
  job->entry = g_strdup(found->dn);
  return TRUE;
}

static void take_user(Job *job, const DirectorySearch *found) {
  if (found->dn == NULL || *found->dn == '\0')
    prove_user(job, "");
  else if (take_account(job, found) && job->other == NULL)
    prove_user(job, found->dn);
}

static void conclude_search(Job *job, const Operation *search) {
  const Broker *broker = ldap_pool_get_broker(job->pool);
  if (search->answer.code == LDAP_FILTER_ERROR)
    conclude_setting(job, "User Filter: it is not a filter (RFC 4515)");
  else if (search->answer.code != LDAP_SUCCESS && search->answer.code != LDAP_SIZELIMIT_EXCEEDED)
    conclude_fault(job, "the search below `Base DN`", &search->answer);
  else if (search->search.found > 1 || search->answer.code == LDAP_SIZELIMIT_EXCEEDED)
    conclude(job, OUTCOME_BROKER_FAILED, "%s: below '%s' there are several entries with %s",
             broker->uri, broker->base_dn, job->filter);
  else if (search->search.found == 0 || !job->exists)
    conclude_nobody(job);
  else
    take_user(job, &search->search);
}

static void ask(gpointer data) {
  Job *job = data;
  const Broker *broker = ldap_pool_get_broker(job->pool);
  /* It may have waited for a thread too long. */
  if (conclude_late(job, LDAP_SUCCESS))
    return;
  job->filter = ldap_filter_expand(broker->user_filter, job->account);
  if (job->entry != NULL) {
    prove_user(job, job->entry);
    return;
  }
  g_auto(Operation) search = {
      .use = USE_SEARCH,
      .search = {.base = broker->base_dn,
                 .filter = job->filter,
                 .attribute = broker->user_attribute},
  };
  if (run(job, &search))
    conclude_search(job, &search);
}

/* ---- on the loop ---- */

static void job_free(Job *job) {
  if (job->timer != 0)
    g_source_remove(job->timer);
  if (job->ldap != NULL)
    g_queue_unlink(&job->ldap->jobs, &job->link);
  if (job->pool != NULL)
    ldap_pool_unref(job->pool);
  secret_clear(&job->password);
  deadline_clear(&job->deadline);
  g_free(job->account);
  settings_unref(job->settings);
  g_free(job->entry);
  g_free(job->filter);
  g_free(job->other);
  g_free(job->detail);
  g_free(job);
}

/* The newest answer counts: a problem that is over is none. */
static void answer_once(Job *job, Outcome outcome, const char *detail) {
  OutcomeAnswer answer = job->answer;
  gboolean decided = outcome == OUTCOME_OK || outcome_is_client_failure(outcome);
  job->answer = NULL;
  if (job->pool != NULL)
    ldap_pool_set_problem(job->pool, decided ? NULL : detail);
  if (answer != NULL)
    answer(outcome, detail, job->data);
}

/* The login asks again by that name. */
static void tell_other(Job *job) {
  if (job->other == NULL || job->answer == NULL)
    return;
  job->identity->account = g_steal_pointer(&job->other);
  job->identity->entry = g_steal_pointer(&job->entry);
  secret_move(job->given, &job->password);
}

static gboolean on_ready(gpointer data) {
  Job *job = data;
  job->timer = 0;
  tell_other(job);
  answer_once(job, job->outcome, job->detail);
  job_free(job);
  return G_SOURCE_REMOVE;
}

static gboolean on_late(gpointer data) {
  Job *job = data;
  g_autofree char *detail = dup_late(job);
  job->timer = 0;
  deadline_expire(&job->deadline);
  answer_once(job, OUTCOME_BROKER_UNREACHABLE, detail);
  return G_SOURCE_REMOVE;
}

static void on_asked(gpointer data) {
  Job *job = data;
  job->working = FALSE;
  if (job->answer == NULL) {
    job_free(job);
    return;
  }
  g_clear_handle_id(&job->timer, g_source_remove);
  guint linger = job->linger > 0 ? (guint)((job->linger + 999) / 1000) : 0;
  job->timer = g_timeout_add(linger, on_ready, job);
}

static void prove(Package *package, const PackageRequest *request, OutcomeAnswer answer,
                  gpointer data) {
  Ldap *ldap = (Ldap *)package;
  Job *job = g_new0(Job, 1);
  const guint32 timeout = package_request_get_timeout(request);
  job->link.data = job;
  job->ldap = ldap;
  job->exists = request->account != NULL;
  job->account = g_strdup(job->exists ? request->account : NOBODY);
  job->settings = settings_ref(request->settings);
  job->entry = request->identity != NULL ? g_strdup(request->identity->entry) : NULL;
  job->identity = request->identity;
  job->given = request->password;
  job->answer = answer;
  job->data = data;
  job->outcome = OUTCOME_BROKER_FAILED;
  secret_move(&job->password, request->password);
  deadline_init(&job->deadline, g_get_monotonic_time() + (gint64)timeout * 1000);
  g_queue_push_tail_link(&ldap->jobs, &job->link);
  /* Both are an anonymous bind to one directory or another, which always succeeds. */
  if (job->exists && (job->password.size == 0 || secret_has_nul(&job->password))) {
    conclude(job, OUTCOME_BAD_PASSWORD,
             "it is empty or holds a NUL, and is not shown to a directory");
    job->timer = g_idle_add(on_ready, job);
    return;
  }
  job->pool = ldap_pool_ref(ldap_pools_find(ldap->pools, request->settings));
  if (workers_get_waiting(ldap_pool_get_workers(job->pool)) >= MAX_DIRECTORY_WAITING) {
    conclude(job, OUTCOME_BROKER_UNREACHABLE, "%s: too many logins wait for it",
             ldap_pool_get_broker(job->pool)->uri);
    job->timer = g_idle_add(on_ready, job);
    return;
  }
  job->working = TRUE;
  job->timer = g_timeout_add(timeout, on_late, job);
  workers_submit(ldap_pool_get_workers(job->pool), ask, on_asked, job, NULL);
}

static char *dup_problem(const Package *package, const Settings *settings) {
  const Ldap *ldap = (const Ldap *)package;
  const LdapPool *pool = ldap_pools_look_up(ldap->pools, settings);
  return pool != NULL ? g_strdup(ldap_pool_get_problem(pool)) : NULL;
}

/* A job that a thread has is freed when the loop runs again. */
static void forget_jobs(Ldap *ldap) {
  while (ldap->jobs.head != NULL) {
    Job *job = ldap->jobs.head->data;
    g_queue_unlink(&ldap->jobs, &job->link);
    job->ldap = NULL;
    job->answer = NULL;
    g_clear_handle_id(&job->timer, g_source_remove);
    deadline_expire(&job->deadline);
    if (job->working)
      ldap_pool_stop(job->pool);
    else
      job_free(job);
  }
}

static void ldap_package_free(Package *package) {
  Ldap *ldap = (Ldap *)package;
  for (GList *link = ldap->jobs.head; link != NULL; link = link->next)
    deadline_expire(&((Job *)link->data)->deadline);
  forget_jobs(ldap);
  ldap_pools_free(ldap->pools);
  g_free(ldap);
}

Package *ldap_new(Dialer *dialer) {
  Ldap *ldap = g_new0(Ldap, 1);
  ldap->package = (Package){
      .name = "ldap", .prove = prove, .free = ldap_package_free, .dup_problem = dup_problem};
  ldap->pools = ldap_pools_new(dialer);
  return &ldap->package;
}
