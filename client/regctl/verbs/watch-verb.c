/* SPDX-License-Identifier: MIT */
/* watch: follows a key as long as the user wants. After a restart of the daemon or a lost
 * signal it asks again from the last revision that was printed. What refuses the first
 * Watch ends it. */
#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/verbs/verbs.h"

typedef struct {
  Session *session;
  GMainLoop *loop;
  char *key;              /* as asked for */
  char *path;             /* as the daemon resolved it */
  char *owner;            /* the daemon that the watch stands at; NULL: at none */
  gboolean begun;         /* the first Watch has been answered */
  gboolean seen;          /* whether its presence has been told */
  guint32 id;             /* of the watch there */
  guint64 sequence;       /* of its last signal */
  guint64 revision;       /* of the last signal, or where the watch began */
  guint64 printed;        /* events */
  guint64 count;          /* events to print; 0: no end */
  ConnectionCall *asking; /* Watch that has not been answered */
  GError *problem;        /* why it ended */
} Watching;

static void end(Watching *watching, const GError *problem) {
  if (problem != NULL && watching->problem == NULL)
    watching->problem = g_error_copy(problem);
  g_main_loop_quit(watching->loop);
}

/* ---- printing ---- */

static gboolean is_about_value(const char *kind) {
  return g_str_has_prefix(kind, "value-");
}

static void print_event(Watching *watching, const char *kind, const char *key, const char *name) {
  Session *session = watching->session;
  GString *out = session_out(session);
  watching->printed++;
  if (session_has(session, OPTION_JSON)) {
    session->json.separating = FALSE; /* each line is a document of its own */
    json_begin(&session->json, '{');
    json_member_number(&session->json, "revision", watching->revision);
    json_member_string(&session->json, "kind", kind);
    json_member_string(&session->json, "key", key);
    json_member_string(&session->json, "name", name);
    json_end(&session->json, '}');
    g_string_append_c(out, '\n');
    return;
  }
  g_string_append_printf(out, "%" G_GUINT64_FORMAT "\t", watching->revision);
  escape_append(out, kind);
  g_string_append_c(out, '\t');
  escape_append(out, key);
  if (is_about_value(kind)) {
    g_string_append_c(out, '\t');
    data_print_name(name, out);
  }
  g_string_append_c(out, '\n');
}

/* The reader of a pipe sees each event when it happens. */
static void hand_over(Watching *watching) {
  g_autoptr(GError) problem = NULL;
  if (!session_flush(watching->session, &problem))
    end(watching, problem);
  else if (watching->count > 0 && watching->printed >= watching->count)
    end(watching, NULL);
}

static void print_changes(Watching *watching, DBusMessageIter *changes) {
  DBusMessageIter rows, row;
  for (dbus_message_iter_recurse(changes, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    dbus_message_iter_recurse(&rows, &row);
    const char *kind = reply_take_string(&row);
    const char *key = reply_take_string(&row);
    print_event(watching, kind, key, reply_take_string(&row));
  }
}

/* ---- asking ---- */

static void send_watch(Watching *watching, const guint64 *since, ConnectionReply replied) {
  Request request;
  request_begin(&request, "Watch");
  request_add_string(&request, watching->key);
  request_open_options(&request);
  if (since != NULL)
    request_check(&request, wire_append_entry_uint64(&request.options, "since", *since));
  request_close_options(&request);
  g_autoptr(WireMessage) call = request.message;
  g_clear_pointer(&watching->owner, g_free);
  watching->asking =
      connection_call_async(watching->session->connection, request.complete ? call : NULL,
                            CALL_TIMEOUT_NONE, replied, watching);
}

/* Takes what Watch answered: id, revision, path. */
static gboolean take_watch(Watching *watching, DBusMessage *reply, gboolean from_now,
                           GError **error) {
  DBusMessageIter answer;
  dbus_uint64_t revision = 0;
  if (!session_check_reply(reply, "uts", error) || !dbus_message_iter_init(reply, &answer))
    return FALSE;
  dbus_message_iter_get_basic(&answer, &watching->id);
  dbus_message_iter_next(&answer);
  dbus_message_iter_get_basic(&answer, &revision);
  dbus_message_iter_next(&answer);
  if (from_now)
    watching->revision = revision;
  watching->sequence = 0;
  g_free(watching->path);
  watching->path = g_strdup(reply_take_string(&answer));
  g_free(watching->owner);
  watching->owner = g_strdup(dbus_message_get_sender(reply));
  return TRUE;
}

static void watch_again(Watching *watching, gboolean from_now);

/* What happened meanwhile is no longer known: say so, and go on from here. */
static void start_over(Watching *watching) {
  print_event(watching, "tree-changed", watching->path, "");
  hand_over(watching);
  watch_again(watching, TRUE);
}

static void on_watched(Watching *watching, DBusMessage *reply, const GError *error,
                       gboolean from_now) {
  g_autoptr(GError) problem = NULL;
  watching->asking = NULL;
  if (reply != NULL) {
    if (!take_watch(watching, reply, from_now, &problem))
      end(watching, problem);
    return;
  }
  /* The daemon is away again; the presence callback will say when it is back. */
  if (g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE))
    return;
  if (!from_now && (g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_HISTORY_GONE) ||
                    g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE)))
    start_over(watching);
  else
    end(watching, error);
}

static void on_watched_since(DBusMessage *reply, const GError *error, gpointer data) {
  on_watched(data, reply, error, FALSE);
}

static void on_watched_from_now(DBusMessage *reply, const GError *error, gpointer data) {
  on_watched(data, reply, error, TRUE);
}

static void watch_again(Watching *watching, gboolean from_now) {
  if (from_now)
    send_watch(watching, NULL, on_watched_from_now);
  else
    send_watch(watching, &watching->revision, on_watched_since);
}

/* The signals that follow this reply are handled after it, so none is lost. */
static void on_begun(DBusMessage *reply, const GError *error, gpointer data) {
  Watching *watching = data;
  Session *session = watching->session;
  g_autoptr(GError) problem = NULL;
  watching->asking = NULL;
  watching->begun =
      reply != NULL && take_watch(watching, reply, !session_has(session, OPTION_SINCE), &problem);
  if (!watching->begun) {
    end(watching, error != NULL ? error : problem);
    return;
  }
  session_note(session, "watching %s after revision %" G_GUINT64_FORMAT, watching->path,
               watching->revision);
}

static void begin(Watching *watching) {
  gboolean since = session_has(watching->session, OPTION_SINCE);
  watching->revision = watching->session->line->numbers[OPTION_SINCE];
  send_watch(watching, since ? &watching->revision : NULL, on_begun);
}

static void unwatch(Watching *watching) {
  DBusMessage *call = connection_new_call("Unwatch");
  if (call != NULL)
    dbus_message_append_args(call, DBUS_TYPE_UINT32, &watching->id, DBUS_TYPE_INVALID);
  connection_send(watching->session->connection, call);
  g_clear_pointer(&call, dbus_message_unref);
}

/* ---- what happens ---- */

static void on_signal(gpointer data, DBusMessage *message) {
  Watching *watching = data;
  DBusMessageIter arguments;
  dbus_uint32_t id = 0;
  dbus_uint64_t sequence = 0, revision = 0;
  if (watching->owner == NULL || !dbus_message_has_signature(message, "utta(sss)") ||
      !dbus_message_iter_init(message, &arguments))
    return;
  dbus_message_iter_get_basic(&arguments, &id);
  dbus_message_iter_next(&arguments);
  dbus_message_iter_get_basic(&arguments, &sequence);
  dbus_message_iter_next(&arguments);
  dbus_message_iter_get_basic(&arguments, &revision);
  dbus_message_iter_next(&arguments);
  if (id != watching->id || !g_main_loop_is_running(watching->loop))
    return;
  if (sequence != watching->sequence + 1) {
    unwatch(watching);
    watch_again(watching, FALSE);
    return;
  }
  watching->sequence = sequence;
  watching->revision = revision;
  print_changes(watching, &arguments);
  hand_over(watching);
}

static void on_presence(gpointer data, Presence presence) {
  Watching *watching = data;
  const char *owner = connection_get_owner(watching->session->connection);
  /* The first word of it may be older than the watch, which can start regd. */
  if (presence == PRESENCE_ABSENT && watching->seen && watching->owner != NULL) {
    g_clear_pointer(&watching->owner, g_free);
    session_note(watching->session, "regd has gone; waiting for it");
  }
  watching->seen = watching->seen || presence == PRESENCE_PRESENT;
  if (presence != PRESENCE_PRESENT || watching->asking != NULL)
    return;
  if (g_strcmp0(owner, watching->owner) != 0)
    watch_again(watching, FALSE);
}

/* The daemon hangs, or goes on; signals of what happened meanwhile come in their order. */
static void on_answering(gpointer data, gboolean answering) {
  Watching *watching = data;
  if (!watching->begun) {
    g_autoptr(GError) problem = NULL;
    connection_set_no_answer(watching->session->connection, &problem);
    end(watching, problem);
    return;
  }
  session_note(watching->session,
               answering ? "regd answers again" : "regd does not answer; waiting for it");
}

static void follow(Watching *watching) {
  static const ConnectionListener listener = {
      .presence_changed = on_presence, .signalled = on_signal, .answering_changed = on_answering};
  RegistryConnection *connection = watching->session->connection;
  watching->loop = g_main_loop_new(NULL, FALSE);
  connection_add_listener(connection, &listener, watching);
  registry_connection_follow_answering(connection, NULL, NULL);
  begin(watching);
  g_main_loop_run(watching->loop);
  connection_remove_listener(connection, watching);
  if (watching->asking != NULL)
    connection_call_cancel(watching->asking);
  g_main_loop_unref(watching->loop);
}

gboolean verb_watch(Session *session, GError **error) {
  Watching watching = {.session = session, .count = session->line->numbers[OPTION_COUNT]};
  watching.key = data_parse_key(session_get_operand(session, 0), error);
  if (watching.key == NULL)
    return FALSE;
  if (session_connect(session, error) != NULL)
    follow(&watching);
  g_free(watching.key);
  g_free(watching.path);
  g_free(watching.owner);
  if (watching.problem == NULL)
    return watching.begun;
  g_propagate_error(error, watching.problem);
  return FALSE;
}
