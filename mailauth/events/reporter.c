/* SPDX-License-Identifier: MIT */
/* Events on their way out: see reporter.h. */
#include "mailauth/events/reporter.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "client/base/escape.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct Reporter {
  Events *events;
  gboolean has_journal;
  ReporterListener listener;
  gpointer listener_data;
};

Reporter *reporter_new(void) {
  Reporter *reporter = g_new0(Reporter, 1);
  reporter->events = events_new();
  reporter->has_journal = access(JOURNAL_SOCKET, W_OK) == 0;
  return reporter;
}

void reporter_free(Reporter *reporter) {
  if (reporter == NULL)
    return;
  events_free(reporter->events);
  g_free(reporter);
}

void reporter_set_listener(Reporter *reporter, ReporterListener listener, gpointer data) {
  reporter->listener = listener;
  reporter->listener_data = data;
}

Events *reporter_get_events(Reporter *reporter) {
  return reporter->events;
}

static int get_priority(const char *type) {
  static const struct {
    const char *type;
    int priority;
  } priorities[] = {{"Error", LOG_ERR}, {"Warning", LOG_WARNING}, {"Failure Audit", LOG_NOTICE}};
  for (guint i = 0; i < G_N_ELEMENTS(priorities); i++)
    if (g_str_equal(priorities[i].type, type))
      return priorities[i].priority;
  return LOG_INFO;
}

/* FALSE if the journal did not take it. */
static gboolean write_to_journal(const Event *event, const char *line) {
  const OutcomeFacts *facts = outcome_get_facts(event->outcome);
  char *fields[] = {
      g_strdup_printf("MESSAGE=%s", line),
      g_strdup_printf("PRIORITY=%d", get_priority(facts->event_type)),
      g_strdup("SYSLOG_IDENTIFIER=mailauthd"),
      g_strdup_printf("MAILAUTH_SOURCE=%s", event->source),
      g_strdup_printf("MAILAUTH_ID=%u", facts->event_id),
      g_strdup_printf("MAILAUTH_TYPE=%s", facts->event_type),
      g_strdup("MAILAUTH_CATEGORY=" EVENT_CATEGORY),
      g_strdup_printf("MAILAUTH_REASON=%s", facts->reason),
      g_strdup_printf("MAILAUTH_DESCRIPTION=%s", event->description),
      g_strdup_printf("MAILAUTH_USER=%s", event->user),
      g_strdup_printf("MAILAUTH_ADDRESS=%s", event->address),
      g_strdup_printf("MAILAUTH_METHOD=%s", event->method),
      g_strdup_printf("MAILAUTH_TLS=%s", event->tls),
      g_strdup_printf("MAILAUTH_SESSION=%" G_GUINT64_FORMAT, event->session),
      g_strdup_printf("MAILAUTH_COUNT=%" G_GUINT64_FORMAT, event->count),
  };
  struct iovec vector[G_N_ELEMENTS(fields)];
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
    vector[i] = (struct iovec){fields[i], strlen(fields[i])};
  gboolean taken = sd_journal_sendv(vector, G_N_ELEMENTS(fields)) >= 0;
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
    g_free(fields[i]);
  return taken;
}

/* The journal knows the time by itself. */
static void write_to_stderr(gint64 time, const char *line) {
  g_autofree char *when = event_print_time(time);
  (void)fprintf(stderr, "%s %s\n", when, line);
  (void)fflush(stderr);
}

static void write_out(const Reporter *reporter, const Event *event) {
  g_autofree char *line = event_print(event);
  if (!reporter->has_journal || !write_to_journal(event, line))
    write_to_stderr(event->time, line);
}

void reporter_report(Reporter *reporter, Outcome outcome, const char *source,
                     const EventClient *client, const char *detail) {
  const Event *event =
      events_record(reporter->events, outcome, source, client, detail, g_get_real_time());
  if (event == NULL)
    return;
  write_out(reporter, event);
  if (reporter->listener != NULL)
    reporter->listener(event, reporter->listener_data);
}

static gboolean transcribe_to_journal(const char *source, const char *line) {
  g_autofree char *message = g_strconcat("MESSAGE=", line, NULL);
  g_autofree char *priority = g_strdup_printf("PRIORITY=%d", LOG_INFO);
  g_autofree char *origin = g_strdup_printf("MAILAUTH_SOURCE=%s", source);
  char identifier[] = "SYSLOG_IDENTIFIER=mailauthd";
  const struct iovec vector[] = {{message, strlen(message)},
                                 {priority, strlen(priority)},
                                 {origin, strlen(origin)},
                                 {identifier, strlen(identifier)}};
  return sd_journal_sendv(vector, G_N_ELEMENTS(vector)) >= 0;
}

void reporter_transcribe(const Reporter *reporter, const char *source, const char *line) {
  g_autoptr(GString) text = g_string_new(source);
  g_string_append_c(text, ' ');
  escape_append(text, line);
  if (!reporter->has_journal || !transcribe_to_journal(source, text->str))
    write_to_stderr(g_get_real_time(), text->str);
}
