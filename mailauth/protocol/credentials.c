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

/* As UTF-8; NULL if it can't be a name. */
static char *dup_name(gconstpointer name, gsize size) {
  if (size == 0 || size > MAX_USER || has_control_characters(name, size))
    return NULL;
  g_autofree char *valid = g_utf8_make_valid(name, (gssize)size);
  return strlen(valid) <= MAX_USER ? g_steal_pointer(&valid) : NULL;
}

gboolean credentials_take(Credentials *credentials, const char *mechanism, gconstpointer user,
                          gsize user_size, gconstpointer password, gsize password_size) {
  if (password_size > MAX_PASSWORD ||
      (password_size > 0 && memchr(password, '\0', password_size) != NULL))
    return FALSE;
  g_autofree char *valid = dup_name(user, user_size);
  if (valid == NULL)
    return FALSE;
  credentials_clear(credentials);
  credentials->kind = CREDENTIALS_PASSWORD;
  credentials->mechanism = mechanism;
  credentials->user = g_steal_pointer(&valid);
  secret_append(&credentials->password, password, password_size);
  return TRUE;
}

gboolean credentials_take_identity(Credentials *credentials, gconstpointer identity, gsize size) {
  g_free(credentials->identity);
  credentials->identity = dup_name(identity, size);
  return size == 0 || credentials->identity != NULL;
}

void credentials_take_message(Credentials *credentials, CredentialsKind kind, gconstpointer bytes,
                              gsize size) {
  secret_clear(&credentials->password);
  credentials->kind = kind;
  secret_append(&credentials->password, bytes, size);
}

void credentials_clear(Credentials *credentials) {
  g_clear_pointer(&credentials->user, g_free);
  g_clear_pointer(&credentials->identity, g_free);
  secret_clear(&credentials->password);
}
