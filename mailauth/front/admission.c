/* SPDX-License-Identifier: MIT */
/* admission.h: counts and queues. */
#include "mailauth/front/admission.h"

void admission_init(Admission *admission) {
  *admission = (Admission){0};
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    g_queue_init(&admission->not_logged_in[i]);
    g_queue_init(&admission->logged_in[i]);
  }
  admission->subscribers =
      g_hash_table_new_full(client_address_hash, client_address_equal, g_free, NULL);
}

void admission_clear(Admission *admission) {
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    g_queue_clear(&admission->not_logged_in[i]);
    g_queue_clear(&admission->logged_in[i]);
  }
  g_clear_pointer(&admission->subscribers, g_hash_table_unref);
}

/* @address: a subscriber. */
static guint count_subscriber(const Admission *admission, const ClientAddress *address) {
  return GPOINTER_TO_UINT(g_hash_table_lookup(admission->subscribers, address));
}

static guint count_connections(const Admission *admission, Protocol protocol) {
  return admission->not_logged_in[protocol].length + admission->logged_in[protocol].length;
}

static gboolean is_crowded(const Admission *admission, const ClientAddress *address,
                           const SessionSettings *settings) {
  ClientAddress subscriber = client_address_get_subscriber(address);
  return count_subscriber(admission, &subscriber) >= settings->max_per_address;
}

AdmissionResult admission_judge(const Admission *admission, Protocol protocol,
                                const ClientAddress *address, const SessionSettings *settings) {
  if (address != NULL && is_crowded(admission, address, settings))
    return REFUSE_SUBSCRIBER;
  if (count_connections(admission, protocol) < settings->max_connections)
    return ADMIT;
  return admission_get_oldest(admission, protocol) == NULL ? REFUSE_FULL : ADMIT_INSTEAD;
}

static Session *get_first(const GQueue *queue) {
  return queue->head == NULL ? NULL : queue->head->data;
}

Session *admission_get_oldest(const Admission *admission, Protocol protocol) {
  return get_first(&admission->not_logged_in[protocol]);
}

Session *admission_get_logged_in(const Admission *admission, Protocol protocol) {
  return get_first(&admission->logged_in[protocol]);
}

static Session *find_in(const GQueue *queue, guint64 login) {
  for (const GList *link = queue->head; link != NULL; link = link->next)
    if (session_get_marks(link->data)->admitted == login)
      return link->data;
  return NULL;
}

Session *admission_find(const Admission *admission, guint64 login) {
  Session *found = NULL;
  for (guint i = 0; i < N_PROTOCOLS && found == NULL; i++) {
    found = find_in(&admission->logged_in[i], login);
    if (found == NULL)
      found = find_in(&admission->not_logged_in[i], login);
  }
  return found;
}

static void count(Admission *admission, const ClientAddress *subscriber, gint by) {
  guint now = count_subscriber(admission, subscriber) + (guint)by;
  if (now == 0)
    g_hash_table_remove(admission->subscribers, subscriber);
  else
    g_hash_table_insert(admission->subscribers, g_memdup2(subscriber, sizeof *subscriber),
                        GUINT_TO_POINTER(now));
}

static void set_subscriber(Admission *admission, Session *session, const ClientAddress *address) {
  SessionMarks *marks = session_get_marks(session);
  if (marks->has_subscriber)
    count(admission, &marks->subscriber, -1);
  marks->has_subscriber = address != NULL;
  if (address == NULL)
    return;
  marks->subscriber = client_address_get_subscriber(address);
  count(admission, &marks->subscriber, 1);
}

static void enter_queue(GQueue *queue, Session *session) {
  g_queue_push_tail(queue, session);
  session_get_marks(session)->place = queue->tail;
}

void admission_add(Admission *admission, Session *session, const ClientAddress *address) {
  set_subscriber(admission, session, address);
  enter_queue(&admission->not_logged_in[session_get_protocol(session)], session);
}

gboolean admission_locate(Admission *admission, Session *session, const ClientAddress *address,
                          const SessionSettings *settings) {
  const SessionMarks *marks = session_get_marks(session);
  ClientAddress subscriber = client_address_get_subscriber(address);
  gboolean is_there =
      marks->has_subscriber && client_address_equal(&marks->subscriber, &subscriber);
  if (!is_there && is_crowded(admission, address, settings))
    return FALSE;
  set_subscriber(admission, session, address);
  return TRUE;
}

void admission_note_login(Admission *admission, Session *session) {
  Protocol protocol = session_get_protocol(session);
  g_queue_delete_link(&admission->not_logged_in[protocol], session_get_marks(session)->place);
  enter_queue(&admission->logged_in[protocol], session);
}

void admission_remove(Admission *admission, Session *session) {
  Protocol protocol = session_get_protocol(session);
  GQueue *queue = session_is_logged_in(session) ? &admission->logged_in[protocol]
                                                : &admission->not_logged_in[protocol];
  g_queue_delete_link(queue, session_get_marks(session)->place);
  set_subscriber(admission, session, NULL);
}
