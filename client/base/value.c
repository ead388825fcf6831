/* SPDX-License-Identifier: MIT */
/* Values: a type number and its bytes as Windows lays them out, and the form that the
 * bytes have. Terminators and well-formedness are handled here; limits, schemas and the
 * bus are not.
 *
 * The form is decided once, when the value is made: every read asks for it, and the
 * bytes never change. */
#include "client/base/value.h"

#include "client/base/error.h"
#include "client/base/text.h"

#include <string.h>

struct RegistryValue {
  gint references;
  guint32 type;
  RegistryForm form;
  gsize size;
  guint8 bytes[];
};

static const struct {
  const char *name;
  const char *short_name; /* or NULL */
} type_names[] = {
    [REGISTRY_NONE] = {"REG_NONE", "none"},
    [REGISTRY_SZ] = {"REG_SZ", "sz"},
    [REGISTRY_EXPAND_SZ] = {"REG_EXPAND_SZ", "expand"},
    [REGISTRY_BINARY] = {"REG_BINARY", "binary"},
    [REGISTRY_DWORD] = {"REG_DWORD", "dword"},
    [REGISTRY_DWORD_BIG_ENDIAN] = {"REG_DWORD_BIG_ENDIAN", "dword-be"},
    [REGISTRY_LINK] = {"REG_LINK", "link"},
    [REGISTRY_MULTI_SZ] = {"REG_MULTI_SZ", "multi"},
    [REGISTRY_RESOURCE_LIST] = {"REG_RESOURCE_LIST", NULL},
    [REGISTRY_FULL_RESOURCE_DESCRIPTOR] = {"REG_FULL_RESOURCE_DESCRIPTOR", NULL},
    [REGISTRY_RESOURCE_REQUIREMENTS_LIST] = {"REG_RESOURCE_REQUIREMENTS_LIST", NULL},
    [REGISTRY_QWORD] = {"REG_QWORD", "qword"},
};

static RegistryValue *value_allocate(guint32 type, RegistryForm form, gsize size) {
  RegistryValue *value = g_malloc(sizeof(RegistryValue) + size);
  value->references = 1;
  value->type = type;
  value->form = form;
  value->size = size;
  return value;
}

static gboolean type_is_terminated(guint32 type) {
  return type == REGISTRY_SZ || type == REGISTRY_EXPAND_SZ || type == REGISTRY_MULTI_SZ;
}

static gboolean type_is_text(guint32 type) {
  return type_is_terminated(type) || type == REGISTRY_LINK;
}

static RegistryForm find_text_form(guint32 type, const TextScan *scan) {
  if (!scan->well_formed)
    return REGISTRY_FORM_BYTES;
  if (type == REGISTRY_MULTI_SZ)
    return !scan->empty_inside && scan->trailing_nuls <= 2 ? REGISTRY_FORM_STRINGS
                                                           : REGISTRY_FORM_BYTES;
  return scan->inner_nuls == 0 && scan->trailing_nuls <= 1 ? REGISTRY_FORM_STRING
                                                           : REGISTRY_FORM_BYTES;
}

static RegistryForm find_number_form(guint32 type, gsize size) {
  if ((type == REGISTRY_DWORD || type == REGISTRY_DWORD_BIG_ENDIAN) && size == 4)
    return REGISTRY_FORM_UINT32;
  if (type == REGISTRY_QWORD && size == 8)
    return REGISTRY_FORM_UINT64;
  return REGISTRY_FORM_BYTES;
}

static RegistryValue *new_text_bytes(guint32 type, gconstpointer bytes, gsize size) {
  TextScan scan;
  text_scan_utf16(bytes, size, &scan);
  gboolean terminate =
      type_is_terminated(type) && scan.well_formed && scan.units > 0 && scan.trailing_nuls == 0;
  if (terminate)
    scan.trailing_nuls = 1;
  RegistryValue *value =
      value_allocate(type, find_text_form(type, &scan), size + (terminate ? 2 : 0));
  if (size > 0)
    memcpy(value->bytes, bytes, size);
  if (terminate)
    memset(value->bytes + size, 0, 2);
  return value;
}

RegistryValue *registry_value_new_bytes(guint32 type, gconstpointer bytes, gsize size) {
  if (type_is_text(type))
    return new_text_bytes(type, bytes, size);
  RegistryValue *value = value_allocate(type, find_number_form(type, size), size);
  if (size > 0)
    memcpy(value->bytes, bytes, size);
  return value;
}

RegistryValue *value_new_text(guint32 type, const char *text, gsize length) {
  gsize size = 2 * text_count_units(text, length);
  gsize terminator = type_is_terminated(type) ? 2 : 0;
  RegistryValue *value = value_allocate(type, REGISTRY_FORM_STRING, size + terminator);
  text_utf8_to_utf16(text, length, value->bytes);
  memset(value->bytes + size, 0, terminator);
  return value;
}

RegistryValue *value_new_units(guint32 type, const char *text, gsize length) {
  gsize size = 2 * text_count_units(text, length);
  g_autofree guint8 *bytes = g_malloc(size + 2);
  text_utf8_to_utf16(text, length, bytes);
  memset(bytes + size, 0, 2);
  return registry_value_new_bytes(type, bytes, size + 2);
}

RegistryValue *registry_value_new_string(guint32 type, const char *text, GError **error) {
  if (!type_is_text(type) || type == REGISTRY_MULTI_SZ) {
    g_autofree char *name = value_dup_type_name(type);
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "%s does not take a string; REG_SZ, REG_EXPAND_SZ and REG_LINK do", name);
    return NULL;
  }
  gsize length = strlen(text);
  if (!text_is_ascii(text, length) && !g_utf8_validate_len(text, length, NULL)) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the string is not valid UTF-8");
    return NULL;
  }
  return value_new_text(type, text, length);
}

/* Bytes that @strings take as UTF-16 with a NUL each; FALSE if one can't be in a
 * REG_MULTI_SZ. */
static gboolean measure_strings(const char *const *strings, gsize *size, GError **error) {
  *size = 0;
  for (; *strings != NULL; strings++) {
    gsize length = strlen(*strings);
    if (length == 0)
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                       "REG_MULTI_SZ takes no empty strings inside");
    if (!g_utf8_validate_len(*strings, length, NULL))
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the string is not valid UTF-8");
    *size += 2 * text_count_units(*strings, length) + 2;
  }
  return TRUE;
}

RegistryValue *registry_value_new_strings(const char *const *strings, GError **error) {
  gsize size;
  if (!measure_strings(strings, &size, error))
    return NULL;
  /* A NUL after each string and one at the end; so [] is a single NUL, which is
   * what Windows' own tools write for an empty list. */
  RegistryValue *value = value_allocate(REGISTRY_MULTI_SZ, REGISTRY_FORM_STRINGS, size + 2);
  guint8 *out = value->bytes;
  for (; *strings != NULL; strings++) {
    gsize length = strlen(*strings);
    text_utf8_to_utf16(*strings, length, out);
    out += 2 * text_count_units(*strings, length);
    memset(out, 0, 2);
    out += 2;
  }
  memset(out, 0, 2);
  return value;
}

RegistryValue *value_new_uint32(guint32 type, guint32 number) {
  RegistryValue *value = value_allocate(type, REGISTRY_FORM_UINT32, sizeof number);
  guint32 stored =
      type == REGISTRY_DWORD_BIG_ENDIAN ? GUINT32_TO_BE(number) : GUINT32_TO_LE(number);
  memcpy(value->bytes, &stored, sizeof stored);
  return value;
}

RegistryValue *registry_value_new_uint32(guint32 type, guint32 number, GError **error) {
  if (type == REGISTRY_DWORD || type == REGISTRY_DWORD_BIG_ENDIAN)
    return value_new_uint32(type, number);
  g_autofree char *name = value_dup_type_name(type);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE,
            "%s does not take a 32-bit number; REG_DWORD and REG_DWORD_BIG_ENDIAN do", name);
  return NULL;
}

RegistryValue *registry_value_new_uint64(guint64 number) {
  RegistryValue *value = value_allocate(REGISTRY_QWORD, REGISTRY_FORM_UINT64, sizeof number);
  guint64 stored = GUINT64_TO_LE(number);
  memcpy(value->bytes, &stored, sizeof stored);
  return value;
}

RegistryValue *registry_value_ref(const RegistryValue *value) {
  /* The count is the one part that is not constant. */
  RegistryValue *counted = (RegistryValue *)(guintptr)value;
  g_atomic_int_inc(&counted->references);
  return counted;
}

void registry_value_unref(RegistryValue *value) {
  if (value != NULL && g_atomic_int_dec_and_test(&value->references))
    g_free(value);
}

guint32 registry_value_get_type(const RegistryValue *value) {
  return value->type;
}

RegistryForm registry_value_get_form(const RegistryValue *value) {
  return value->form;
}

const guint8 *registry_value_get_bytes(const RegistryValue *value, gsize *size) {
  *size = value->size;
  return value->bytes;
}

static gboolean unit_is_nul(const RegistryValue *value, gsize unit) {
  return value->bytes[2 * unit] == 0 && value->bytes[2 * unit + 1] == 0;
}

/* Units before the NULs at the end. */
static gsize count_text_units(const RegistryValue *value) {
  gsize units = value->size / 2;
  while (units > 0 && unit_is_nul(value, units - 1))
    units--;
  return units;
}

char *registry_value_dup_string(const RegistryValue *value) {
  if (value->form != REGISTRY_FORM_STRING)
    return NULL;
  return text_utf16_to_utf8(value->bytes, count_text_units(value), NULL);
}

char **registry_value_dup_strings(const RegistryValue *value) {
  if (value->form != REGISTRY_FORM_STRINGS)
    return NULL;
  g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
  gsize units = count_text_units(value);
  for (gsize start = 0; start < units;) {
    gsize end = start;
    while (end < units && !unit_is_nul(value, end))
      end++;
    g_ptr_array_add(strings, text_utf16_to_utf8(value->bytes + 2 * start, end - start, NULL));
    start = end + 1;
  }
  g_ptr_array_add(strings, NULL);
  return (char **)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
}

gboolean registry_value_get_uint32(const RegistryValue *value, guint32 *number) {
  if (value->form != REGISTRY_FORM_UINT32)
    return FALSE;
  guint32 stored;
  memcpy(&stored, value->bytes, sizeof stored);
  *number =
      value->type == REGISTRY_DWORD_BIG_ENDIAN ? GUINT32_FROM_BE(stored) : GUINT32_FROM_LE(stored);
  return TRUE;
}

gboolean registry_value_get_uint64(const RegistryValue *value, guint64 *number) {
  if (value->form != REGISTRY_FORM_UINT64)
    return FALSE;
  guint64 stored;
  memcpy(&stored, value->bytes, sizeof stored);
  *number = GUINT64_FROM_LE(stored);
  return TRUE;
}

gboolean registry_value_equal(const RegistryValue *a, const RegistryValue *b) {
  if (a == b)
    return TRUE;
  if (a == NULL || b == NULL || a->type != b->type || a->size != b->size)
    return FALSE;
  return memcmp(a->bytes, b->bytes, a->size) == 0;
}

const char *registry_type_get_name(guint32 type) {
  return type < G_N_ELEMENTS(type_names) ? type_names[type].name : NULL;
}

char *value_dup_type_name(guint32 type) {
  const char *name = registry_type_get_name(type);
  return name != NULL ? g_strdup(name) : g_strdup_printf("type 0x%x", type);
}

static gboolean parse_type_number(const char *text, guint32 *type) {
  guint base = g_ascii_strncasecmp(text, "0x", 2) == 0 ? 16 : 10;
  guint64 number;
  if (!g_ascii_string_to_unsigned(base == 16 ? text + 2 : text, base, 0, G_MAXUINT32, &number,
                                  NULL))
    return FALSE;
  *type = (guint32)number;
  return TRUE;
}

gboolean registry_type_parse(const char *text, guint32 *type) {
  for (guint32 i = 0; i < G_N_ELEMENTS(type_names); i++) {
    const char *short_name = type_names[i].short_name;
    if (g_ascii_strcasecmp(text, type_names[i].name) == 0 ||
        (short_name != NULL && g_ascii_strcasecmp(text, short_name) == 0)) {
      *type = i;
      return TRUE;
    }
  }
  return parse_type_number(text, type);
}
