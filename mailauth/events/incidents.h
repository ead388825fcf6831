/* SPDX-License-Identifier: MIT */
/* What a front has refused by itself: an event, and a number of each kind. */
#ifndef MAILAUTH_EVENTS_INCIDENTS_H
#define MAILAUTH_EVENTS_INCIDENTS_H

#include "mailauth/base/kinds.h"
#include "mailauth/events/reporter.h"

typedef struct {
  Outcome outcome;
  Protocol protocol;
  EventClient client;
  guint32 count;      /* how often; 1 or more */
  const char *detail; /* "" for none */
} Incident;

typedef struct Incidents Incidents;

/* @reporter is borrowed. */
Incidents *incidents_new(Reporter *reporter);
void incidents_free(Incidents *incidents);

/* @source: of the event; static. */
void incidents_take(Incidents *incidents, const Incident *incident, const char *source);
/* Since the start. */
guint64 incidents_get_total(const Incidents *incidents, Protocol protocol, Outcome outcome);

#endif
