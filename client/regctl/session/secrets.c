/* SPDX-License-Identifier: MIT */
/* See secrets.h. regd is asked once for each key. */
#include "client/regctl/session/secrets.h"

#include "client/base/path.h"

/* The names of the key's secrets, upper-cased; an empty set if no schema describes it. NULL: regd
 * does not tell, which it may do though it has told the value: polkit is asked for each call.
 * Without regd, two files are compared on a terminal as they are, but for --hide-secrets. */
static GHashTable *ask(Session *session, const char *key) {
  Request request;
  DBusMessageIter answer, content;
  g_autoptr(GError) error = NULL;
  request_begin(&request, "Describe");
  request_add_string(&request, key);
  request_add_string(&request, "");
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, &error);
  if (g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED) ||
      (reply == NULL && session_has(session, OPTION_HIDE_SECRETS)))
    return NULL;
  GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  if (reply == NULL || !dbus_message_has_signature(reply, "a{sv}"))
    return names;
  g_autoptr(WireOptions) description = wire_options_read(&answer, NULL);
  if (description == NULL || !wire_options_get_content(description, "secrets", &content))
    return names;
  g_autoptr(RegistryValue) value =
      wire_read_content(&content, REGISTRY_MULTI_SZ, key, "secrets", NULL);
  g_auto(GStrv) listed = value != NULL ? registry_value_dup_strings(value) : NULL;
  for (char **name = listed; name != NULL && *name != NULL; name++)
    g_hash_table_add(names, path_fold(*name));
  return names;
}

static gboolean hides(Session *session) {
  return session_has(session, OPTION_HIDE_SECRETS) ||
         (session->screen.is_terminal && !session_has(session, OPTION_SHOW_SECRETS));
}

gboolean secrets_hide(Session *session, const char *key, const char *name) {
  if (!hides(session))
    return FALSE;
  if (session->secrets_key == NULL || path_compare_names(session->secrets_key, key) != 0) {
    g_clear_pointer(&session->secrets, g_hash_table_unref);
    g_free(session->secrets_key);
    session->secrets = ask(session, key);
    session->secrets_key = g_strdup(key);
  }
  if (session->secrets == NULL)
    return TRUE;
  g_autofree char *folded = path_fold(name);
  return g_hash_table_contains(session->secrets, folded);
}
