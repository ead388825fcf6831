/* SPDX-License-Identifier: MIT */
/* Handlers that read: keys, values, descriptions. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/bus/face.h"
#include "regd/registry1/handlers.h"
#include "regd/tree/place.h"

/* ---- values and keys ---- */

static gboolean check_size(const RegistryValue *value, const char *key, const char *name,
                           GError **error) {
  gsize size = 0;
  (void)registry_value_get_bytes(value, &size);
  return size <= LIMIT_LIST_BYTES ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: value \"%s\": its %" G_GSIZE_FORMAT " bytes are too many for one answer",
                   key, name, size);
}

void handle_get_value(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  Identity *who = face_caller(call);
  DBusMessageIter in, out;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  const char *name = face_take_string(&in);
  gboolean cached = FALSE;
  g_autoptr(RegistryValue) value =
      reader_get_value(face_get_reader(data), who, key, name, &cached, &error);
  if (value == NULL || !check_size(value, key, name, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  if (cached) {
    dispatch_call_reply(call, reply_cache_make(face->replies, call, value));
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              face_append_uint32(&out, registry_value_get_type(value)) &&
                  wire_append_value(&out, value));
}

/* What a message can hold of names: LIMIT_EXCEEDED past it. */
static gboolean check_names(char **names, const char *key, GError **error) {
  gsize bytes = 0;
  for (char **name = names; *name != NULL; name++)
    bytes += strlen(*name) + 8;
  if (bytes <= LIMIT_LIST_BYTES)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: the names of its sub-keys are too many for one answer; ReadTree pages them",
                   key);
}

void handle_list_keys(DispatchCall *call, gpointer data) {
  DBusMessageIter in, out, array;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  g_auto(GStrv) names = reader_list_keys(face_get_reader(data), face_caller(call), key, &error);
  if (names == NULL || !check_names(names, key, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  gboolean complete = dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "s", &array);
  if (complete) {
    for (char **name = names; *name != NULL && complete; name++)
      complete = wire_append_string(&array, *name);
    complete = wire_end_container(&out, &array, complete);
  }
  face_finish(call, reply, complete);
}

void handle_list_values(DispatchCall *call, gpointer data) {
  DBusMessageIter in, out;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  g_autoptr(GPtrArray) values =
      reader_list_values(face_get_reader(data), face_caller(call), key, &error);
  if (values == NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply, face_append_array(&out, "(suv)", values, face_append_named_value));
}

static gboolean append_key_info(DBusMessageIter *dict, const KeyInfo *info) {
  return wire_append_entry_string(dict, "path", info->path) &&
         wire_append_entry_string(dict, "class", info->class_name) &&
         wire_append_entry_uint32(dict, "subkeys", info->subkeys) &&
         wire_append_entry_uint32(dict, "values", info->values) &&
         wire_append_entry_uint64(dict, "last-write", (guint64)info->last_write) &&
         wire_append_entry_uint64(dict, "revision", info->revision) &&
         wire_append_entry_boolean(dict, "volatile", info->is_volatile) &&
         (info->link == NULL || wire_append_entry_string(dict, "link", info->link));
}

void handle_get_key_info(DispatchCall *call, gpointer data) {
  DBusMessageIter in, out, dict;
  g_autoptr(GError) error = NULL;
  gboolean no_follow = FALSE;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  g_autoptr(KeyInfo) info = NULL;
  if (options != NULL && wire_options_get_boolean(options, "no-follow", &no_follow, &error))
    info = reader_get_key_info(face_get_reader(data), face_caller(call), key, no_follow, &error);
  if (info == NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                  wire_end_container(&out, &dict, append_key_info(&dict, info)));
}

/* ---- schemas ---- */

/* Leaves the entry out if @text is NULL. */
static gboolean append_text(DBusMessageIter *dict, const char *name, const char *text) {
  return text == NULL || wire_append_entry_string(dict, name, text);
}

static char *show_type(guint32 type) {
  const char *name = registry_type_get_name(type);
  return name != NULL ? g_strdup(name) : g_strdup_printf("%u", type);
}

/* `types` is there if the schema names two; `type` is the first. */
static gboolean append_type(DBusMessageIter *dict, const SchemaValue *value) {
  if (!value->typed)
    return TRUE;
  g_autofree char *type = show_type(value->type);
  g_autofree char *other = show_type(value->other_type);
  const char *const types[] = {type, other, NULL};
  return wire_append_entry_string(dict, "type", type) &&
         (!value->has_other_type || wire_append_entry_strings(dict, "types", types));
}

static gboolean append_range(DBusMessageIter *dict, const SchemaValue *value) {
  return (!value->has_minimum || wire_append_entry_uint64(dict, "minimum", value->minimum)) &&
         (!value->has_maximum || wire_append_entry_uint64(dict, "maximum", value->maximum)) &&
         (!value->has_max_length ||
          wire_append_entry_uint32(dict, "maximum-length", value->max_length));
}

static gboolean append_allowed(DBusMessageIter *dict, const SchemaValue *value) {
  const char *const *allowed = (const char *const *)value->allowed;
  return allowed == NULL || wire_append_entry_strings(dict, "allowed", allowed);
}

static gboolean append_value_description(DBusMessageIter *dict, const SchemaValue *value,
                                         const SchemaKey *key, const char *asked) {
  gboolean alias = path_compare_names(value->name, asked) != 0;
  return append_type(dict, value) && append_text(dict, "summary", value->summary) &&
         append_text(dict, "description", value->description) &&
         (value->default_value == NULL ||
          wire_append_entry_value(dict, "default", value->default_value)) &&
         append_allowed(dict, value) && append_text(dict, "pattern", value->pattern) &&
         append_range(dict, value) &&
         wire_append_entry_boolean(dict, "required", value->required) &&
         wire_append_entry_boolean(dict, "secret", value->secret) &&
         wire_append_entry_strings(dict, "aliases", (const char *const *)value->aliases) &&
         wire_append_entry_string(dict, "schema", key->file) &&
         (!alias || wire_append_entry_string(dict, "canonical-name", value->name));
}

static gboolean append_key_description(DBusMessageIter *dict, const SchemaKey *key) {
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (guint i = 0; i < key->values->len; i++)
    g_ptr_array_add(names, ((SchemaValue *)key->values->pdata[i])->name);
  g_ptr_array_add(names, NULL);
  return append_text(dict, "summary", key->summary) &&
         append_text(dict, "description", key->description) &&
         wire_append_entry_boolean(dict, "closed", key->closed) &&
         wire_append_entry_strings(dict, "values", (const char *const *)names->pdata) &&
         wire_append_entry_string(dict, "schema", key->file);
}

/* If no schema describes it, nothing is appended: that is no error. */
static gboolean append_description(DBusMessageIter *dict, const SchemaSet *schemas,
                                   const char *path, const char *name) {
  const SchemaKey *key = NULL;
  if (*name == '\0') {
    key = schema_set_find_key(schemas, path);
    return key == NULL || append_key_description(dict, key);
  }
  const SchemaValue *value = schema_set_find_value(schemas, path, name, &key);
  return value == NULL || append_value_description(dict, value, key, name);
}

void handle_describe(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  DBusMessageIter in, out, dict;
  g_autoptr(GError) error = NULL;
  guint64 revision = 0;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  const char *name = face_take_string(&in);
  g_autofree char *path = NULL;
  if (resolve_check_value_name(key, name, &error))
    path = reader_resolve(face_get_reader(data), face_caller(call), key, FALSE, &revision, &error);
  if (path == NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  const SchemaSet *schemas = service_get_schemas(face->service);
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                  wire_end_container(&out, &dict, append_description(&dict, schemas, path, name)));
}

static gboolean append_problem(DBusMessageIter *out, gconstpointer item) {
  const Problem *problem = item;
  const char *fields[] = {problem->key, problem->name, problem->problem};
  return face_append_strings(out, fields, G_N_ELEMENTS(fields));
}

static gboolean check_problems(const GPtrArray *problems, const char *key, GError **error) {
  gsize bytes = 0;
  for (guint i = 0; i < problems->len; i++) {
    const Problem *problem = problems->pdata[i];
    bytes += strlen(problem->key) + strlen(problem->name) + strlen(problem->problem) + 24;
  }
  if (bytes <= LIMIT_LIST_BYTES)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: %u problems are too many for one answer; validate its sub-keys one by one",
                   key, problems->len);
}

void handle_validate(DispatchCall *call, gpointer data) {
  DBusMessageIter in, out;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  g_autoptr(GPtrArray) problems =
      reader_validate(face_get_reader(data), face_caller(call), key, &error);
  if (problems == NULL || !check_problems(problems, key, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply, face_append_array(&out, "(sss)", problems, append_problem));
}
