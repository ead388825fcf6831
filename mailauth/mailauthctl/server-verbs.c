/* SPDX-License-Identifier: MIT */
/* status, events, test and reload-certificate: what mailauthd itself answers. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/bus/loop.h"
#include "client/bus/wire.h"
#include "client/cli/reply.h"
#include "mailauth/mailauthctl/ctl.h"
#include "mailauth/mailauthctl/metrics.h"

#define MAX_LISTED 10000

static gboolean check_reply(DBusMessage *reply, const char *signature, GError **error) {
  return dbus_message_has_signature(reply, signature) ||
         error_set(error, REGISTRY_ERROR_FAILED, "mailauthd's answer is not as it should be");
}

/* ---- status ---- */

/* One entry a line; lists and counts one element a line, indented. */
static void print_entry(GString *out, const char *name, DBusMessageIter *content) {
  DBusMessageIter element;
  escape_append(out, name);
  g_string_append_c(out, ':');
  if (dbus_message_iter_get_arg_type(content) != DBUS_TYPE_ARRAY) {
    Json plain = {.text = out};
    g_string_append_c(out, ' ');
    if (dbus_message_iter_get_arg_type(content) == DBUS_TYPE_STRING)
      escape_append(out, reply_take_string(content));
    else
      reply_write_json(content, &plain);
    g_string_append_c(out, '\n');
    return;
  }
  g_string_append_c(out, '\n');
  for (dbus_message_iter_recurse(content, &element);
       dbus_message_iter_get_arg_type(&element) != DBUS_TYPE_INVALID;
       dbus_message_iter_next(&element)) {
    DBusMessageIter pair = element;
    Json plain = {.text = out};
    g_string_append(out, "  ");
    if (dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_DICT_ENTRY) {
      dbus_message_iter_recurse(&element, &pair);
      escape_append(out, reply_take_string(&pair));
      g_string_append(out, ": ");
      reply_write_json(&pair, &plain);
    } else if (dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_ARRAY) {
      reply_write_json(&pair, &plain);
    } else {
      escape_append(out, reply_take_string(&pair));
    }
    g_string_append_c(out, '\n');
  }
}

static void print_status(GString *out, DBusMessageIter *status) {
  DBusMessageIter entries;
  DBusMessageIter entry;
  DBusMessageIter content;
  for (dbus_message_iter_recurse(status, &entries);
       dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
       dbus_message_iter_next(&entries)) {
    dbus_message_iter_recurse(&entries, &entry);
    const char *name = reply_take_string(&entry);
    dbus_message_iter_recurse(&entry, &content);
    print_entry(out, name, &content);
  }
}

gboolean verb_status(Ctl *ctl, GError **error) {
  g_autoptr(WireMessage) reply = ctl_call(ctl, ctl_new_mailauth_call("Status"), error);
  DBusMessageIter iter;
  if (reply == NULL || !check_reply(reply, "a{sv}", error))
    return FALSE;
  dbus_message_iter_init(reply, &iter);
  if (ctl->metrics) {
    metrics_print(ctl_out(ctl), &iter);
  } else if (ctl->json) {
    reply_write_json(&iter, &ctl->output);
    g_string_append_c(ctl_out(ctl), '\n');
  } else {
    print_status(ctl_out(ctl), &iter);
  }
  return TRUE;
}

/* ---- events ---- */

/* The entries of an event that are strings, by name; and the others. */
typedef struct {
  const char *source, *type, *reason, *description, *user, *address, *method, *tls, *session,
      *count;
  dbus_uint64_t time;
  dbus_uint32_t id;
} ShownEvent;

static void take_entry(ShownEvent *event, const char *name, DBusMessageIter *content) {
  const struct {
    const char *name;
    int type;
    void *field;
  } fields[] = {
      {"source", DBUS_TYPE_STRING, &event->source},
      {"type", DBUS_TYPE_STRING, &event->type},
      {"reason", DBUS_TYPE_STRING, &event->reason},
      {"description", DBUS_TYPE_STRING, &event->description},
      {"user", DBUS_TYPE_STRING, &event->user},
      {"address", DBUS_TYPE_STRING, &event->address},
      {"method", DBUS_TYPE_STRING, &event->method},
      {"tls", DBUS_TYPE_STRING, &event->tls},
      {"session", DBUS_TYPE_STRING, &event->session},
      {"time", DBUS_TYPE_UINT64, &event->time},
      {"count", DBUS_TYPE_STRING, &event->count},
      {"id", DBUS_TYPE_UINT32, &event->id},
  };
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
    if (g_str_equal(fields[i].name, name) &&
        dbus_message_iter_get_arg_type(content) == fields[i].type)
      dbus_message_iter_get_basic(content, fields[i].field);
}

static void read_event(DBusMessageIter *dict, ShownEvent *event) {
  DBusMessageIter entries;
  DBusMessageIter entry;
  DBusMessageIter content;
  *event = (ShownEvent){"", "", "", "", "", "", "", "", "", "1", 0, 0};
  for (dbus_message_iter_recurse(dict, &entries);
       dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
       dbus_message_iter_next(&entries)) {
    dbus_message_iter_recurse(&entries, &entry);
    const char *name = reply_take_string(&entry);
    dbus_message_iter_recurse(&entry, &content);
    take_entry(event, name, &content);
  }
}

static void print_named(GString *out, const char *name, const char *text) {
  if (*text == '\0')
    return;
  g_string_append_printf(out, " %s=", name);
  escape_append(out, text);
}

/* Returns the event's time. */
static guint64 print_event(GString *out, DBusMessageIter *dict) {
  ShownEvent event;
  read_event(dict, &event);
  g_autofree char *time = ctl_dup_time((gint64)event.time);
  g_string_append_printf(out, "%s ", time);
  escape_append(out, event.source);
  g_string_append_printf(out, " %u ", event.id);
  escape_append(out, event.type);
  print_named(out, "reason", event.reason);
  print_named(out, "address", event.address);
  if (*event.user != '\0') {
    g_string_append(out, " user=");
    escape_append_quoted(out, event.user);
  }
  print_named(out, "method", event.method);
  print_named(out, "tls", event.tls);
  print_named(out, "session", event.session);
  g_string_append(out, ": ");
  escape_append(out, event.description);
  if (!g_str_equal(event.count, "1")) {
    g_string_append(out, " (");
    escape_append(out, event.count);
    g_string_append(out, " times)");
  }
  g_string_append_c(out, '\n');
  return event.time;
}

/* The answer's events from the oldest to the newest. */
static GArray *collect(DBusMessageIter *array) {
  GArray *events = g_array_new(FALSE, FALSE, sizeof(DBusMessageIter));
  DBusMessageIter event;
  for (dbus_message_iter_recurse(array, &event);
       dbus_message_iter_get_arg_type(&event) == DBUS_TYPE_ARRAY; dbus_message_iter_next(&event))
    g_array_prepend_val(events, event);
  return events;
}

static DBusMessage *get_events(Ctl *ctl, GError **error) {
  DBusMessage *call = ctl_new_mailauth_call("GetEvents");
  dbus_uint32_t limit = (dbus_uint32_t)MIN(ctl->count, MAX_LISTED);
  if (!dbus_message_append_args(call, DBUS_TYPE_UINT32, &limit, DBUS_TYPE_INVALID))
    g_error("out of memory");
  return ctl_call(ctl, call, error);
}

/* One event; as JSON on a line of its own if @lines. */
static guint64 show_event(Ctl *ctl, DBusMessageIter *event, gboolean lines) {
  ShownEvent read;
  if (!ctl->json)
    return print_event(ctl_out(ctl), event);
  reply_write_json(event, &ctl->output);
  if (lines) {
    g_string_append_c(ctl_out(ctl), '\n');
    ctl->output.separating = FALSE;
  }
  read_event(event, &read);
  return read.time;
}

static gboolean list_events(Ctl *ctl, guint64 *newest, GError **error) {
  g_autoptr(WireMessage) reply = get_events(ctl, error);
  DBusMessageIter iter;
  gboolean one_document = ctl->json && !ctl->follow;
  if (reply == NULL || !check_reply(reply, "aa{sv}", error))
    return FALSE;
  dbus_message_iter_init(reply, &iter);
  g_autoptr(GArray) events = collect(&iter);
  if (one_document)
    json_begin(&ctl->output, '[');
  for (guint i = 0; i < events->len; i++)
    *newest = show_event(ctl, &g_array_index(events, DBusMessageIter, i), !one_document);
  if (one_document) {
    json_end(&ctl->output, ']');
    g_string_append_c(ctl_out(ctl), '\n');
  }
  return ctl_flush(ctl, error);
}

typedef struct {
  Ctl *ctl;
  GMainLoop *loop;
  guint64 newest; /* what has been shown already */
  GError *error;
} Follower;

static DBusHandlerResult on_signal(G_GNUC_UNUSED DBusConnection *connection, DBusMessage *message,
                                   void *data) {
  Follower *follower = data;
  DBusMessageIter iter;
  ShownEvent event;
  if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
    error_set(&follower->error, REGISTRY_ERROR_UNREACHABLE, "the bus has gone");
    g_main_loop_quit(follower->loop);
  }
  if (!dbus_message_is_signal(message, MAILAUTH_INTERFACE, "Event") ||
      !dbus_message_has_signature(message, "a{sv}"))
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  dbus_message_iter_init(message, &iter);
  read_event(&iter, &event);
  if (event.time <= follower->newest)
    return DBUS_HANDLER_RESULT_HANDLED;
  show_event(follower->ctl, &iter, TRUE);
  if (!ctl_flush(follower->ctl, &follower->error))
    g_main_loop_quit(follower->loop);
  return DBUS_HANDLER_RESULT_HANDLED;
}

static gboolean follow_events(Ctl *ctl, GError **error) {
  DBusConnection *connection = loop_connect(ctl_get_bus(ctl), error);
  if (connection == NULL)
    return FALSE;
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  Follower follower = {.ctl = ctl, .loop = loop};
  /* Waits for the answer: from here on nothing is missed. */
  dbus_bus_add_match(connection,
                     "type='signal',sender='" MAILAUTH_BUS_NAME "',interface='" MAILAUTH_INTERFACE
                     "',member='Event'",
                     NULL);
  gboolean listed = list_events(ctl, &follower.newest, error) &&
                    dbus_connection_add_filter(connection, on_signal, &follower, NULL);
  if (listed) {
    g_autoptr(LoopBinding) binding = loop_bind(connection, NULL);
    g_main_loop_run(loop);
    dbus_connection_remove_filter(connection, on_signal, &follower);
  }
  loop_disconnect(connection);
  if (follower.error != NULL)
    g_propagate_error(error, follower.error);
  return FALSE;
}

gboolean verb_events(Ctl *ctl, GError **error) {
  guint64 newest = 0;
  return ctl->follow ? follow_events(ctl, error) : list_events(ctl, &newest, error);
}

/* ---- test ---- */

/* A pipe with the password in it and its writing end closed: so it does not
 * travel over the bus, where others may record what passes. */
static int put_into_pipe(const Secret *password, GError **error) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    error_set(error, REGISTRY_ERROR_FAILED, "no pipe can be had");
    return -1;
  }
  gboolean written = password->size == 0 ||
                     write(ends[1], password->bytes, password->size) == (gssize)password->size;
  close(ends[1]);
  if (written)
    return ends[0];
  close(ends[0]);
  error_set(error, REGISTRY_ERROR_FAILED, "the password can't be passed on");
  return -1;
}

static void print_test(Ctl *ctl, const char *reason, DBusMessageIter *steps) {
  DBusMessageIter step;
  dbus_message_iter_recurse(steps, &step);
  if (ctl->json) {
    json_begin(&ctl->output, '{');
    json_member_string(&ctl->output, "reason", reason);
    json_name(&ctl->output, "steps");
    reply_write_json(steps, &ctl->output);
    json_end(&ctl->output, '}');
    g_string_append_c(ctl_out(ctl), '\n');
    return;
  }
  while (dbus_message_iter_get_arg_type(&step) == DBUS_TYPE_STRING) {
    escape_append(ctl_out(ctl), reply_take_string(&step));
    g_string_append_c(ctl_out(ctl), '\n');
  }
}

gboolean verb_test(Ctl *ctl, GError **error) {
  const char *user = ctl_get_operand(ctl, 0);
  const char *protocol = ctl->protocol != NULL ? ctl->protocol : "pop3";
  g_auto(Secret) password = {0};
  DBusMessageIter iter;
  if (!g_utf8_validate(user, -1, NULL) || !g_utf8_validate(protocol, -1, NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the user's name is not UTF-8");
  if (!ctl_ask_password(user, FALSE, &password, error))
    return FALSE;
  int descriptor = put_into_pipe(&password, error);
  if (descriptor < 0)
    return FALSE;
  DBusMessage *call = ctl_new_mailauth_call("Test");
  gboolean made =
      dbus_message_append_args(call, DBUS_TYPE_STRING, &user, DBUS_TYPE_STRING, &protocol,
                               DBUS_TYPE_UNIX_FD, &descriptor, DBUS_TYPE_INVALID);
  close(descriptor);
  if (!made)
    g_error("out of memory");
  g_autoptr(WireMessage) reply = ctl_call(ctl, call, error);
  if (reply == NULL || !check_reply(reply, "sas", error))
    return FALSE;
  dbus_message_iter_init(reply, &iter);
  const char *reason = reply_take_string(&iter);
  print_test(ctl, reason, &iter);
  ctl->exit_code = g_str_equal(reason, "ok") ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
  return TRUE;
}

/* ---- reload-certificate ---- */

gboolean verb_reload_certificate(Ctl *ctl, GError **error) {
  g_autoptr(WireMessage) reply = ctl_call(ctl, ctl_new_mailauth_call("ReloadCertificate"), error);
  if (reply == NULL)
    return FALSE;
  if (ctl->json)
    g_string_append(ctl_out(ctl), "{\"reloaded\":true}\n");
  return TRUE;
}
