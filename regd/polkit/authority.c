/* SPDX-License-Identifier: MIT */
/* See authority.h. A bus may let anybody answer a call of somebody else's by guessing its serial,
 * so a grant counts only if its sender owns polkit's name; the bus itself is asked for that. */
#include "regd/polkit/authority.h"

#include "client/base/protocol.h"
#include "client/bus/wire.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define ACTION_ADMINISTER "org.regd.registry.administer"
#define FLAG_ALLOW_USER_INTERACTION 1U
#define ANSWER_SIGNATURE "(bba{ss})"

struct Authority {
  DBusConnection *connection;
  guint patience_ms;
  guint64 n_asked;
  GQueue questions; /* of Question */
};

typedef struct {
  GList link; /* in questions */
  Authority *authority;
  char *name;
  guint32 uid;
  char *id;        /* by which it is cancelled */
  char *granter;   /* who has granted it; NULL while polkit is asked */
  gint64 deadline; /* monotonic µs */
  AuthorityAnswered answered;
  gpointer data;
  DBusPendingCall *pending;
} Question;

/* ---- messages ---- */

static DBusMessage *new_call(const char *method) {
  DBusMessage *call =
      dbus_message_new_method_call(POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, method);
  if (call == NULL)
    g_error("out of memory");
  return call;
}

/* The subject (sa{sv}): the connection @name. */
static gboolean append_subject(DBusMessageIter *out, const char *name) {
  DBusMessageIter subject, details;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_STRUCT, NULL, &subject))
    return FALSE;
  gboolean complete =
      wire_append_string(&subject, "system-bus-name") &&
      dbus_message_iter_open_container(&subject, DBUS_TYPE_ARRAY, "{sv}", &details) &&
      wire_end_container(&subject, &details, wire_append_entry_string(&details, "name", name));
  return wire_end_container(out, &subject, complete);
}

static gboolean append_no_details(DBusMessageIter *out) {
  DBusMessageIter details;
  return dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{ss}", &details) &&
         dbus_message_iter_close_container(out, &details);
}

static DBusMessage *new_check(const Question *question) {
  DBusMessageIter out;
  dbus_uint32_t flags = FLAG_ALLOW_USER_INTERACTION;
  DBusMessage *check = new_call("CheckAuthorization");
  dbus_message_iter_init_append(check, &out);
  if (!append_subject(&out, question->name) || !wire_append_string(&out, ACTION_ADMINISTER) ||
      !append_no_details(&out) || !dbus_message_iter_append_basic(&out, DBUS_TYPE_UINT32, &flags) ||
      !wire_append_string(&out, question->id))
    g_error("out of memory");
  return check;
}

static DBusMessage *new_owner_question(void) {
  const char *name = POLKIT_NAME;
  DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                   DBUS_INTERFACE_DBUS, "GetNameOwner");
  if (call == NULL || !dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID))
    g_error("out of memory");
  return call;
}

/* Whether @reply says that the caller is authorised; who says so has to be checked still. */
static gboolean read_grant(DBusMessage *reply) {
  DBusMessageIter iter, answer;
  dbus_bool_t is_authorised = FALSE;
  if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN ||
      !dbus_message_has_signature(reply, ANSWER_SIGNATURE))
    return FALSE;
  dbus_message_iter_init(reply, &iter);
  dbus_message_iter_recurse(&iter, &answer);
  dbus_message_iter_get_basic(&answer, &is_authorised);
  return is_authorised;
}

static gboolean read_owner(DBusMessage *reply, const char *granter) {
  const char *owner = NULL;
  return dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN &&
         dbus_message_has_sender(reply, DBUS_SERVICE_DBUS) &&
         dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID) &&
         g_str_equal(owner, granter);
}

/* ---- one question ---- */

/* Closes the person's dialog. Without polkit there is none, so it is not started for that. */
static void send_cancel(const Question *question) {
  const char *id = question->id;
  g_autoptr(WireMessage) cancel = new_call("CancelCheckAuthorization");
  dbus_message_set_auto_start(cancel, FALSE);
  dbus_message_set_no_reply(cancel, TRUE);
  if (!dbus_message_append_args(cancel, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID) ||
      !dbus_connection_send(question->authority->connection, cancel, NULL))
    g_error("out of memory");
}

static void question_free(Question *question) {
  if (question->pending != NULL) {
    dbus_pending_call_cancel(question->pending);
    dbus_pending_call_unref(question->pending);
  }
  g_free(question->name);
  g_free(question->id);
  g_free(question->granter);
  g_free(question);
}

static void settle(Question *question, gboolean granted) {
  AuthorityAnswered answered = question->answered;
  gpointer data = question->data;
  g_queue_unlink(&question->authority->questions, &question->link);
  question_free(question);
  answered(granted, data);
}

static void cancel(Question *question) {
  if (question->granter == NULL)
    send_cancel(question);
  settle(question, FALSE);
}

static int get_time_left_ms(const Question *question) {
  gint64 left = (question->deadline - g_get_monotonic_time()) / 1000;
  return (int)CLAMP(left, 1, G_MAXINT - 1);
}

/* FALSE: there is no connection any more. */
static gboolean send_question(Question *question, DBusMessage *message,
                              DBusPendingCallNotifyFunction replied) {
  if (!dbus_connection_send_with_reply(question->authority->connection, message, &question->pending,
                                       get_time_left_ms(question)))
    g_error("out of memory");
  if (question->pending == NULL)
    return FALSE;
  if (!dbus_pending_call_set_notify(question->pending, replied, question, NULL))
    g_error("out of memory");
  return TRUE;
}

static DBusMessage *take_reply(Question *question) {
  DBusMessage *reply = dbus_pending_call_steal_reply(question->pending);
  g_clear_pointer(&question->pending, dbus_pending_call_unref);
  return reply;
}

static void on_owner(G_GNUC_UNUSED DBusPendingCall *pending, void *data) {
  Question *question = data;
  g_autoptr(WireMessage) reply = take_reply(question);
  settle(question, read_owner(reply, question->granter));
}

static void on_checked(G_GNUC_UNUSED DBusPendingCall *pending, void *data) {
  Question *question = data;
  g_autoptr(WireMessage) reply = take_reply(question);
  /* libdbus answers in this way itself when the time is over. */
  if (dbus_message_is_error(reply, DBUS_ERROR_NO_REPLY)) {
    cancel(question);
    return;
  }
  const char *sender = dbus_message_get_sender(reply);
  if (sender == NULL || !read_grant(reply)) {
    settle(question, FALSE);
    return;
  }
  question->granter = g_strdup(sender);
  g_autoptr(WireMessage) call = new_owner_question();
  if (!send_question(question, call, on_owner))
    settle(question, FALSE);
}

/* ---- all of them ---- */

Authority *authority_new(DBusConnection *connection, guint patience_ms) {
  Authority *authority = g_new0(Authority, 1);
  authority->connection = dbus_connection_ref(connection);
  authority->patience_ms = patience_ms;
  return authority;
}

void authority_free(Authority *authority) {
  if (authority == NULL)
    return;
  while (authority->questions.head != NULL)
    cancel(authority->questions.head->data);
  dbus_connection_unref(authority->connection);
  g_free(authority);
}

DBusConnection *authority_get_connection(const Authority *authority) {
  return authority->connection;
}

static guint count_questions_of(const Authority *authority, guint32 uid) {
  guint count = 0;
  for (const GList *each = authority->questions.head; each != NULL; each = each->next)
    count += ((const Question *)each->data)->uid == uid;
  return count;
}

gboolean authority_ask(Authority *authority, const char *name, guint32 uid,
                       AuthorityAnswered answered, gpointer data) {
  if (authority->questions.length >= LIMIT_QUESTIONS ||
      count_questions_of(authority, uid) >= LIMIT_QUESTIONS_PER_USER)
    return FALSE;
  Question *question = g_new0(Question, 1);
  *question = (Question){
      .link.data = question,
      .authority = authority,
      .name = g_strdup(name),
      .uid = uid,
      .id = g_strdup_printf("question-%" G_GUINT64_FORMAT, ++authority->n_asked),
      .deadline = g_get_monotonic_time() + (gint64)authority->patience_ms * 1000,
      .answered = answered,
      .data = data,
  };
  g_autoptr(WireMessage) check = new_check(question);
  if (!send_question(question, check, on_checked)) {
    question_free(question);
    return FALSE;
  }
  g_queue_push_tail_link(&authority->questions, &question->link);
  return TRUE;
}

/* The list may change while callers are told, so it is read from its beginning each time. */
static Question *find_question(const Authority *authority, const char *name) {
  for (const GList *each = authority->questions.head; each != NULL; each = each->next)
    if (g_str_equal(((const Question *)each->data)->name, name))
      return each->data;
  return NULL;
}

void authority_forget(Authority *authority, const char *name) {
  for (Question *question; (question = find_question(authority, name)) != NULL;)
    cancel(question);
}
