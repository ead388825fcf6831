/* SPDX-License-Identifier: MIT */
/* A JSON writer: valid by construction if begin and end are balanced, and safe to show on
 * a terminal. Pure. */
#ifndef CLIENT_BASE_JSON_H
#define CLIENT_BASE_JSON_H

#include <glib.h>

typedef struct {
  GString *text;       /* what has been written */
  gboolean separating; /* whether a comma comes before the next element */
} Json;

/* @opening is { or [. */
void json_begin(Json *json, char opening);
void json_end(Json *json, char closing);
/* The name of the member that is written next. */
void json_name(Json *json, const char *name);

/* Bytes that are not UTF-8 are replaced; control and formatting characters are escaped. */
void json_string(Json *json, const char *text);
void json_number(Json *json, guint64 number);
void json_boolean(Json *json, gboolean truth);
void json_null(Json *json);
/* As a string of lower-case hexadecimal digits. */
void json_bytes(Json *json, const guint8 *bytes, gsize size);

/* A member: json_name() and its content. */
void json_member_string(Json *json, const char *name, const char *text);
void json_member_number(Json *json, const char *name, guint64 number);
void json_member_boolean(Json *json, const char *name, gboolean truth);
/* The member `digits` beside a number, as a string: many readers lose digits past 2^53. */
void json_member_digits(Json *json, guint64 number);

#endif
