/* SPDX-License-Identifier: MIT */
/* The JSON of an export (see export.h). */
#include "client/base/json.h"
#include "regd/files/export-format.h"

typedef struct {
  GString *text; /* what is not in @out yet */
  gboolean key_before, value_before;
} Printer;

static void flush(Printer *printer, GByteArray *out) {
  g_byte_array_append(out, (const guint8 *)printer->text->str, (guint)printer->text->len);
  g_string_truncate(printer->text, 0);
}

static gpointer begin(G_GNUC_UNUSED const ExportOptions *options, const char *path,
                      GByteArray *out) {
  Printer *printer = g_new0(Printer, 1);
  printer->text = g_string_new(NULL);
  Json json = {.text = printer->text};
  json_begin(&json, '{');
  json_member_string(&json, "format", "regd");
  json_member_number(&json, "version", 1);
  json_member_string(&json, "path", path);
  json_name(&json, "keys");
  json_begin(&json, '[');
  flush(printer, out);
  return printer;
}

static void write_acl(Json *json, const Acl *acl) {
  guint count = 0;
  const AclEntry *entries = acl_get_entries(acl, &count);
  json_name(json, "acl");
  json_begin(json, '[');
  for (guint i = 0; i < count; i++) {
    json_begin(json, '{');
    json_member_string(json, "principal", entries[i].principal);
    json_member_string(json, "level", access_level_get_name(entries[i].level));
    json_end(json, '}');
  }
  json_end(json, ']');
}

static void end_values(Printer *printer) {
  if (printer->key_before)
    g_string_append(printer->text, "]}");
}

static void write_key(gpointer data, const char *path, const VisitedKey *key, GByteArray *out) {
  Printer *printer = data;
  end_values(printer);
  g_string_append(printer->text, printer->key_before ? ",\n" : "\n");
  Json json = {.text = printer->text};
  json_begin(&json, '{');
  json_member_string(&json, "path", path);
  if (key->class_name != NULL)
    json_member_string(&json, "class", key->class_name);
  if (key->link != NULL)
    json_member_string(&json, "link", key->link);
  if (key->is_volatile)
    json_member_boolean(&json, "volatile", TRUE);
  if (key->own != NULL)
    write_acl(&json, key->own);
  json_name(&json, "values");
  json_begin(&json, '[');
  printer->key_before = TRUE;
  printer->value_before = FALSE;
  flush(printer, out);
}

/* The natural form in JSON; what it would be stored as. */
static RegistryValue *write_string(Json *json, const RegistryValue *value) {
  g_autofree char *text = registry_value_dup_string(value);
  json_string(json, text);
  return registry_value_new_string(registry_value_get_type(value), text, NULL);
}

static RegistryValue *write_strings(Json *json, const RegistryValue *value) {
  g_auto(GStrv) texts = registry_value_dup_strings(value);
  json_begin(json, '[');
  for (guint i = 0; texts[i] != NULL; i++)
    json_string(json, texts[i]);
  json_end(json, ']');
  return registry_value_new_strings((const char *const *)texts, NULL);
}

static RegistryValue *write_number(Json *json, const RegistryValue *value) {
  guint32 small = 0;
  guint64 number = 0;
  if (registry_value_get_uint32(value, &small))
    number = small;
  else
    (void)registry_value_get_uint64(value, &number);
  json_number(json, number);
  return registry_value_ref(value);
}

static gboolean takes_bytes(guint32 type) {
  static const guint32 others[] = {REGISTRY_SZ,    REGISTRY_EXPAND_SZ,        REGISTRY_LINK,
                                   REGISTRY_DWORD, REGISTRY_DWORD_BIG_ENDIAN, REGISTRY_MULTI_SZ,
                                   REGISTRY_QWORD};
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
    if (others[i] == type)
      return FALSE;
  return TRUE;
}

static void write_hex(Json *json, const char *member, const RegistryValue *value) {
  gsize size = 0;
  const guint8 *bytes = registry_value_get_bytes(value, &size);
  json_name(json, member);
  json_bytes(json, bytes, size);
}

static void write_data(Json *json, const RegistryValue *value) {
  static RegistryValue *(*const writers[])(Json *, const RegistryValue *) = {
      [REGISTRY_FORM_STRING] = write_string,
      [REGISTRY_FORM_STRINGS] = write_strings,
      [REGISTRY_FORM_UINT32] = write_number,
      [REGISTRY_FORM_UINT64] = write_number,
  };
  RegistryForm form = registry_value_get_form(value);
  if (form == REGISTRY_FORM_BYTES) {
    write_hex(json, "data", value);
    if (!takes_bytes(registry_value_get_type(value)))
      json_member_boolean(json, "malformed", TRUE);
    return;
  }
  json_name(json, "data");
  g_autoptr(RegistryValue) natural = writers[form](json, value);
  guint64 number = 0;
  if (registry_value_get_uint64(value, &number))
    json_member_digits(json, number);
  if (!registry_value_equal(natural, value))
    write_hex(json, "bytes", value);
}

static void write_value(gpointer data, const NamedValue *value, GByteArray *out) {
  Printer *printer = data;
  guint32 type = registry_value_get_type(value->value);
  const char *type_name = registry_type_get_name(type);
  g_string_append(printer->text, printer->value_before ? ",\n " : "\n ");
  Json json = {.text = printer->text};
  json_begin(&json, '{');
  json_member_string(&json, "name", value->name);
  if (type_name != NULL)
    json_member_string(&json, "type", type_name);
  else
    json_member_number(&json, "type", type);
  write_data(&json, value->value);
  json_end(&json, '}');
  printer->value_before = TRUE;
  flush(printer, out);
}

static void end(gpointer data, GByteArray *out) {
  Printer *printer = data;
  end_values(printer);
  g_string_append(printer->text, "]}\n");
  flush(printer, out);
}

static void printer_free(gpointer data) {
  Printer *printer = data;
  g_string_free(printer->text, TRUE);
  g_free(printer);
}

const ExportPrinter export_json = {begin, write_key, write_value, end, printer_free};
