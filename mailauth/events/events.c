/* SPDX-License-Identifier: MIT */
/* The record of events.h: a ring, and for each source the faults that repeat. */
#include "mailauth/events/events.h"

#include <string.h>

#include "client/base/escape.h"

#define REPEAT_TIME (60 * G_TIME_SPAN_SECOND)
/* Different faults remembered at once, over all sources. */
#define MAX_FAULTS 256U

struct Events {
  GQueue ring;        /* of Event, newest at the head */
  GHashTable *faults; /* what makes a fault the same -> its GList link in the ring */
  guint64 total;
};

static void event_free(gpointer data) {
  Event *event = data;
  g_free(event->description);
  g_free(event->user);
  g_free(event->address);
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
  return escape_dup(text, -1, MAX_EVENT_TEXT);
}

static char *dup_description(Outcome outcome, const char *detail) {
  const char *plain = outcome_get_facts(outcome)->description;
  if (detail == NULL || *detail == '\0' || g_str_equal(detail, plain))
    return g_strdup(plain);
  g_autofree char *whole = g_strdup_printf("%s (%s)", plain, detail);
  return dup_text(whole);
}

static gboolean is_fault(Outcome outcome) {
  return g_str_equal(outcome_get_facts(outcome)->event_type, "Error");
}

static char *fault_key(const Event *event) {
  return g_strdup_printf("%s\n%d\n%s", event->source, (int)event->outcome, event->description);
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

static gboolean is_power_of_ten(guint64 number) {
  while (number >= 10 && number % 10 == 0)
    number /= 10;
  return number == 1;
}

/* Takes the text of @new over into the event that counts for it, which becomes the
 * newest. TRUE if it is to be written. */
static gboolean repeat(Events *events, GList *link, Event *new) {
  Event *event = link->data;
  event->count++;
  event->time = new->time;
  event->serial = new->serial;
  g_free(event->user);
  g_free(event->address);
  event->user = g_steal_pointer(&new->user);
  event->address = g_steal_pointer(&new->address);
  event_free(new);
  g_queue_unlink(&events->ring, link);
  g_queue_push_head_link(&events->ring, link);
  return is_power_of_ten(event->count);
}

static gboolean is_repetition(const GList *link, const Event *new) {
  if (link == NULL)
    return FALSE;
  const Event *event = link->data;
  return new->time - event->time < REPEAT_TIME;
}

const Event *events_record(Events *events, Outcome outcome, const char *source, const char *user,
                           const char *address, const char *detail, gint64 now) {
  Event *event = g_new0(Event, 1);
  event->outcome = outcome;
  event->source = source;
  event->description = dup_description(outcome, detail);
  event->user = dup_text(user);
  event->address = dup_text(address);
  event->time = now;
  event->count = 1;
  event->serial = ++events->total;
  g_autofree char *key = is_fault(outcome) ? fault_key(event) : NULL;
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
  return g_str_equal(event->source, *source);
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

char *event_print(const Event *event) {
  const OutcomeFacts *facts = outcome_get_facts(event->outcome);
  GString *line = g_string_new(NULL);
  g_string_append_printf(line, "%s %u %s [%s] %s", event->source, facts->event_id,
                         facts->event_type, facts->reason, event->description);
  if (*event->user != '\0')
    g_string_append_printf(line, " user=%s", event->user);
  if (*event->address != '\0')
    g_string_append_printf(line, " address=%s", event->address);
  if (event->count > 1)
    g_string_append_printf(line, " (%" G_GUINT64_FORMAT " times)", event->count);
  return g_string_free(line, FALSE);
}
