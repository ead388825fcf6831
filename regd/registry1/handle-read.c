/* SPDX-License-Identifier: MIT */
/* Handlers that read: keys, values, descriptions. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/bus/read-call.h"
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

/* A value or a list of a key, and what was read. Strings belong to the call. */
typedef struct {
  Identity *who;
  const char *key, *name;
  RegistryValue *value;
  char **names;
  GPtrArray *items;
} ListCall;

static void clear_list_call(gpointer data) {
  ListCall *list = data;
  g_clear_pointer(&list->value, registry_value_unref);
  g_clear_pointer(&list->names, g_strfreev);
  g_clear_pointer(&list->items, g_ptr_array_unref);
}

/* Takes the key out of the call's arguments. */
static ListCall begin_list(DispatchCall *call) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  ListCall list = {.who = face_caller(call), .key = face_take_string(&in)};
  return list;
}

static gboolean append_value(DBusMessageIter *out, const RegistryValue *value) {
  return face_append_uint32(out, registry_value_get_type(value)) && wire_append_value(out, value);
}

static gboolean read_value(Reader *reader, gpointer data, GError **error) {
  ListCall *list = data;
  gboolean cached = FALSE;
  list->value = reader_get_value(reader, list->who, list->key, list->name, &cached, error);
  return list->value != NULL && check_size(list->value, list->key, list->name, error);
}

static gboolean append_value_of(DBusMessageIter *out, gpointer data) {
  return append_value(out, ((const ListCall *)data)->value);
}

static const ReadCallKind get_value = {read_value, append_value_of, clear_list_call,
                                       sizeof(ListCall), FALSE};

/* A reply besides its value: the header, with two names. */
#define REPLY_BYTES 128U

static void answer_value(DispatchCall *call, const BusFace *face, RegistryValue *value,
                         gboolean cached) {
  DBusMessageIter out;
  gsize size = 0;
  if (cached) {
    (void)registry_value_get_bytes(value, &size);
    dispatch_call_reply_measured(call, reply_cache_make(face->replies, call, value),
                                 REPLY_BYTES + size);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply, append_value(&out, value));
}

/* A large one is answered in turns, like a long reading. */
static gboolean is_long(const RegistryValue *value, const Reader *reader) {
  gsize size = 0;
  if (value == NULL)
    return reader_was_too_long(reader);
  (void)registry_value_get_bytes(value, &size);
  return size > LIMIT_SHORT_REPLY_BYTES;
}

/* Usually in the cache, so it is tried before anything else is made. */
void handle_get_value(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  Identity *who = face_caller(call);
  Reader *reader = face_get_reader(face);
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  const char *name = face_take_string(&in);
  gboolean cached = FALSE;
  g_autoptr(RegistryValue) value = reader_get_value(reader, who, key, name, &cached, &error);
  if (is_long(value, reader))
    read_call_run_long(call, face, &get_value, &(ListCall){.who = who, .key = key, .name = name});
  else if (value != NULL && check_size(value, key, name, &error))
    answer_value(call, face, value, cached);
  else
    dispatch_call_fail(call, error);
}

static gboolean read_keys(Reader *reader, gpointer data, GError **error) {
  ListCall *list = data;
  list->names = reader_list_keys(reader, list->who, list->key, error);
  return list->names != NULL;
}

static gboolean append_keys(DBusMessageIter *out, gpointer data) {
  const ListCall *list = data;
  DBusMessageIter array;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "s", &array))
    return FALSE;
  for (char **name = list->names; *name != NULL && complete; name++)
    complete = wire_append_string(&array, *name);
  return wire_end_container(out, &array, complete);
}

static const ReadCallKind list_keys = {read_keys, append_keys, clear_list_call, sizeof(ListCall),
                                       FALSE};

void handle_list_keys(DispatchCall *call, gpointer data) {
  ListCall list = begin_list(call);
  read_call_run(call, data, &list_keys, &list);
}

static gboolean read_values(Reader *reader, gpointer data, GError **error) {
  ListCall *list = data;
  list->items = reader_list_values(reader, list->who, list->key, error);
  return list->items != NULL;
}

static gboolean append_values(DBusMessageIter *out, gpointer data) {
  const ListCall *list = data;
  const FaceForm form = {0};
  return face_append_array_with(out, "(suv)", list->items, face_append_named_value, &form);
}

static const ReadCallKind list_values = {read_values, append_values, clear_list_call,
                                         sizeof(ListCall), FALSE};

void handle_list_values(DispatchCall *call, gpointer data) {
  ListCall list = begin_list(call);
  read_call_run(call, data, &list_values, &list);
}

/* ---- one key ---- */

static gboolean append_owners(DBusMessageIter *dict, char *const *owners) {
  return *owners == NULL ||
         wire_append_entry_strings(dict, "declared-by", (const char *const *)owners);
}

static gboolean append_key_info(DBusMessageIter *dict, const KeyInfo *info) {
  return wire_append_entry_string(dict, "path", info->path) &&
         wire_append_entry_string(dict, "class", info->class_name) &&
         wire_append_entry_uint32(dict, "subkeys", info->subkeys) &&
         wire_append_entry_uint32(dict, "values", info->values) &&
         wire_append_entry_uint64(dict, "last-write", (guint64)info->last_write) &&
         wire_append_entry_uint64(dict, "revision", info->revision) &&
         wire_append_entry_boolean(dict, "volatile", info->is_volatile) &&
         (info->locked == NULL || wire_append_entry_string(dict, "locked", info->locked)) &&
         (info->link == NULL || wire_append_entry_string(dict, "link", info->link));
}

typedef struct {
  Identity *who;
  const char *key;
  gboolean no_follow;
  KeyInfo *info;
  char **owners;
} InfoCall;

static void clear_info_call(gpointer data) {
  InfoCall *asked = data;
  g_clear_pointer(&asked->info, key_info_free);
  g_clear_pointer(&asked->owners, g_strfreev);
}

static gboolean read_info(Reader *reader, gpointer data, GError **error) {
  InfoCall *asked = data;
  asked->info = reader_get_key_info(reader, asked->who, asked->key, asked->no_follow, error);
  if (asked->info != NULL)
    asked->owners = reader_list_owners(reader, asked->who, asked->info->path, NULL, error);
  return asked->owners != NULL;
}

static gboolean append_info(DBusMessageIter *out, gpointer data) {
  const InfoCall *asked = data;
  DBusMessageIter dict;
  return dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
         wire_end_container(out, &dict,
                            append_key_info(&dict, asked->info) &&
                                append_owners(&dict, asked->owners));
}

static const ReadCallKind get_key_info = {read_info, append_info, clear_info_call, sizeof(InfoCall),
                                          FALSE};

void handle_get_key_info(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  InfoCall asked = {.who = face_caller(call), .key = face_take_string(&in)};
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL ||
      !wire_options_get_boolean(options, "no-follow", &asked.no_follow, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  read_call_run(call, data, &get_key_info, &asked);
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

/* The names of the key's secrets, aliases included. */
static GPtrArray *list_secrets(const SchemaKey *key) {
  GPtrArray *names = g_ptr_array_new();
  for (guint i = 0; i < key->values->len; i++) {
    const SchemaValue *value = key->values->pdata[i];
    if (!value->secret)
      continue;
    g_ptr_array_add(names, value->name);
    for (char **alias = value->aliases; alias != NULL && *alias != NULL; alias++)
      g_ptr_array_add(names, *alias);
  }
  g_ptr_array_add(names, NULL);
  return names;
}

static gboolean append_key_description(DBusMessageIter *dict, const SchemaKey *key) {
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (guint i = 0; i < key->values->len; i++)
    g_ptr_array_add(names, ((SchemaValue *)key->values->pdata[i])->name);
  g_ptr_array_add(names, NULL);
  g_autoptr(GPtrArray) secrets = list_secrets(key);
  return append_text(dict, "summary", key->summary) &&
         append_text(dict, "description", key->description) &&
         wire_append_entry_boolean(dict, "closed", key->closed) &&
         wire_append_entry_strings(dict, "values", (const char *const *)names->pdata) &&
         wire_append_entry_strings(dict, "secrets", (const char *const *)secrets->pdata) &&
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

typedef struct {
  Identity *who;
  const char *key, *name;
  const SchemaSet *schemas; /* the reader's, which outlive the call */
  char *path;
  char *locked;
  char **owners;
} DescribeCall;

static void clear_describe_call(gpointer data) {
  DescribeCall *asked = data;
  g_clear_pointer(&asked->path, g_free);
  g_clear_pointer(&asked->locked, g_free);
  g_clear_pointer(&asked->owners, g_strfreev);
}

static gboolean read_place(Reader *reader, gpointer data, GError **error) {
  DescribeCall *asked = data;
  guint64 revision = 0;
  gboolean of_key = *asked->name == '\0';
  if (!resolve_check_value_name(asked->key, asked->name, error))
    return FALSE;
  asked->path = reader_resolve(reader, asked->who, asked->key, FALSE, &revision, error);
  asked->schemas = reader_get_schemas(reader);
  if (asked->path == NULL || !reader_get_lock(reader, asked->who, asked->path,
                                              of_key ? NULL : asked->name, &asked->locked, error))
    return FALSE;
  asked->owners =
      reader_list_owners(reader, asked->who, asked->path, of_key ? NULL : asked->name, error);
  if (asked->owners == NULL)
    return FALSE;
  /* With an empty name the key is described, which tells of its default value too. */
  return !of_key || asked->locked != NULL ||
         reader_get_lock(reader, asked->who, asked->path, asked->name, &asked->locked, error);
}

static gboolean append_description_of(DBusMessageIter *out, gpointer data) {
  const DescribeCall *asked = data;
  DBusMessageIter dict;
  return dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
         wire_end_container(out, &dict,
                            append_description(&dict, asked->schemas, asked->path, asked->name) &&
                                append_text(&dict, "locked", asked->locked) &&
                                append_owners(&dict, asked->owners));
}

static const ReadCallKind describe = {read_place, append_description_of, clear_describe_call,
                                      sizeof(DescribeCall), FALSE};

void handle_describe(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  DescribeCall asked = {.who = face_caller(call), .key = face_take_string(&in)};
  asked.name = face_take_string(&in);
  read_call_run(call, data, &describe, &asked);
}

static gboolean append_problem(DBusMessageIter *out, gconstpointer item) {
  const Problem *problem = item;
  const char *fields[] = {problem->key, problem->name, problem->problem};
  return face_append_strings(out, fields, G_N_ELEMENTS(fields));
}

static gboolean read_problems(Reader *reader, gpointer data, GError **error) {
  ListCall *list = data;
  list->items = reader_validate(reader, list->who, list->key, error);
  return list->items != NULL;
}

static gboolean append_problems(DBusMessageIter *out, gpointer data) {
  const ListCall *list = data;
  return face_append_array(out, "(sss)", list->items, append_problem);
}

static const ReadCallKind validate = {read_problems, append_problems, clear_list_call,
                                      sizeof(ListCall), TRUE};

void handle_validate(DispatchCall *call, gpointer data) {
  ListCall list = begin_list(call);
  read_call_run(call, data, &validate, &list);
}
