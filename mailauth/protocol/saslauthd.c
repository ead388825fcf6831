/* SPDX-License-Identifier: MIT */
/* saslauthd.h: counted strings. */
#include "mailauth/protocol/saslauthd.h"

#include <string.h>

#include "mailauth/base/limits.h"

enum { LOGIN, PASSWORD, SERVICE, REALM, N_FIELDS };

typedef struct {
  const guint8 *bytes;
  gsize size;
} Field;

/* What is left to be read. */
typedef struct {
  const guint8 *at;
  gsize left;
} Rest;

/* FALSE: it has not all come; @field has its size then if that is known. */
static gboolean take_field(Rest *rest, Field *field) {
  *field = (Field){0};
  if (rest->left < 2)
    return FALSE;
  field->size = (gsize)rest->at[0] << 8 | rest->at[1];
  if (rest->left - 2 < field->size)
    return FALSE;
  field->bytes = rest->at + 2;
  rest->at += 2 + field->size;
  rest->left -= 2 + field->size;
  return TRUE;
}

static SaslauthdStep take_fields(Rest *rest, Field fields[N_FIELDS]) {
  static const gsize limits[N_FIELDS] = {MAX_USER, MAX_PASSWORD, MAX_USER, MAX_USER};
  for (guint i = 0; i < N_FIELDS; i++) {
    gboolean complete = take_field(rest, &fields[i]);
    if (fields[i].size > limits[i])
      return SASLAUTHD_BAD;
    if (!complete)
      return SASLAUTHD_MORE;
  }
  return SASLAUTHD_LOGIN;
}

static char *take_address(Rest *rest) {
  Field field;
  if (!take_field(rest, &field))
    return NULL;
  const guint8 *end = memchr(field.bytes, ';', field.size);
  return auth_address_new((const char *)field.bytes,
                          end == NULL ? field.size : (gsize)(end - field.bytes));
}

SaslauthdStep saslauthd_parse(const guint8 *bytes, gsize size, AuthRequest *request) {
  Rest rest = {bytes, size};
  Field fields[N_FIELDS] = {0};
  SaslauthdStep step = take_fields(&rest, fields);
  if (step != SASLAUTHD_LOGIN)
    return step;
  g_autoptr(GString) name =
      g_string_new_len((const char *)fields[LOGIN].bytes, (gssize)fields[LOGIN].size);
  /* ann@example.org and EXAMPLE\ann have one. */
  gboolean has_domain = strcspn(name->str, "@\\") < name->len;
  if (fields[REALM].size > 0 && !has_domain) {
    g_string_append_c(name, '@');
    g_string_append_len(name, (const char *)fields[REALM].bytes, (gssize)fields[REALM].size);
  }
  if (fields[LOGIN].size == 0 ||
      !credentials_take(&request->credentials, "PLAIN", name->str, name->len,
                        fields[PASSWORD].bytes, fields[PASSWORD].size))
    return SASLAUTHD_BAD;
  request->address = take_address(&rest);
  request->service = auth_service_new((const char *)fields[SERVICE].bytes, fields[SERVICE].size);
  return SASLAUTHD_LOGIN;
}

void saslauthd_answer(AuthVerdict verdict, GString *out) {
  const char *word = verdict == AUTH_RIGHT ? "OK" : "NO";
  g_string_append_c(out, '\0');
  g_string_append_c(out, (char)strlen(word));
  g_string_append(out, word);
}
