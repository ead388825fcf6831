/* SPDX-License-Identifier: MIT */
/* Printing .reg files the way regedit lays them out: CRLF, an empty line before
 * each key, hex data wrapped where Windows wraps it. Each piece is made as UTF-8
 * and encoded at once. */
#include "client/base/text.h"
#include "client/regfile/regfile.h"
#include "client/regfile/windows-1252.h"

#include <string.h>

#define LINE_END "\r\n"
#define WRAP_COLUMN 77 /* a line breaks after the comma that reaches it */
#define WRAP_INDENT "  "

struct RegfilePrinter {
  RegfileVersion version;
  RegfileEncoding encoding;
  GString *piece;
};

static const char *const headers[] = {
    [REGFILE_VERSION_4] = "REGEDIT4",
    [REGFILE_VERSION_5] = "Windows Registry Editor Version 5.00",
};

RegfilePrinter *regfile_printer_new(RegfileVersion version, RegfileEncoding encoding) {
  RegfilePrinter *printer = g_new0(RegfilePrinter, 1);
  printer->version = version;
  printer->encoding = encoding;
  printer->piece = g_string_new(NULL);
  return printer;
}

void regfile_printer_free(RegfilePrinter *printer) {
  if (printer == NULL)
    return;
  g_string_free(printer->piece, TRUE);
  g_free(printer);
}

/* Encodes the piece onto the end of @out and begins a new one. */
static void flush(RegfilePrinter *printer, GByteArray *out) {
  GString *piece = printer->piece;
  if (printer->encoding == REGFILE_UTF8) {
    g_byte_array_append(out, (const guint8 *)piece->str, (guint)piece->len);
  } else {
    guint kept = out->len;
    g_byte_array_set_size(out, kept + 2 * (guint)text_count_units(piece->str, piece->len));
    text_utf8_to_utf16(piece->str, piece->len, out->data + kept);
  }
  g_string_truncate(piece, 0);
}

void regfile_printer_begin(RegfilePrinter *printer, GByteArray *out) {
  static const guint8 mark[] = {0xFF, 0xFE};
  if (printer->encoding == REGFILE_UTF16)
    g_byte_array_append(out, mark, sizeof mark);
  g_string_append(printer->piece, headers[printer->version]);
  g_string_append(printer->piece, LINE_END);
  flush(printer, out);
}

void regfile_printer_key(RegfilePrinter *printer, const char *path, GByteArray *out) {
  g_string_append_printf(printer->piece, LINE_END "[%s]" LINE_END, path);
  flush(printer, out);
}

void regfile_printer_no_key(RegfilePrinter *printer, const char *path, GByteArray *out) {
  g_string_append_printf(printer->piece, LINE_END "[-%s]" LINE_END, path);
  flush(printer, out);
}

void regfile_printer_end(RegfilePrinter *printer, GByteArray *out) {
  g_string_append(printer->piece, LINE_END);
  flush(printer, out);
}

static void print_quoted(GString *piece, const char *text) {
  static const char specials[] = "\\\"\r\n";
  static const char letters[] = "\\\"rn";
  g_string_append_c(piece, '"');
  while (*text != '\0') {
    gsize plain = strcspn(text, specials);
    g_string_append_len(piece, text, (gssize)plain);
    text += plain;
    if (*text == '\0')
      break;
    g_string_append_c(piece, '\\');
    g_string_append_c(piece, letters[strchr(specials, *text) - specials]);
    text++;
  }
  g_string_append_c(piece, '"');
}

static void print_hex_bytes(GString *piece, const guint8 *bytes, gsize size) {
  static const char digits[] = "0123456789abcdef";
  gsize column = text_count_units(piece->str, piece->len);
  for (gsize i = 0; i < size; i++) {
    g_string_append_c(piece, digits[bytes[i] >> 4]);
    g_string_append_c(piece, digits[bytes[i] & 0xF]);
    if (i + 1 == size)
      return;
    g_string_append_c(piece, ',');
    column += strlen("hh,");
    if (column >= WRAP_COLUMN) {
      g_string_append(piece, "\\" LINE_END WRAP_INDENT);
      column = strlen(WRAP_INDENT);
    }
  }
}

/* The text of @value as 8-bit characters; NULL if it has others, or is no whole number of
 * UTF-16 units. */
static GByteArray *encode_eight_bit(const guint8 *bytes, gsize size) {
  if (size % 2 != 0)
    return NULL;
  g_autoptr(GByteArray) encoded = g_byte_array_sized_new((guint)size / 2);
  for (gsize i = 0; i < size; i += 2) {
    guint8 byte;
    if (!windows_1252_encode((guint16)(bytes[i] | bytes[i + 1] << 8), &byte))
      return NULL;
    g_byte_array_append(encoded, &byte, 1);
  }
  return g_steal_pointer(&encoded);
}

static gboolean is_eight_bit_type(guint32 type) {
  return type == REGISTRY_SZ || type == REGISTRY_EXPAND_SZ || type == REGISTRY_MULTI_SZ;
}

static void print_hex(const RegfilePrinter *printer, const RegistryValue *value) {
  gsize size;
  const guint8 *bytes = registry_value_get_bytes(value, &size);
  guint32 type = registry_value_get_type(value);
  if (type == REGISTRY_BINARY)
    g_string_append(printer->piece, "hex:");
  else
    g_string_append_printf(printer->piece, "hex(%x):", type);
  if (printer->version != REGFILE_VERSION_4 || !is_eight_bit_type(type)) {
    print_hex_bytes(printer->piece, bytes, size);
    return;
  }
  g_autoptr(GByteArray) encoded = encode_eight_bit(bytes, size);
  if (encoded != NULL) {
    print_hex_bytes(printer->piece, encoded->data, encoded->len);
    return;
  }
  print_hex_bytes(printer->piece, bytes, size);
  g_string_append(printer->piece, ";UTF-16");
}

static void print_data(const RegfilePrinter *printer, const RegistryValue *value) {
  gsize size;
  guint32 number;
  guint32 type = registry_value_get_type(value);
  registry_value_get_bytes(value, &size);
  if (type == REGISTRY_DWORD && registry_value_get_uint32(value, &number)) {
    g_string_append_printf(printer->piece, "dword:%08x", number);
    return;
  }
  /* A string without any bytes must not be printed as "", which is read as one NUL. And "\n"
   * means a line end to Wine only: Windows and hivex read an n. */
  g_autofree char *text = type == REGISTRY_SZ && size > 0 ? registry_value_dup_string(value) : NULL;
  if (text != NULL && strpbrk(text, "\r\n") == NULL)
    print_quoted(printer->piece, text);
  else
    print_hex(printer, value);
}

static void print_name(RegfilePrinter *printer, const char *name) {
  if (*name == '\0')
    g_string_append_c(printer->piece, '@');
  else
    print_quoted(printer->piece, name);
  g_string_append_c(printer->piece, '=');
}

void regfile_printer_no_value(RegfilePrinter *printer, const char *name, GByteArray *out) {
  print_name(printer, name);
  g_string_append(printer->piece, "-" LINE_END);
  flush(printer, out);
}

void regfile_printer_value(RegfilePrinter *printer, const char *name, const RegistryValue *value,
                           GByteArray *out) {
  print_name(printer, name);
  print_data(printer, value);
  g_string_append(printer->piece, LINE_END);
  flush(printer, out);
}
