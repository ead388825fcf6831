/* SPDX-License-Identifier: MIT */
/* credentials.h: what is taken, and what is refused. */
#include "mailauth/protocol/credentials.h"

#include <string.h>

#include "mailauth/base/limits.h"

static gboolean has_control_characters(const char *text, gsize size) {
  for (gsize i = 0; i < size; i++)
    if (g_ascii_iscntrl(text[i]))
      return TRUE;
  return FALSE;
}

gboolean credentials_take(Credentials *credentials, const char *mechanism, gconstpointer user,
                          gsize user_size, gconstpointer password, gsize password_size) {
  if (user_size == 0 || user_size > MAX_USER || has_control_characters(user, user_size))
    return FALSE;
  if (password_size > MAX_PASSWORD ||
      (password_size > 0 && memchr(password, '\0', password_size) != NULL))
    return FALSE;
  g_autofree char *valid = g_utf8_make_valid(user, (gssize)user_size);
  if (strlen(valid) > MAX_USER)
    return FALSE;
  credentials_clear(credentials);
  credentials->kind = CREDENTIALS_PASSWORD;
  credentials->mechanism = mechanism;
  credentials->user = g_steal_pointer(&valid);
  secret_append(&credentials->password, password, password_size);
  return TRUE;
}

void credentials_take_message(Credentials *credentials, CredentialsKind kind, gconstpointer bytes,
                              gsize size) {
  secret_clear(&credentials->password);
  credentials->kind = kind;
  secret_append(&credentials->password, bytes, size);
}

void credentials_clear(Credentials *credentials) {
  g_clear_pointer(&credentials->user, g_free);
  secret_clear(&credentials->password);
}
