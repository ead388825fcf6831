/* SPDX-License-Identifier: MIT */
/* Messages of the right types from a fuzzer's bytes, so that they get past the checks of
 * ipc and as far as the handlers: what is hostile is in the values. */
#ifndef TESTS_FUZZ_BODIES_H
#define TESTS_FUZZ_BODIES_H

#include <string.h>

#include "mailauth/ipc/channel.h"

/* What is left of the input; past its end there are zeros. */
typedef struct {
  const guint8 *bytes;
  gsize size;
} FuzzInput;

static guint8 fuzz_take_byte(FuzzInput *input) {
  if (input->size == 0)
    return 0;
  input->size--;
  return *input->bytes++;
}

static guint64 fuzz_take_number(FuzzInput *input, guint bytes) {
  guint64 number = 0;
  for (guint i = 0; i < bytes; i++)
    number = number << 8 | fuzz_take_byte(input);
  return number;
}

/* Up to 63 bytes of the input, or a great many. */
static GString *fuzz_take_bytes(FuzzInput *input) {
  GString *bytes = g_string_new(NULL);
  guint8 length = fuzz_take_byte(input);
  if (length == 0xff)
    g_string_append_printf(bytes, "%*s", 5000, "x");
  for (guint i = 0; i < length % 64 && input->size > 0; i++)
    g_string_append_c(bytes, (char)fuzz_take_byte(input));
  return bytes;
}

/* Words that handlers know, or any text. */
static char *fuzz_take_text(FuzzInput *input) {
  static const char *const words[] = {
      "",     "127.0.0.1",  "127.0.0.1:0", "PASS",      "SASL-LOGIN",         "LOGIN",
      "anna", "PLAIN",      "::1",         "192.0.2.1", "mail.example.org",   "/dev/null",
      "*",    "2001:db8::", "/tmp",        "../../etc", "n,,n=anna,r=abcdef", "a\xe2\x80\xa8"};
  guint8 word = fuzz_take_byte(input);
  if (word < G_N_ELEMENTS(words))
    return g_strdup(words[word]);
  g_autoptr(GString) bytes = fuzz_take_bytes(input);
  return g_utf8_make_valid(bytes->str, (gssize)strlen(bytes->str));
}

static GVariant *fuzz_make_body(const GVariantType *type, FuzzInput *input);

static GVariant *fuzz_make_array(const GVariantType *type, FuzzInput *input) {
  GVariantBuilder builder;
  if (g_variant_type_equal(type, G_VARIANT_TYPE_BYTESTRING)) {
    g_autoptr(GString) bytes = fuzz_take_bytes(input);
    return message_secret_new(bytes->str, bytes->len);
  }
  g_variant_builder_init(&builder, type);
  for (guint i = fuzz_take_byte(input) % 5; i > 0; i--)
    g_variant_builder_add_value(&builder, fuzz_make_body(g_variant_type_element(type), input));
  return g_variant_builder_end(&builder);
}

static GVariant *fuzz_make_tuple(const GVariantType *type, FuzzInput *input) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, type);
  for (const GVariantType *item = g_variant_type_first(type); item != NULL;
       item = g_variant_type_next(item))
    g_variant_builder_add_value(&builder, fuzz_make_body(item, input));
  return g_variant_builder_end(&builder);
}

/* Of the types that messages have. Floating. */
static GVariant *fuzz_make_body(const GVariantType *type, FuzzInput *input) {
  g_autofree char *text = NULL;
  switch (*g_variant_type_peek_string(type)) {
  case 'b':
    return g_variant_new_boolean(fuzz_take_byte(input) % 2);
  case 'y':
    return g_variant_new_byte(fuzz_take_byte(input));
  case 'q':
    return g_variant_new_uint16((guint16)fuzz_take_number(input, 2));
  case 'u':
    return g_variant_new_uint32((guint32)fuzz_take_number(input, fuzz_take_byte(input) % 5));
  case 't':
    return g_variant_new_uint64(fuzz_take_number(input, fuzz_take_byte(input) % 9));
  case 'x':
    return g_variant_new_int64((gint64)fuzz_take_number(input, fuzz_take_byte(input) % 9));
  case 's':
    text = fuzz_take_text(input);
    return g_variant_new_string(text);
  case 'a':
    return fuzz_make_array(type, input);
  case 'm':
    return fuzz_take_byte(input) % 2 == 0
               ? g_variant_new_maybe(g_variant_type_element(type), NULL)
               : g_variant_new_maybe(NULL, fuzz_make_body(g_variant_type_element(type), input));
  default:
    return fuzz_make_tuple(type, input);
  }
}

#endif
