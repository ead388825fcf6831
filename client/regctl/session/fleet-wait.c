/* SPDX-License-Identifier: MIT */
/* See fleet-wait.h. */
#include "client/regctl/session/fleet-wait.h"

#include "client/base/escape.h"
#include "client/base/protocol.h"

/* Names in a message; the others are counted. */
#define NAMES_SHOWN 20U

typedef struct {
  guint64 commit;
  gboolean reached;
  guint32 hosts, have;
} Waited;

static gboolean read_waited(const WireOptions *entries, Waited *waited, GError **error) {
  return wire_options_get_uint64(entries, "commit", &waited->commit, error) &&
         wire_options_get_boolean(entries, "reached", &waited->reached, error) &&
         wire_options_get_uint32(entries, "hosts", &waited->hosts, error) &&
         wire_options_get_uint32(entries, "have", &waited->have, error);
}

/* "; missing: one, two", or nothing: the names are for administrators. */
static char *describe_missing(const WireOptions *entries) {
  DBusMessageIter content, names;
  GString *text = g_string_new(NULL);
  guint count = 0;
  if (!wire_options_get_content(entries, "missing", &content) ||
      dbus_message_iter_get_arg_type(&content) != DBUS_TYPE_ARRAY ||
      dbus_message_iter_get_element_type(&content) != DBUS_TYPE_STRING)
    return g_string_free(text, FALSE);
  dbus_message_iter_recurse(&content, &names);
  for (; dbus_message_iter_get_arg_type(&names) == DBUS_TYPE_STRING;
       dbus_message_iter_next(&names)) {
    const char *name;
    dbus_message_iter_get_basic(&names, &name);
    if (count++ < NAMES_SHOWN) {
      g_string_append(text, count == 1 ? "; missing: " : ", ");
      escape_append(text, name);
    }
  }
  if (count > NAMES_SHOWN)
    g_string_append_printf(text, " and %u more", count - NAMES_SHOWN);
  return g_string_free(text, FALSE);
}

static gboolean report(Session *session, DBusMessageIter *answer, GError **error) {
  Waited waited = {0};
  DBusMessageIter told = *answer;
  g_autoptr(WireOptions) entries = wire_options_read(&told, error);
  if (entries == NULL || !read_waited(entries, &waited, error))
    return FALSE;
  g_autofree char *missing = describe_missing(entries);
  if (waited.reached) {
    session_note(session, "%u of %u hosts have the commit %" G_GUINT64_FORMAT, waited.have,
                 waited.hosts, waited.commit);
    return TRUE;
  }
  return error_set(error, REGISTRY_ERROR_FAILED,
                   "only %u of %u hosts have the commit %" G_GUINT64_FORMAT "%s", waited.have,
                   waited.hosts, waited.commit, missing);
}

gboolean fleet_wait_for_hosts(Session *session, const FleetWaitAsk *ask, GError **error) {
  Request request;
  DBusMessageIter answer;
  dbus_uint64_t commit = ask->commit;
  request_begin_of(&request, FLEET_INTERFACE, "Wait");
  request_check(&request, dbus_message_set_path(request.message, FLEET_OBJECT_PATH));
  request_check(&request,
                dbus_message_iter_append_basic(&request.arguments, DBUS_TYPE_UINT64, &commit));
  request_open_options(&request);
  request_check(&request, wire_append_entry_uint32(&request.options, "hosts", ask->share.hosts));
  request_check(&request, wire_append_entry_uint32(&request.options, "share", ask->share.percent));
  request_check(&request, wire_append_entry_uint32(&request.options, "timeout", ask->timeout));
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a{sv}", error))
    return FALSE;
  return report(session, &answer, error);
}

/* ---- what a verb has written ---- */

gboolean fleet_wait_check(Session *session, GError **error) {
  if (session_has(session, OPTION_TIMEOUT) && !session_has(session, OPTION_WAIT_FLEET))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s takes --timeout only with --wait-fleet",
                     (const char *)session->line->operands->pdata[0]);
  return fleet_share_parse("--wait-fleet", session->line->texts[OPTION_WAIT_FLEET], &session->share,
                           error);
}

gboolean fleet_wait_after_write(Session *session, GError **error) {
  FleetPatience *patience = &session->patience;
  if (!patience->repeats || session_has(session, OPTION_DRY_RUN))
    return TRUE;
  if (patience->refusals > 0)
    session_note(session, "the fleet can be reached again: the change is made (refused %u times)",
                 patience->refusals);
  const FleetWaitAsk ask = {.share = session->share,
                            .timeout =
                                (guint32)(fleet_patience_get_left(patience) / G_USEC_PER_SEC)};
  g_autoptr(GError) problem = NULL;
  return fleet_wait_for_hosts(session, &ask, &problem) ||
         error_set(error, (RegistryError)problem->code, "the change is made, but %s",
                   problem->message);
}
