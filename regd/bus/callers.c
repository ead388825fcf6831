/* SPDX-License-Identifier: MIT */
/* Identities of connections. GetConnectionCredentials is asked asynchronously; what may block
 * (/proc, and groups if the bus does not tell them) runs on a thread; a cache entry ends with
 * NameOwnerChanged. A connection that can't be identified has no rights: the answer is NULL. */
#include "regd/bus/callers.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/bus/wire.h"

#define MOST_GROUPS 65536 /* the kernel's own limit */
#define PASSWD_BUFFER_BYTES 16384U
#define LEAVING_RULE                                                                               \
  "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"                      \
  "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''"

struct Callers {
  DBusConnection *connection;
  Workers *workers;
  guint32 own_uid;
  CallerLeft left;
  gpointer data;
  GHashTable *entries; /* unique name -> Entry; holds a reference */
  GQueue doubts;       /* of Doubt */
};

typedef struct {
  CallerKnown known;
  gpointer data;
} Waiter;

/* One connection. Counted: the cache holds one reference, a question under way another. */
typedef struct {
  Callers *callers; /* NULL once the cache has dropped it */
  char *name;
  Identity *who; /* NULL until known */
  GQueue waiters;
  guint64 bytes; /* that have waited */
  DBusPendingCall *pending;
} Entry;

/* What the thread is given, and what it finds out. */
typedef struct {
  Entry *entry;
  guint32 uid;
  guint32 pid;
  gboolean administrator;
  GArray *groups; /* of guint32; NULL: not told by the bus */
  char *program;
} Inquiry;

/* ---- entries ---- */

static void entry_clear(gpointer data) {
  Entry *entry = data;
  g_queue_clear_full(&entry->waiters, g_free);
  identity_unref(entry->who);
  g_free(entry->name);
}

static void entry_unref(gpointer data) {
  g_rc_box_release_full(data, entry_clear);
}

static void entry_answer(Entry *entry) {
  for (Waiter *waiter; (waiter = g_queue_pop_head(&entry->waiters)) != NULL; g_free(waiter))
    waiter->known(entry->who, waiter->data);
}

/* Releases the cache's reference, and answers those who wait with what is known. */
static void entry_dropped(gpointer data) {
  Entry *entry = data;
  entry->callers = NULL;
  if (entry->pending != NULL) {
    dbus_pending_call_cancel(entry->pending);
    g_clear_pointer(&entry->pending, dbus_pending_call_unref);
  }
  entry_answer(entry);
  entry_unref(entry);
}

static void entry_fail(Entry *entry) {
  if (entry->callers != NULL)
    g_hash_table_remove(entry->callers->entries, entry->name);
}

/* ---- on the thread ---- */

/* The first word of the command line: never what follows it. */
static char *sanitise_program(const char *text, gsize size) {
  gsize length = 0;
  while (length < size && (guchar)text[length] > ' ')
    length++;
  return escape_dup(text, (gssize)length, LIMIT_PROGRAM_BYTES);
}

static char *read_program(guint32 pid) {
  g_autofree char *file = g_strdup_printf("/proc/%u/cmdline", pid);
  char text[LIMIT_PROGRAM_BYTES];
  int descriptor = open(file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return g_strdup("");
  gssize size = read(descriptor, text, sizeof text);
  close(descriptor);
  return sanitise_program(text, size > 0 ? (gsize)size : 0);
}

/* The system's own list of a user's groups; empty if it does not know the user. */
static GArray *look_up_groups(guint32 uid) {
  GArray *groups = g_array_new(FALSE, FALSE, sizeof(guint32));
  g_autofree char *buffer = g_malloc(PASSWD_BUFFER_BYTES);
  struct passwd entry;
  struct passwd *found = NULL;
  if (getpwuid_r(uid, &entry, buffer, PASSWD_BUFFER_BYTES, &found) != 0 || found == NULL)
    return groups;
  int count = 64;
  g_array_set_size(groups, (guint)count);
  if (getgrouplist(found->pw_name, found->pw_gid, (gid_t *)(gpointer)groups->data, &count) < 0) {
    count = CLAMP(count, 0, MOST_GROUPS);
    g_array_set_size(groups, (guint)count);
    if (getgrouplist(found->pw_name, found->pw_gid, (gid_t *)(gpointer)groups->data, &count) < 0)
      count = 0;
  }
  g_array_set_size(groups, (guint)count);
  return groups;
}

static void inquire(gpointer data) {
  Inquiry *inquiry = data;
  if (inquiry->groups == NULL)
    inquiry->groups = look_up_groups(inquiry->uid);
  inquiry->program = inquiry->pid != 0 ? read_program(inquiry->pid) : g_strdup("");
}

static void inquiry_free(gpointer data) {
  Inquiry *inquiry = data;
  entry_unref(inquiry->entry);
  g_clear_pointer(&inquiry->groups, g_array_unref);
  g_free(inquiry->program);
  g_free(inquiry);
}

static void inquiry_done(gpointer data) {
  Inquiry *inquiry = data;
  Entry *entry = inquiry->entry;
  if (entry->callers != NULL) {
    entry->who = identity_new(inquiry->uid, inquiry->administrator,
                              (const guint32 *)(gpointer)inquiry->groups->data,
                              inquiry->groups->len, inquiry->pid, inquiry->program);
    entry_answer(entry);
  }
  inquiry_free(inquiry);
}

/* ---- the bus's answer ---- */

static void read_groups(DBusMessageIter *variant, Inquiry *inquiry) {
  DBusMessageIter array;
  const guint32 *groups = NULL;
  int count = 0;
  if (dbus_message_iter_get_arg_type(variant) != DBUS_TYPE_ARRAY ||
      dbus_message_iter_get_element_type(variant) != DBUS_TYPE_UINT32)
    return;
  dbus_message_iter_recurse(variant, &array);
  dbus_message_iter_get_fixed_array(&array, &groups, &count);
  inquiry->groups = g_array_new(FALSE, FALSE, sizeof(guint32));
  if (count > 0)
    g_array_append_vals(inquiry->groups, groups, (guint)count);
}

static gboolean read_number(DBusMessageIter *variant, guint32 *number) {
  if (dbus_message_iter_get_arg_type(variant) != DBUS_TYPE_UINT32)
    return FALSE;
  dbus_message_iter_get_basic(variant, number);
  return TRUE;
}

/* FALSE: there is no uid in it. */
static gboolean read_credentials(DBusMessage *reply, Inquiry *inquiry) {
  DBusMessageIter iter, dict;
  gboolean has_uid = FALSE;
  if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN ||
      !dbus_message_has_signature(reply, "a{sv}"))
    return FALSE;
  dbus_message_iter_init(reply, &iter);
  dbus_message_iter_recurse(&iter, &dict);
  for (; dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY;
       dbus_message_iter_next(&dict)) {
    DBusMessageIter entry, variant;
    const char *name = NULL;
    dbus_message_iter_recurse(&dict, &entry);
    dbus_message_iter_get_basic(&entry, &name);
    dbus_message_iter_next(&entry);
    dbus_message_iter_recurse(&entry, &variant);
    if (strcmp(name, "UnixUserID") == 0)
      has_uid = read_number(&variant, &inquiry->uid);
    else if (strcmp(name, "ProcessID") == 0)
      (void)read_number(&variant, &inquiry->pid);
    else if (strcmp(name, "UnixGroupIDs") == 0 && inquiry->groups == NULL)
      read_groups(&variant, inquiry);
  }
  return has_uid;
}

static void on_credentials(DBusPendingCall *pending, void *data) {
  Entry *entry = data;
  Callers *callers = entry->callers;
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  g_clear_pointer(&entry->pending, dbus_pending_call_unref);
  if (callers == NULL)
    return;
  Inquiry *inquiry = g_new0(Inquiry, 1);
  inquiry->entry = g_rc_box_acquire(entry);
  if (reply == NULL || !read_credentials(reply, inquiry)) {
    entry_fail(entry);
    inquiry_free(inquiry);
    return;
  }
  inquiry->administrator = identity_is_administrator(inquiry->uid, callers->own_uid);
  workers_submit(callers->workers, inquire, inquiry_done, inquiry, inquiry_free);
}

static DBusMessage *new_question(const char *method, const char *name) {
  DBusMessage *question =
      dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, method);
  if (question != NULL &&
      !dbus_message_append_args(question, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID))
    g_clear_pointer(&question, dbus_message_unref);
  return question;
}

/* FALSE: the question could not be sent. */
static gboolean ask(Callers *callers, Entry *entry) {
  g_autoptr(WireMessage) question = new_question("GetConnectionCredentials", entry->name);
  if (question == NULL ||
      !dbus_connection_send_with_reply(callers->connection, question, &entry->pending, -1) ||
      entry->pending == NULL)
    return FALSE;
  return dbus_pending_call_set_notify(entry->pending, on_credentials, g_rc_box_acquire(entry),
                                      entry_unref);
}

/* ---- whether one is still there ---- */

/* The first answer may be older than the end of a connection that the bus had not noticed yet;
 * before the second one it has served all its connections. */
#define TIMES_ASKED 2U

typedef struct {
  GList link; /* in doubts */
  Callers *callers;
  char *name;
  CallerConfirmed confirmed;
  gpointer data;
  guint asked;
  DBusPendingCall *pending;
} Doubt;

static void settle_doubt(Doubt *doubt, gboolean present) {
  g_queue_unlink(&doubt->callers->doubts, &doubt->link);
  if (doubt->pending != NULL) {
    dbus_pending_call_cancel(doubt->pending);
    dbus_pending_call_unref(doubt->pending);
  }
  doubt->confirmed(present, doubt->data);
  g_free(doubt->name);
  g_free(doubt);
}

static void ask_for_owner(Doubt *doubt);

static void on_owner(DBusPendingCall *pending, void *data) {
  Doubt *doubt = data;
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  gboolean present =
      reply != NULL && dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN;
  g_clear_pointer(&doubt->pending, dbus_pending_call_unref);
  if (present && doubt->asked < TIMES_ASKED)
    ask_for_owner(doubt);
  else
    settle_doubt(doubt, present);
}

static void ask_for_owner(Doubt *doubt) {
  g_autoptr(WireMessage) question = new_question("GetNameOwner", doubt->name);
  doubt->asked++;
  if (question == NULL ||
      !dbus_connection_send_with_reply(doubt->callers->connection, question, &doubt->pending, -1) ||
      doubt->pending == NULL ||
      !dbus_pending_call_set_notify(doubt->pending, on_owner, doubt, NULL))
    settle_doubt(doubt, FALSE);
}

void callers_confirm(Callers *callers, const char *name, CallerConfirmed confirmed, gpointer data) {
  Doubt *doubt = g_new0(Doubt, 1);
  *doubt = (Doubt){.link.data = doubt,
                   .callers = callers,
                   .name = g_strdup(name),
                   .confirmed = confirmed,
                   .data = data};
  g_queue_push_tail_link(&callers->doubts, &doubt->link);
  ask_for_owner(doubt);
}

/* ---- the cache ---- */

static DBusHandlerResult on_signal(G_GNUC_UNUSED DBusConnection *connection, DBusMessage *message,
                                   void *data) {
  Callers *callers = data;
  const char *name, *before, *after;
  if (!dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") ||
      !dbus_message_has_sender(message, DBUS_SERVICE_DBUS) ||
      !dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                             DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID))
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  if (name[0] != ':' || after[0] != '\0')
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  g_hash_table_remove(callers->entries, name);
  callers->left(name, callers->data);
  return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

Callers *callers_new(DBusConnection *connection, Workers *workers, guint32 own_uid, CallerLeft left,
                     gpointer data) {
  Callers *callers = g_new0(Callers, 1);
  callers->connection = dbus_connection_ref(connection);
  callers->workers = workers;
  callers->own_uid = own_uid;
  callers->left = left;
  callers->data = data;
  callers->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_dropped);
  (void)dbus_connection_add_filter(connection, on_signal, callers, NULL);
  /* Without an error to fill in, it does not wait for the answer. */
  dbus_bus_add_match(connection, LEAVING_RULE, NULL);
  return callers;
}

void callers_free(Callers *callers) {
  if (callers == NULL)
    return;
  dbus_connection_remove_filter(callers->connection, on_signal, callers);
  while (callers->doubts.head != NULL)
    settle_doubt(callers->doubts.head->data, FALSE);
  g_hash_table_unref(callers->entries);
  dbus_connection_unref(callers->connection);
  g_free(callers);
}

static Entry *entry_new(Callers *callers, const char *name) {
  Entry *entry = g_rc_box_new0(Entry);
  entry->callers = callers;
  entry->name = g_strdup(name);
  g_queue_init(&entry->waiters);
  g_hash_table_insert(callers->entries, entry->name, entry);
  return entry;
}

static gboolean has_room(const Entry *entry, gsize bytes) {
  return entry->waiters.length < LIMIT_CALLS_UNIDENTIFIED &&
         (entry->bytes == 0 || entry->bytes + bytes <= LIMIT_CALL_BYTES_UNIDENTIFIED);
}

gboolean callers_identify(Callers *callers, const char *name, gsize bytes, CallerKnown known,
                          gpointer data) {
  Entry *entry = g_hash_table_lookup(callers->entries, name);
  if (entry != NULL && entry->who != NULL) {
    known(entry->who, data);
    return TRUE;
  }
  gboolean asked = entry != NULL;
  if (!asked)
    entry = entry_new(callers, name);
  if (!has_room(entry, bytes))
    return FALSE;
  entry->bytes += bytes;
  Waiter *waiter = g_new0(Waiter, 1);
  waiter->known = known;
  waiter->data = data;
  g_queue_push_tail(&entry->waiters, waiter);
  if (!asked && !ask(callers, entry))
    entry_fail(entry);
  return TRUE;
}
