/* SPDX-License-Identifier: MIT */
/* See service-user.h. A job holds all that its thread touches. */
#include "mailauth/pam/service-user.h"

#include <pwd.h>

#include "mailauth/pam/pam-stack.h"

#define PASSWD_BUFFER_BYTES 16384U

typedef struct {
  ServiceUser *user; /* NULL once it is freed; only for the loop's thread */
  char *name;
  char *pam_service; /* may be NULL */
  gboolean is_started;
  gboolean is_known; /* exists and uid are, from before */
  gboolean exists;
  guint32 uid;
  char *pam_problem;
  gboolean pam_stops_all;
} Job;

struct ServiceUser {
  Workers *workers;
  ServiceUserFound found;
  gpointer data;
  Job *running; /* NULL: none */
  Job *next;    /* that waits for its end; NULL: none */
  char *name;   /* looked up last; NULL before */
  gboolean exists;
  guint32 uid;
};

static void job_free(gpointer data) {
  Job *job = data;
  if (job == NULL)
    return;
  g_free(job->name);
  g_free(job->pam_service);
  g_free(job->pam_problem);
  g_free(job);
}

ServiceUser *service_user_new(Workers *workers, ServiceUserFound found, gpointer data) {
  ServiceUser *user = g_new0(ServiceUser, 1);
  user->workers = workers;
  user->found = found;
  user->data = data;
  return user;
}

void service_user_free(ServiceUser *user) {
  if (user == NULL)
    return;
  if (user->running != NULL)
    user->running->user = NULL;
  job_free(user->next);
  g_free(user->name);
  g_free(user);
}

gboolean service_user_is_looking(const ServiceUser *user) {
  return user != NULL && user->running != NULL;
}

/* ---- on a worker ---- */

static gboolean find_uid(const char *name, guint32 *uid) {
  g_autofree char *buffer = g_malloc(PASSWD_BUFFER_BYTES);
  struct passwd entry;
  struct passwd *found = NULL;
  guint64 number = 0;
  if (g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, &number, NULL)) {
    *uid = (guint32)number;
    return TRUE;
  }
  if (getpwnam_r(name, &entry, buffer, PASSWD_BUFFER_BYTES, &found) != 0 || found == NULL)
    return FALSE;
  *uid = found->pw_uid;
  return TRUE;
}

static void look_up(gpointer data) {
  Job *job = data;
  if (!job->is_known)
    job->exists = find_uid(job->name, &job->uid);
  if (job->pam_service != NULL)
    job->pam_problem = pam_stack_find_problem(
        NULL, job->pam_service, job->is_started ? job->name : NULL, &job->pam_stops_all);
}

/* ---- on the loop ---- */

static gboolean ask_the_same(const Job *a, const Job *b) {
  return g_str_equal(a->name, b->name) && g_strcmp0(a->pam_service, b->pam_service) == 0 &&
         a->is_started == b->is_started;
}

static void on_looked_up(gpointer data);

static void begin(ServiceUser *user, Job *job) {
  job->is_known = g_strcmp0(user->name, job->name) == 0;
  job->exists = user->exists;
  job->uid = user->uid;
  user->running = job;
  workers_submit(user->workers, look_up, on_looked_up, job, job_free);
}

static void keep_uid(ServiceUser *user, const Job *job) {
  g_free(user->name);
  user->name = g_strdup(job->name);
  user->exists = job->exists;
  user->uid = job->uid;
}

/* The next look-up begins first: whoever is told of this one sees whether another runs. */
static void on_looked_up(gpointer data) {
  Job *job = data;
  ServiceUser *user = job->user;
  gboolean is_wanted = user != NULL && (user->next == NULL || ask_the_same(user->next, job));
  const ServiceUserFindings findings = {job->name, job->exists, job->uid, job->pam_problem,
                                        job->pam_stops_all};
  if (user != NULL) {
    keep_uid(user, job);
    user->running = NULL;
    if (user->next != NULL)
      begin(user, g_steal_pointer(&user->next));
  }
  if (is_wanted)
    user->found(&findings, user->data);
  job_free(job);
}

void service_user_look(ServiceUser *user, const ServiceUserQuestion *question) {
  Job *job = g_new0(Job, 1);
  *job = (Job){.user = user,
               .name = g_strdup(question->name),
               .pam_service = g_strdup(question->pam_service),
               .is_started = question->is_started};
  if (user->running == NULL) {
    begin(user, job);
    return;
  }
  job_free(user->next);
  user->next = job;
}
