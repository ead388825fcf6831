/* SPDX-License-Identifier: MIT */
/* Values, options and errors as D-Bus data, and back.
 *
 * It decides which D-Bus types a value type takes, and never hands libdbus bytes at
 * which it aborts: text is made valid UTF-8, and arrays are measured before they are
 * appended. Signatures of whole calls and limits on stored data are checked elsewhere.
 */
#include "client/bus/wire.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/escape.h"
#include "client/base/protocol.h"

/* A quotation from a call may be as long as the call. */
#define LONGEST_MESSAGE_BYTES 8192U

/* ---- appending ---- */

gboolean wire_append_string(DBusMessageIter *iter, const char *text) {
  if (dbus_validate_utf8(text, NULL))
    return dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &text);
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  const char *replaced = valid;
  return dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &replaced);
}

gboolean wire_end_container(DBusMessageIter *iter, DBusMessageIter *inner, gboolean complete) {
  if (complete)
    return dbus_message_iter_close_container(iter, inner);
  dbus_message_iter_abandon_container(iter, inner);
  return FALSE;
}

static gboolean append_strings(DBusMessageIter *iter, const char *const *strings) {
  DBusMessageIter array;
  if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "s", &array))
    return FALSE;
  gboolean complete = TRUE;
  for (gsize i = 0; strings[i] != NULL && complete; i++)
    complete = wire_append_string(&array, strings[i]);
  return wire_end_container(iter, &array, complete);
}

static gboolean append_bytes(DBusMessageIter *iter, const guint8 *bytes, gsize size) {
  DBusMessageIter array;
  if (size > DBUS_MAXIMUM_ARRAY_LENGTH)
    return FALSE;
  if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "y", &array))
    return FALSE;
  gboolean complete =
      size == 0 || dbus_message_iter_append_fixed_array(&array, DBUS_TYPE_BYTE, &bytes, (int)size);
  return wire_end_container(iter, &array, complete);
}

static gboolean append_value_bytes(DBusMessageIter *iter, const RegistryValue *value) {
  gsize size = 0;
  const guint8 *bytes = registry_value_get_bytes(value, &size);
  return append_bytes(iter, bytes, size);
}

static gboolean append_value_string(DBusMessageIter *iter, const RegistryValue *value) {
  g_autofree char *text = registry_value_dup_string(value);
  return wire_append_string(iter, text);
}

static gboolean append_value_strings(DBusMessageIter *iter, const RegistryValue *value) {
  g_auto(GStrv) strings = registry_value_dup_strings(value);
  return append_strings(iter, (const char *const *)strings);
}

static gboolean append_value_uint32(DBusMessageIter *iter, const RegistryValue *value) {
  guint32 number = 0;
  (void)registry_value_get_uint32(value, &number);
  return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &number);
}

static gboolean append_value_uint64(DBusMessageIter *iter, const RegistryValue *value) {
  guint64 number = 0;
  (void)registry_value_get_uint64(value, &number);
  return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT64, &number);
}

typedef struct {
  const char *signature;
  gboolean (*append)(DBusMessageIter *iter, const RegistryValue *value);
} FormOnWire;

static const FormOnWire forms[] = {
    [REGISTRY_FORM_BYTES] = {"ay", append_value_bytes},
    [REGISTRY_FORM_STRING] = {"s", append_value_string},
    [REGISTRY_FORM_STRINGS] = {"as", append_value_strings},
    [REGISTRY_FORM_UINT32] = {"u", append_value_uint32},
    [REGISTRY_FORM_UINT64] = {"t", append_value_uint64},
};

static gboolean append_value_digits(DBusMessageIter *iter, const RegistryValue *value) {
  guint64 number = 0;
  (void)registry_value_get_uint64(value, &number);
  g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, number);
  return wire_append_string(iter, digits);
}

static const FormOnWire digits = {"s", append_value_digits};

gboolean wire_append_value_as(DBusMessageIter *iter, const RegistryValue *value, gboolean as_text) {
  RegistryForm kind = registry_value_get_form(value);
  const FormOnWire *form = as_text && kind == REGISTRY_FORM_UINT64 ? &digits : &forms[kind];
  DBusMessageIter variant;
  if (!dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, form->signature, &variant))
    return FALSE;
  return wire_end_container(iter, &variant, form->append(&variant, value));
}

gboolean wire_append_value(DBusMessageIter *iter, const RegistryValue *value) {
  return wire_append_value_as(iter, value, FALSE);
}

/* ---- appending entries of a{sv} ---- */

/* Opens {name: variant of @signature}; FALSE leaves nothing open. */
static gboolean open_entry(DBusMessageIter *dict, DBusMessageIter *entry, DBusMessageIter *variant,
                           const char *name, const char *signature) {
  if (!dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, entry))
    return FALSE;
  if (wire_append_string(entry, name) &&
      dbus_message_iter_open_container(entry, DBUS_TYPE_VARIANT, signature, variant))
    return TRUE;
  dbus_message_iter_abandon_container(dict, entry);
  return FALSE;
}

static gboolean close_entry(DBusMessageIter *dict, DBusMessageIter *entry, DBusMessageIter *variant,
                            gboolean complete) {
  complete = wire_end_container(entry, variant, complete);
  return wire_end_container(dict, entry, complete);
}

static gboolean append_entry_basic(DBusMessageIter *dict, const char *name, int type,
                                   const char *signature, const void *content) {
  DBusMessageIter entry;
  DBusMessageIter variant;
  if (!open_entry(dict, &entry, &variant, name, signature))
    return FALSE;
  return close_entry(dict, &entry, &variant,
                     dbus_message_iter_append_basic(&variant, type, content));
}

gboolean wire_append_entry_string(DBusMessageIter *dict, const char *name, const char *text) {
  DBusMessageIter entry;
  DBusMessageIter variant;
  if (!open_entry(dict, &entry, &variant, name, "s"))
    return FALSE;
  return close_entry(dict, &entry, &variant, wire_append_string(&variant, text));
}

gboolean wire_append_entry_uint32(DBusMessageIter *dict, const char *name, guint32 number) {
  return append_entry_basic(dict, name, DBUS_TYPE_UINT32, "u", &number);
}

gboolean wire_append_entry_uint64(DBusMessageIter *dict, const char *name, guint64 number) {
  return append_entry_basic(dict, name, DBUS_TYPE_UINT64, "t", &number);
}

gboolean wire_append_entry_boolean(DBusMessageIter *dict, const char *name, gboolean truth) {
  /* libdbus refuses any other number than these two. */
  dbus_bool_t content = truth ? TRUE : FALSE;
  return append_entry_basic(dict, name, DBUS_TYPE_BOOLEAN, "b", &content);
}

gboolean wire_append_entry_strings(DBusMessageIter *dict, const char *name,
                                   const char *const *strings) {
  DBusMessageIter entry;
  DBusMessageIter variant;
  if (!open_entry(dict, &entry, &variant, name, "as"))
    return FALSE;
  return close_entry(dict, &entry, &variant, append_strings(&variant, strings));
}

gboolean wire_append_entry_value_as(DBusMessageIter *dict, const char *name,
                                    const RegistryValue *value, gboolean as_text) {
  DBusMessageIter entry;
  if (!dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry))
    return FALSE;
  return wire_end_container(dict, &entry,
                            wire_append_string(&entry, name) &&
                                wire_append_value_as(&entry, value, as_text));
}

gboolean wire_append_entry_value(DBusMessageIter *dict, const char *name,
                                 const RegistryValue *value) {
  return wire_append_entry_value_as(dict, name, value, FALSE);
}

/* ---- reading values ---- */

/* What the natural form of each type is on the bus; the others take only bytes. Bytes are
 * accepted for all of them. */
static const char *natural_signature(guint32 type) {
  static const char *const signatures[] = {
      [REGISTRY_SZ] = "s",    [REGISTRY_EXPAND_SZ] = "s",
      [REGISTRY_DWORD] = "u", [REGISTRY_DWORD_BIG_ENDIAN] = "u",
      [REGISTRY_LINK] = "s",  [REGISTRY_MULTI_SZ] = "as",
      [REGISTRY_QWORD] = "t",
  };
  return type < G_N_ELEMENTS(signatures) ? signatures[type] : NULL;
}

static RegistryValue *read_bytes(DBusMessageIter *iter, guint32 type,
                                 G_GNUC_UNUSED GError **error) {
  DBusMessageIter array;
  const guint8 *bytes = NULL;
  int size = 0;
  dbus_message_iter_recurse(iter, &array);
  dbus_message_iter_get_fixed_array(&array, &bytes, &size);
  return registry_value_new_bytes(type, bytes, (gsize)size);
}

static RegistryValue *read_string(DBusMessageIter *iter, guint32 type, GError **error) {
  const char *text = NULL;
  dbus_message_iter_get_basic(iter, &text);
  return registry_value_new_string(type, text, error);
}

static RegistryValue *read_strings(DBusMessageIter *iter, G_GNUC_UNUSED guint32 type,
                                   GError **error) {
  g_autoptr(GPtrArray) strings = g_ptr_array_new();
  DBusMessageIter array;
  dbus_message_iter_recurse(iter, &array);
  for (; dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRING;
       dbus_message_iter_next(&array)) {
    char *text = NULL;
    dbus_message_iter_get_basic(&array, &text);
    g_ptr_array_add(strings, text);
  }
  g_ptr_array_add(strings, NULL);
  return registry_value_new_strings((const char *const *)strings->pdata, error);
}

static RegistryValue *read_uint32(DBusMessageIter *iter, guint32 type, GError **error) {
  guint32 number = 0;
  dbus_message_iter_get_basic(iter, &number);
  return registry_value_new_uint32(type, number, error);
}

static RegistryValue *read_uint64(DBusMessageIter *iter, G_GNUC_UNUSED guint32 type,
                                  G_GNUC_UNUSED GError **error) {
  dbus_uint64_t number = 0;
  dbus_message_iter_get_basic(iter, &number);
  return registry_value_new_uint64(number);
}

typedef RegistryValue *(*ValueReader)(DBusMessageIter *iter, guint32 type, GError **error);

static ValueReader find_reader(const char *signature) {
  static const struct {
    const char *signature;
    ValueReader read;
  } readers[] = {
      {"ay", read_bytes}, {"s", read_string}, {"as", read_strings},
      {"u", read_uint32}, {"t", read_uint64},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(readers); i++)
    if (g_str_equal(readers[i].signature, signature))
      return readers[i].read;
  return NULL;
}

static void refuse_signature(guint32 type, const char *given, const char *key, const char *name,
                             GError **error) {
  const char *natural = natural_signature(type);
  const char *type_name = registry_type_get_name(type);
  g_autofree char *number = g_strdup_printf("type %u", type);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: value \"%s\": %s takes %s%say, not %s", key,
            name, type_name != NULL ? type_name : number, natural != NULL ? natural : "",
            natural != NULL ? " or " : "", given);
}

/* Signatures are made of memory of libdbus's. Without any, an empty one would be taken for the
 * caller's mistake. */
char *wire_dup_signature(DBusMessageIter *iter) {
  char *signature = dbus_message_iter_get_signature(iter);
  if (signature == NULL)
    g_error("out of memory");
  char *copy = g_strdup(signature);
  dbus_free(signature);
  return copy;
}

RegistryValue *wire_read_content(DBusMessageIter *content, guint32 type, const char *key,
                                 const char *name, GError **error) {
  g_autofree char *signature = wire_dup_signature(content);
  const char *natural = natural_signature(type);
  ValueReader read = find_reader(signature);
  gboolean taken =
      g_str_equal(signature, "ay") || (natural != NULL && g_str_equal(signature, natural));
  if (read == NULL || !taken) {
    refuse_signature(type, signature, key, name, error);
    return NULL;
  }
  RegistryValue *value = read(content, type, error);
  if (value == NULL)
    g_prefix_error(error, "%s: value \"%s\": ", key, name);
  return value;
}

RegistryValue *wire_read_value(DBusMessageIter *iter, guint32 type, const char *key,
                               const char *name, GError **error) {
  if (dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_VARIANT) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s: value \"%s\": data must be a variant",
              key, name);
    return NULL;
  }
  DBusMessageIter content;
  dbus_message_iter_recurse(iter, &content);
  return wire_read_content(&content, type, key, name, error);
}

/* ---- size ---- */

/* libdbus tells the size of a message only by writing it out, which for a short one takes less than
 * going through its parts. */
gsize wire_measure(DBusMessage *message) {
  char *bytes = NULL;
  int size = 0;
  if (message == NULL || !dbus_message_marshal(message, &bytes, &size))
    return 0;
  dbus_free(bytes);
  return (gsize)size;
}

gsize wire_measure_call(DBusMessage *call) {
  return wire_measure(call) + (dbus_message_contains_unix_fds(call) ? LIMIT_DESCRIPTORS_BYTES : 0);
}

/* ---- options ---- */

struct WireOptions {
  GHashTable *entries; /* name, borrowed from the message -> DBusMessageIter at the content */
};

WireOptions *wire_options_read(DBusMessageIter *array, GError **error) {
  g_autofree char *signature = wire_dup_signature(array);
  if (!g_str_equal(signature, "a{sv}")) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "options must be a{sv}, not \"%s\"",
              signature);
    return NULL;
  }
  guint count = 0;
  g_autoptr(WireOptions) options = g_new0(WireOptions, 1);
  options->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  DBusMessageIter entry;
  dbus_message_iter_recurse(array, &entry);
  for (; dbus_message_iter_get_arg_type(&entry) == DBUS_TYPE_DICT_ENTRY;
       dbus_message_iter_next(&entry)) {
    if (++count > LIMIT_OPTIONS) {
      error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "more than %u options", LIMIT_OPTIONS);
      return NULL;
    }
    DBusMessageIter part;
    char *name = NULL;
    DBusMessageIter *content = g_new0(DBusMessageIter, 1);
    dbus_message_iter_recurse(&entry, &part);
    dbus_message_iter_get_basic(&part, &name);
    dbus_message_iter_next(&part);
    dbus_message_iter_recurse(&part, content);
    g_hash_table_replace(options->entries, name, content);
  }
  return g_steal_pointer(&options);
}

void wire_options_free(WireOptions *options) {
  if (options == NULL)
    return;
  g_hash_table_unref(options->entries);
  g_free(options);
}

gboolean wire_options_has(const WireOptions *options, const char *name) {
  return g_hash_table_contains(options->entries, name);
}

gboolean wire_options_get_content(const WireOptions *options, const char *name,
                                  DBusMessageIter *content) {
  const DBusMessageIter *found = g_hash_table_lookup(options->entries, name);
  if (found != NULL)
    *content = *found;
  return found != NULL;
}

/* TRUE where absent or of @type; *@present says which. */
static gboolean get_basic(const WireOptions *options, const char *name, int type, void *out,
                          GError **error) {
  DBusMessageIter content;
  if (!wire_options_get_content(options, name, &content))
    return TRUE;
  if (dbus_message_iter_get_arg_type(&content) != type) {
    g_autofree char *given = wire_dup_signature(&content);
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "option \"%s\" must be %c, not %s",
                     name, type, given);
  }
  dbus_message_iter_get_basic(&content, out);
  return TRUE;
}

gboolean wire_options_get_boolean(const WireOptions *options, const char *name, gboolean *out,
                                  GError **error) {
  dbus_bool_t truth = *out ? TRUE : FALSE;
  if (!get_basic(options, name, DBUS_TYPE_BOOLEAN, &truth, error))
    return FALSE;
  *out = truth ? TRUE : FALSE;
  return TRUE;
}

gboolean wire_options_get_uint32(const WireOptions *options, const char *name, guint32 *out,
                                 GError **error) {
  return get_basic(options, name, DBUS_TYPE_UINT32, out, error);
}

gboolean wire_options_get_uint64(const WireOptions *options, const char *name, guint64 *out,
                                 GError **error) {
  return get_basic(options, name, DBUS_TYPE_UINT64, out, error);
}

gboolean wire_options_get_string(const WireOptions *options, const char *name, const char **out,
                                 GError **error) {
  return get_basic(options, name, DBUS_TYPE_STRING, out, error);
}

/* ---- errors ---- */

/* Names of the bus's own and of libdbus, which no method of the registry
 * answers with. */
static const struct {
  const char *name;
  RegistryError code;
} bus_errors[] = {
    {DBUS_ERROR_SERVICE_UNKNOWN, REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR_NAME_HAS_NO_OWNER, REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR_NO_REPLY, REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR_TIMEOUT, REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR_TIMED_OUT, REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR_DISCONNECTED, REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR_NO_SERVER, REGISTRY_ERROR_UNREACHABLE},
    {DBUS_ERROR_LIMITS_EXCEEDED, REGISTRY_ERROR_LIMIT_EXCEEDED},
    {DBUS_ERROR_UNKNOWN_METHOD, REGISTRY_ERROR_NOT_SUPPORTED},
    {DBUS_ERROR_UNKNOWN_INTERFACE, REGISTRY_ERROR_NOT_SUPPORTED},
    {DBUS_ERROR_UNKNOWN_OBJECT, REGISTRY_ERROR_NOT_SUPPORTED},
};

static RegistryError code_from_bus_name(const char *name) {
  for (gsize i = 0; i < G_N_ELEMENTS(bus_errors); i++)
    if (g_str_equal(bus_errors[i].name, name))
      return bus_errors[i].code;
  return error_from_bus_name(name);
}

DBusMessage *wire_new_error(DBusMessage *call, const GError *error) {
  RegistryError code =
      error->domain == REGISTRY_ERROR ? (RegistryError)error->code : REGISTRY_ERROR_FAILED;
  g_autofree char *message = escape_dup(error->message, -1, LONGEST_MESSAGE_BYTES);
  return dbus_message_new_error(call, error_get_bus_name(code), message);
}

static void set_from_names(const char *name, const char *message, GError **error) {
  if (name == NULL)
    name = DBUS_ERROR_FAILED;
  gboolean said = message != NULL && *message != '\0';
  error_set(error, code_from_bus_name(name), "%s", said ? message : name);
}

gboolean wire_take_error(DBusMessage *reply, GError **error) {
  if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_ERROR)
    return FALSE;
  DBusMessageIter iter;
  const char *message = NULL;
  if (dbus_message_iter_init(reply, &iter) &&
      dbus_message_iter_get_arg_type(&iter) == DBUS_TYPE_STRING)
    dbus_message_iter_get_basic(&iter, &message);
  set_from_names(dbus_message_get_error_name(reply), message, error);
  return TRUE;
}

gboolean wire_take_dbus_error(DBusError *problem, GError **error) {
  set_from_names(problem->name, problem->message, error);
  dbus_error_free(problem);
  return FALSE;
}
