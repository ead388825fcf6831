/* SPDX-License-Identifier: MIT */
/* The verifier's state as entries of an a{sv}: what is decided now, and why. */
#ifndef MAILAUTH_VERIFIER_STATUS_H
#define MAILAUTH_VERIFIER_STATUS_H

#include <dbus/dbus.h>

#include "mailauth/events/incidents.h"
#include "mailauth/logins/login.h"
#include "mailauth/verifier/publisher.h"

typedef struct {
  Views *views;
  const Publisher *publisher;
  const Logins *logins;
  const Incidents *incidents;
  Stores *stores;
  const Backends *backends;
  const Throttle *throttle;
  Reporter *reporter;
  const Workers *prover;
  Verified *verified;
  const PamPool *pam;
  const SqlServants *sql;
  GVariant *connections;   /* a{su} of the front's, or NULL */
  guint lacks;             /* SandboxLacks, of the roles together */
  const char *pam_problem; /* as it was found last, or NULL */
  gboolean pam_stops_all;  /* then nobody can log in at all */
  const char *of_members;  /* the same of the members, or NULL */
} StatusSource;

/* What a service manager shows, in a few words: "native SAM, 3 sessions". Owned. */
char *status_summarise(const StatusSource *source);
/* FALSE: out of memory. */
gboolean status_append(DBusMessageIter *dict, const StatusSource *source);

#endif
