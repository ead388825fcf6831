/* SPDX-License-Identifier: MIT */
/* The record of events.h: a ring, and for each source the faults that repeat. */
#include "mailauth/events/events.h"

#include <string.h>

#include "client/base/escape.h"
#include "mailauth/base/limits.h"

#define REPEAT_TIME (60 * G_TIME_SPAN_SECOND)
/* Different faults remembered at once, over all sources. */
#define MAX_FAULTS 256U

struct Events {
  GQueue ring; /* of Event, newest at the head */
  GHashTable
      *faults; /* what is counted: what makes a fault the same -> its GList link in the ring */
  guint64 total;
};

typedef struct {
  EventClient client; /* first: it is what is handed out */
  char *texts[4];
} ClientCopy;

EventClient *event_client_dup(const EventClient *client) {
  ClientCopy *copy = g_new0(ClientCopy, 1);
  copy->client = *client;
  copy->client.user = copy->texts[0] = g_strdup(client->user);
  copy->client.address = copy->texts[1] = g_strdup(client->address);
  copy->client.method = copy->texts[2] = g_strdup(client->method);
  copy->client.tls = copy->texts[3] = g_strdup(client->tls);
  return &copy->client;
}

void event_client_free(EventClient *client) {
  ClientCopy *copy = (ClientCopy *)client;
  for (guint i = 0; copy != NULL && i < G_N_ELEMENTS(copy->texts); i++)
    g_free(copy->texts[i]);
  g_free(copy);
}

static void event_free(gpointer data) {
  Event *event = data;
  g_free(event->description);
  g_free(event->user);
  g_free(event->address);
  g_free(event->method);
  g_free(event->tls);
  g_free(event);
}

Events *events_new(void) {
  Events *events = g_new0(Events, 1);
  g_queue_init(&events->ring);
  events->faults = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return events;
}

void events_free(Events *events) {
  if (events == NULL)
    return;
  g_hash_table_unref(events->faults);
  g_queue_clear_full(&events->ring, event_free);
  g_free(events);
}

static char *dup_text(const char *text) {
  return text == NULL ? g_strdup("") : escape_dup(text, -1, MAX_EVENT_TEXT);
}

static char *dup_description(Outcome outcome, const char *detail) {
  const char *plain = outcome_get_facts(outcome)->description;
  if (detail == NULL || *detail == '\0' || g_str_equal(detail, plain))
    return g_strdup(plain);
  g_autofree char *whole = g_strdup_printf("%s (%s)", plain, detail);
  return dup_text(whole);
}

static gboolean is_refusal(Outcome outcome) {
  return outcome == OUTCOME_TLS_FAILED || outcome == OUTCOME_TOO_MANY_CONNECTIONS ||
         outcome == OUTCOME_PROXY_HEADER;
}

static gboolean is_counted(Outcome outcome) {
  return is_refusal(outcome) || g_str_equal(outcome_get_facts(outcome)->event_type, "Error");
}

static guint count_recent(const Events *events, const Event *event) {
  guint recent = 0;
  GHashTableIter iterator;
  gpointer link = NULL;
  g_hash_table_iter_init(&iterator, events->faults);
  while (g_hash_table_iter_next(&iterator, NULL, &link)) {
    const Event *other = ((GList *)link)->data;
    recent += other->outcome == event->outcome && event->time - other->time < REPEAT_TIME;
  }
  return recent;
}

/* What makes two events the same: of a refusal the address, too, unless there are many. */
static char *make_key(const Events *events, const Event *event) {
  g_autofree char *plain =
      g_strdup_printf("%s\n%d\n%s\n", event->source, (int)event->outcome, event->description);
  if (!is_refusal(event->outcome))
    return g_steal_pointer(&plain);
  g_autofree char *whole = g_strconcat(plain, event->address, NULL);
  if (!g_hash_table_contains(events->faults, whole) &&
      count_recent(events, event) >= MAX_REFUSED_ADDRESSES)
    return g_steal_pointer(&plain);
  return g_steal_pointer(&whole);
}

static gboolean points_to_link(G_GNUC_UNUSED gpointer key, gpointer value, gpointer data) {
  return value == data;
}

static void drop_oldest(Events *events) {
  GList *oldest = events->ring.tail;
  g_hash_table_foreach_remove(events->faults, points_to_link, oldest);
  event_free(oldest->data);
  g_queue_delete_link(&events->ring, oldest);
}

/* Whether a power of ten is above @before and not above @now. */
static gboolean has_passed_power(guint64 before, guint64 now) {
  guint64 power = 1;
  while (power <= before)
    power *= 10;
  return power <= now;
}

static void take_text(char **place, char **text) {
  g_free(*place);
  *place = g_steal_pointer(text);
}

/* Takes the text of @new over into the event that counts for it, which becomes the
 * newest. TRUE if it is to be written. */
static gboolean repeat(Events *events, GList *link, Event *new) {
  Event *event = link->data;
  guint64 before = event->count;
  event->count += new->count;
  event->time = new->time;
  event->serial = new->serial;
  event->session = new->session;
  take_text(&event->user, &new->user);
  take_text(&event->address, &new->address);
  take_text(&event->method, &new->method);
  take_text(&event->tls, &new->tls);
  event_free(new);
  g_queue_unlink(&events->ring, link);
  g_queue_push_head_link(&events->ring, link);
  return has_passed_power(before, event->count);
}

static gboolean is_repetition(const GList *link, const Event *new) {
  if (link == NULL)
    return FALSE;
  const Event *event = link->data;
  return new->time - event->time < REPEAT_TIME;
}

static Event *event_new(Outcome outcome, const char *source, const EventClient *client,
                        const char *detail) {
  static const EventClient nobody = {0};
  const EventClient *who = client != NULL ? client : &nobody;
  Event *event = g_new0(Event, 1);
  event->outcome = outcome;
  event->source = source;
  event->description = dup_description(outcome, detail);
  event->user = dup_text(who->user);
  event->address = dup_text(who->address);
  event->method = dup_text(who->method);
  event->tls = dup_text(who->tls);
  event->session = who->session;
  event->count = MAX(who->times, 1);
  return event;
}

const Event *events_record(Events *events, Outcome outcome, const char *source,
                           const EventClient *client, const char *detail, gint64 now) {
  Event *event = event_new(outcome, source, client, detail);
  event->time = now;
  event->serial = ++events->total;
  g_autofree char *key = is_counted(outcome) ? make_key(events, event) : NULL;
  GList *link = key == NULL ? NULL : g_hash_table_lookup(events->faults, key);
  if (is_repetition(link, event))
    return repeat(events, link, event) ? link->data : NULL;
  g_queue_push_head(&events->ring, event);
  if (key != NULL && g_hash_table_size(events->faults) >= MAX_FAULTS)
    g_hash_table_remove_all(events->faults);
  if (key != NULL)
    g_hash_table_replace(events->faults, g_steal_pointer(&key), events->ring.head);
  if (events->ring.length > MAX_EVENTS)
    drop_oldest(events);
  return event;
}

static gboolean is_of_source(G_GNUC_UNUSED gpointer key, gpointer value, gpointer data) {
  const Event *event = ((GList *)value)->data;
  const char *const *source = data;
  return !is_refusal(event->outcome) && g_str_equal(event->source, *source);
}

void events_forget_faults(Events *events, const char *source) {
  if (g_hash_table_size(events->faults) > 0)
    g_hash_table_foreach_remove(events->faults, is_of_source, &source);
}

GPtrArray *events_list(const Events *events, guint limit) {
  GPtrArray *list = g_ptr_array_new();
  for (GList *link = events->ring.head; link != NULL && list->len < limit; link = link->next)
    g_ptr_array_add(list, link->data);
  return list;
}

guint64 events_get_total(const Events *events) {
  return events->total;
}

/* ---- lines ---- */

/* A word that ends nothing: an address comes from other servers, too, and what they say is
 * a client's in the end. */
static void append_word(GString *line, const char *name, const char *text) {
  g_string_append_printf(line, " %s=", name);
  if (*text == '\0')
    g_string_append_c(line, '-');
  for (; *text != '\0'; text++) {
    gboolean plain = g_ascii_isalnum(*text) || strchr(".:%_/+-", *text) != NULL;
    g_string_append_c(line, plain ? *text : '?');
  }
}

char *event_print(const Event *event) {
  const OutcomeFacts *facts = outcome_get_facts(event->outcome);
  GString *line = g_string_new(NULL);
  g_string_append_printf(line, "%s %u %s reason=%s", event->source, facts->event_id,
                         facts->event_type, facts->reason);
  append_word(line, "address", event->address);
  g_string_append(line, " user=");
  escape_append_quoted(line, event->user);
  append_word(line, "method", event->method);
  append_word(line, "tls", event->tls);
  if (event->session == 0)
    g_string_append(line, " session=-");
  else
    g_string_append_printf(line, " session=%" G_GUINT64_FORMAT, event->session);
  g_string_append_printf(line, ": %s", event->description);
  if (event->count > 1)
    g_string_append_printf(line, " (%" G_GUINT64_FORMAT " times)", event->count);
  return g_string_free(line, FALSE);
}

char *event_print_time(gint64 time) {
  g_autoptr(GDateTime) second = g_date_time_new_from_unix_utc(time / G_TIME_SPAN_SECOND);
  g_autofree char *text =
      second != NULL ? g_date_time_format(second, "%Y-%m-%dT%H:%M:%S") : g_strdup("-");
  return g_strdup_printf("%s.%06dZ", text, (int)(time % G_TIME_SPAN_SECOND));
}
