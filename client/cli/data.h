/* SPDX-License-Identifier: MIT */
/* Keys, names and data as regctl's operands write them, and as it prints them. Pure. */
#ifndef CLIENT_CLI_DATA_H
#define CLIENT_CLI_DATA_H

#include "client/base/json.h"
#include "client/registry.h"

/* The path that a KEY operand means: `/HKLM/SOFTWARE` is `HKLM\SOFTWARE` if it begins with
 * a slash and holds no backslash. INVALID_PATH, LIMIT_EXCEEDED. Owned by the caller. */
char *data_parse_key(const char *operand, GError **error);
/* The name that a NAME operand means: `@` is the default value. INVALID_VALUE,
 * LIMIT_EXCEEDED. Borrowed. */
const char *data_parse_name(const char *operand, GError **error);
/* The name in a message. */
const char *data_show_name(const char *name);
/* The name in a listing, unlike that of every other value: a value that is really called `@`
 * is `\@`, and what is escaped can't be mistaken for text. */
void data_print_name(const char *name, GString *out);

/* The value of a type that words say (NULL-terminated): one string, the strings
 * of a multi-string, a number in decimal or after 0x, or pairs of hexadecimal
 * digits. INVALID_ARGUMENTS: too few or many words; INVALID_VALUE says what
 * would be right. @key and @name are for messages. */
RegistryValue *data_parse(guint32 type, GStrv words, const char *key, const char *name,
                          GError **error);

/* The value of a type that the contents of a file say: text, without the line end at its end;
 * of a multi-string a string a line; a number as above; of all other types, and of any type
 * if @raw, the bytes as they are. INVALID_VALUE. */
RegistryValue *data_parse_contents(guint32 type, const GByteArray *contents, gboolean raw,
                                   GError **error);
/* The value of any type whose bytes @digits are, in hexadecimal. INVALID_VALUE. */
RegistryValue *data_parse_bytes(guint32 type, const char *digits, GError **error);

/* "REG_SZ", or the number of a type without a name. Owned by the caller. */
char *data_show_type(guint32 type);
/* The data and nothing else, as `get` prints it, with its line end: text as it
 * is, a multi-string one string a line, numbers in decimal, all else (malformed
 * data too) as hexadecimal digits. */
void data_print(const RegistryValue *value, GString *out);
/* The data as part of a line of a listing: control characters are escaped, the strings of a
 * multi-string are separated by " | ". With its type it is unlike that of every other value: a
 * backslash that could be taken for the start of an escape is doubled, and a bar in a string is
 * `\|`. */
void data_print_escaped(const RegistryValue *value, GString *out);
/* The type. Of data that does not match it the bytes are shown, and " (malformed)" stands behind
 * the type. */
void data_print_type(const RegistryValue *value, GString *out);
gboolean data_is_malformed(const RegistryValue *value);
/* Members "name", "type" and "data" (a string, a number, an array of strings, or
 * hexadecimal digits), "digits" for REG_QWORD: the number as a string, since many readers keep
 * 53 bits of a number; and "malformed": true if a string or number type has other bytes. */
void data_write_json(const char *name, const RegistryValue *value, Json *json);
/* The same as an object that is the member @member; nothing if @value is NULL. */
void data_write_member(const char *member, const char *name, const RegistryValue *value,
                       Json *json);

#endif
