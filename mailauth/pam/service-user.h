/* SPDX-License-Identifier: MIT */
/* Looks up the user that the service is set to run as, and whether PAM's modules can do
 * their work as that user. Both ask the user database, which may be a directory that
 * hangs: they run on a worker, one look-up at a time, and the result comes on the loop. Only
 * for the loop's thread. */
#ifndef MAILAUTH_PAM_SERVICE_USER_H
#define MAILAUTH_PAM_SERVICE_USER_H

#include "client/threads/workers.h"

typedef struct ServiceUser ServiceUser;

typedef struct {
  const char *name;        /* as `ObjectName` has it: a user's name, or a uid */
  const char *pam_service; /* NULL: PAM does not decide, and is not looked at */
  gboolean is_started;     /* PAM's processes are started as that user, and not as this one */
} ServiceUserQuestion;

typedef struct {
  const char *name; /* as it was asked */
  gboolean exists;
  guint32 uid;             /* if it exists */
  const char *pam_problem; /* as pam_stack_find_problem(); NULL for none */
  gboolean pam_stops_all;  /* then nobody can log in at all */
} ServiceUserFindings;

/* @findings: valid during the call. */
typedef void (*ServiceUserFound)(const ServiceUserFindings *findings, gpointer data);

/* Borrows @workers. */
ServiceUser *service_user_new(Workers *workers, ServiceUserFound found, gpointer data);
/* Waits for nothing: the result of a look-up that runs is dropped. Call before @workers are
 * freed. NULL is fine. */
void service_user_free(ServiceUser *user);

/* Copies @question. @found follows, never from inside. While a look-up runs, the newest
 * question waits for its end; the result for another question is dropped then. The uid of a name
 * is looked up once, until another name is asked about. */
void service_user_look(ServiceUser *user, const ServiceUserQuestion *question);
/* FALSE also for NULL. */
gboolean service_user_is_looking(const ServiceUser *user);

#endif
