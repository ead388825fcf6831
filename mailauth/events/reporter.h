/* SPDX-License-Identifier: MIT */
/* Events on their way out: into the record, to the journal (or standard error), and to
 * the listeners on the bus. */
#ifndef MAILAUTH_EVENTS_REPORTER_H
#define MAILAUTH_EVENTS_REPORTER_H

#include "mailauth/events/events.h"

typedef struct Reporter Reporter;
/* Called for each event that is written out; the event is borrowed. */
typedef void (*ReporterListener)(const Event *event, gpointer data);

Reporter *reporter_new(void);
void reporter_free(Reporter *reporter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reporter, reporter_free)

/* One listener at most. */
void reporter_set_listener(Reporter *reporter, ReporterListener listener, gpointer data);
/* Records, and writes out what is news: events_record(). @client and @detail may be NULL.
 * Done when it returns. */
void reporter_report(Reporter *reporter, Outcome outcome, const char *source,
                     const EventClient *client, const char *detail);
/* Writes out a line of what is logged of sessions, which is no event. @line is
 * UTF-8; what is not harmless in it is escaped. */
void reporter_transcribe(const Reporter *reporter, const char *source, const char *line);
/* The record; borrowed. */
Events *reporter_get_events(Reporter *reporter);

#endif
