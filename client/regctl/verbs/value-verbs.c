/* SPDX-License-Identifier: MIT */
/* get, set, unset. */
#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/verbs/verbs.h"

/* The operands KEY and NAME. */
typedef struct {
  char *key;        /* owned */
  const char *name; /* borrowed */
} Place;

static void place_clear(Place *place) {
  g_free(place->key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static gboolean take_place(Session *session, Place *place, GError **error) {
  place->key = data_parse_key(session_get_operand(session, 0), error);
  if (!place->key)
    return FALSE;
  place->name = data_parse_name(session_get_operand(session, 1), error);
  return place->name != NULL;
}

static RegistryValue *get_value(Session *session, const Place *place, GError **error) {
  Request request;
  DBusMessageIter answer;
  request_begin(&request, "GetValue");
  request_add_string(&request, place->key);
  request_add_string(&request, place->name);
  g_autoptr(WireMessage) reply = session_read(session, &request, &answer, error);
  if (!reply || !session_check_reply(reply, "uv", error))
    return NULL;
  return reply_read_value(&answer, place->key, place->name, error);
}

gboolean verb_get(Session *session, GError **error) {
  g_auto(Place) place = {0};
  if (!take_place(session, &place, error))
    return FALSE;
  g_autoptr(RegistryValue) value = get_value(session, &place, error);
  if (!value)
    return FALSE;
  if (!session_has(session, OPTION_JSON)) {
    data_print(value, session_out(session));
    return TRUE;
  }
  json_begin(&session->json, '{');
  json_member_string(&session->json, "key", place.key);
  data_write_json(place.name, value, &session->json);
  json_end(&session->json, '}');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

/* ---- set ---- */

/* What a schema demands. FALSE: nothing, or there is no telling. */
static gboolean find_described_type(Session *session, const Place *place, guint32 *type) {
  Request request;
  DBusMessageIter answer;
  const char *name = NULL;
  request_begin(&request, "Describe");
  request_add_string(&request, place->key);
  request_add_string(&request, place->name);
  g_autoptr(WireMessage) reply = session_read(session, &request, &answer, NULL);
  /* With an empty name it is the key that is described. */
  if (!reply || !*place->name || !dbus_message_has_signature(reply, "a{sv}"))
    return FALSE;
  g_autoptr(WireOptions) description = wire_options_read(&answer, NULL);
  return description && wire_options_get_string(description, "type", &name, NULL) && name &&
         registry_type_parse(name, type);
}

static gboolean find_type(Session *session, const Place *place, guint32 *type, GError **error) {
  const char *text = session->line->texts[OPTION_TYPE];
  if (text)
    return registry_type_parse(text, type) ||
           error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: %s: %s is no type; types are sz, expand, multi, dword, qword, binary, "
                     "none, dword-be, link, the REG_ names and numbers",
                     place->key, data_show_name(place->name), text);
  if (find_described_type(session, place, type))
    return TRUE;
  g_autoptr(RegistryValue) value = get_value(session, place, NULL);
  *type = value ? registry_value_get_type(value) : REGISTRY_SZ;
  return TRUE;
}

static gboolean set_value(Session *session, const Place *place, const RegistryValue *value,
                          GError **error) {
  if (session_is_annotated(session)) {
    g_autoptr(Change) change = change_new();
    change_add_set_value(change, place->key, place->name, value);
    return session_commit(session, change, error);
  }
  Request request;
  request_begin(&request, "SetValue");
  request_add_string(&request, place->key);
  request_add_string(&request, place->name);
  request_add_value(&request, value);
  return session_write_reporting(session, &request, error);
}

gboolean verb_set(Session *session, GError **error) {
  g_auto(Place) place = {0};
  guint32 type = REGISTRY_SZ;
  /* The operands end with NULL. */
  GStrv data = (GStrv)session->line->operands->pdata + 3;
  if (!*data && !session_has(session, OPTION_TYPE))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "set: DATA is missing; an empty string is written \"\"");
  if (!take_place(session, &place, error) || !find_type(session, &place, &type, error))
    return FALSE;
  g_autoptr(RegistryValue) value = data_parse(type, data, place.key, place.name, error);
  return value && set_value(session, &place, value, error);
}

gboolean verb_unset(Session *session, GError **error) {
  g_auto(Place) place = {0};
  if (!take_place(session, &place, error))
    return FALSE;
  if (session_is_annotated(session)) {
    g_autoptr(Change) change = change_new();
    change_add_delete_value(change, place.key, place.name);
    return session_commit(session, change, error);
  }
  Request request;
  request_begin(&request, "DeleteValue");
  request_add_string(&request, place.key);
  request_add_string(&request, place.name);
  return session_write_reporting(session, &request, error);
}
