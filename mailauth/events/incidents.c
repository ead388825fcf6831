/* SPDX-License-Identifier: MIT */
/* See incidents.h. */
#include "mailauth/events/incidents.h"

struct Incidents {
  Reporter *reporter;
  guint64 totals[N_LOGIN_PROTOCOLS][N_OUTCOMES];
};

Incidents *incidents_new(Reporter *reporter) {
  Incidents *incidents = g_new0(Incidents, 1);
  incidents->reporter = reporter;
  return incidents;
}

void incidents_free(Incidents *incidents) {
  g_free(incidents);
}

void incidents_take(Incidents *incidents, const Incident *incident, const char *source) {
  EventClient client = incident->client;
  client.times = incident->count;
  incidents->totals[incident->protocol][incident->outcome] += incident->count;
  reporter_report(incidents->reporter, incident->outcome, source, &client, incident->detail);
}

guint64 incidents_get_total(const Incidents *incidents, Protocol protocol, Outcome outcome) {
  return incidents->totals[protocol][outcome];
}
