/* SPDX-License-Identifier: MIT */
/* get, set, unset. */
#include <string.h>

#include "client/base/nearest.h"
#include "client/base/protocol.h"
#include "client/cli/data.h"
#include "client/cli/input.h"
#include "client/cli/reply.h"
#include "client/regctl/verbs/place.h"
#include "client/regctl/verbs/verbs.h"

static RegistryValue *get_value(Session *session, const Place *place, GError **error) {
  Request request;
  DBusMessageIter answer;
  request_begin(&request, "GetValue");
  request_add_string(&request, place->key);
  request_add_string(&request, place->name);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "uv", error))
    return NULL;
  return reply_read_value(&answer, place->key, place->name, error);
}

gboolean verb_get(Session *session, GError **error) {
  g_auto(Place) place = {0};
  if (!place_take(session, PLACE_NAMED, &place, error))
    return FALSE;
  g_autoptr(RegistryValue) value = get_value(session, &place, error);
  if (value == NULL)
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

/* What a schema says of a value or key; all NULL if it is not known. */
typedef struct {
  DBusMessage *reply;
  WireOptions *entries; /* borrow from the reply */
  guint count;
} Description;

static void description_clear(Description *description) {
  g_clear_pointer(&description->entries, wire_options_free);
  g_clear_pointer(&description->reply, dbus_message_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Description, description_clear)

/* With an empty @name it is the key that is described. */
static void describe(Session *session, const char *key, const char *name,
                     Description *description) {
  Request request;
  DBusMessageIter answer;
  request_begin(&request, "Describe");
  request_add_string(&request, key);
  request_add_string(&request, name);
  description->reply = session_call(session, &request, &answer, NULL);
  if (description->reply == NULL || !dbus_message_has_signature(description->reply, "a{sv}"))
    return;
  description->count = (guint)dbus_message_iter_get_element_count(&answer);
  description->entries = wire_options_read(&answer, NULL);
}

static GStrv get_strings(const Description *description, const char *name) {
  DBusMessageIter content;
  if (description->entries == NULL ||
      !wire_options_get_content(description->entries, name, &content))
    return NULL;
  g_autoptr(RegistryValue) value = wire_read_content(&content, REGISTRY_MULTI_SZ, "", name, NULL);
  return value != NULL ? registry_value_dup_strings(value) : NULL;
}

/* Zeros before digits: octal for most people, and so not for us to read as decimal. */
static gboolean looks_octal(const char *word) {
  return word != NULL && word[0] == '0' && word[1] != '\0' &&
         strspn(word, "01234567") == strlen(word);
}

static gboolean takes_text(const Description *description) {
  g_auto(GStrv) types = get_strings(description, "types");
  return types != NULL && g_strv_contains((const char *const *)types, "REG_SZ");
}

/* What a schema demands. FALSE: nothing, or it is not known. */
static gboolean find_described_type(const Description *description, const char *word,
                                    guint32 *type) {
  const char *name = NULL;
  if (description->entries == NULL ||
      !wire_options_get_string(description->entries, "type", &name, NULL) || name == NULL ||
      !registry_type_parse(name, type))
    return FALSE;
  if (looks_octal(word) && takes_text(description))
    *type = REGISTRY_SZ;
  return TRUE;
}

static gboolean find_type(Session *session, const Place *place, const Description *description,
                          guint32 *type, GError **error) {
  const char *text = session->line->texts[OPTION_TYPE];
  if (text != NULL)
    return registry_type_parse(text, type) ||
           error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: %s: %s is no type; types are sz, expand, multi, dword, qword, binary, "
                     "none, dword-be, link, the REG_ names and numbers",
                     place->key, data_show_name(place->name), text);
  if (find_described_type(description, session_get_operand(session, place->next), type))
    return TRUE;
  g_autoptr(RegistryValue) value = get_value(session, place, NULL);
  *type = value != NULL ? registry_value_get_type(value) : REGISTRY_SZ;
  return TRUE;
}

/* A name that is not among those of a described key is probably mistyped. */
static void warn_of_name(Session *session, const Place *place) {
  g_auto(Description) key = {0};
  describe(session, place->key, "", &key);
  g_auto(GStrv) names = get_strings(&key, "values");
  if (names == NULL || *names == NULL)
    return;
  const char *nearest = nearest_find(place->name, (const char *const *)names);
  session_note(session, "%s: %s: the schema of this key describes no such value%s%s%s", place->key,
               place->name, nearest != NULL ? "; did you mean \"" : "",
               nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

/* Digits that could have been meant in octal, and were not taken so. */
static void warn_of_number(Session *session, const Place *place, const Description *description,
                           const RegistryValue *value, const char *word) {
  guint32 number = 0;
  gboolean doubtful = looks_octal(word) || (word != NULL && takes_text(description) &&
                                            strspn(word, "0123456789") == strlen(word));
  if (doubtful && registry_value_get_uint32(value, &number))
    session_note(session, "%s: %s: %s was taken as decimal %u, which is 0%o in octal", place->key,
                 data_show_name(place->name), word, number, number);
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
  return session_write(session, &request, NULL, error);
}

/* DATA, from the operands or from the file of --from. */
static RegistryValue *take_data(Session *session, const Place *place, guint32 type,
                                GError **error) {
  const char *file = session->line->texts[OPTION_FROM];
  gboolean raw = session_has(session, OPTION_BYTES);
  GStrv data = (GStrv)session->line->operands->pdata + 1 + place->next; /* ends with NULL */
  if (file == NULL && raw && data[0] != NULL && data[1] == NULL)
    return data_parse_bytes(type, data[0], error);
  if (file == NULL && !raw)
    return data_parse(type, data, place->key, place->name, error);
  if (file == NULL || *data != NULL) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "set: DATA is one word of hexadecimal digits with --bytes, and none with --from");
    return NULL;
  }
  g_autoptr(GByteArray) contents = input_read(file, LIMIT_VALUE_SIZE_MAXIMUM, error);
  return contents != NULL ? data_parse_contents(type, contents, raw, error) : NULL;
}

gboolean verb_set(Session *session, GError **error) {
  g_auto(Place) place = {0};
  g_auto(Description) description = {0};
  guint32 type = REGISTRY_SZ;
  if (!place_take(session, PLACE_WITH_DATA, &place, error))
    return FALSE;
  const char *word = session_get_operand(session, place.next);
  if (word == NULL && !session_has(session, OPTION_TYPE) && !session_has(session, OPTION_FROM))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "set: DATA is missing; an empty string is written \"\"");
  if (*place.name)
    describe(session, place.key, place.name, &description);
  if (!find_type(session, &place, &description, &type, error))
    return FALSE;
  g_autoptr(RegistryValue) value = take_data(session, &place, type, error);
  if (value == NULL || !set_value(session, &place, value, error))
    return FALSE;
  if (description.entries != NULL && description.count == 0)
    warn_of_name(session, &place);
  warn_of_number(session, &place, &description, value, word);
  return TRUE;
}

gboolean verb_unset(Session *session, GError **error) {
  g_auto(Place) place = {0};
  if (!place_take(session, PLACE_NAMED, &place, error))
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
  return session_write(session, &request, NULL, error);
}
