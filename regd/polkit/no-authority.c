/* SPDX-License-Identifier: MIT */
/* See authority.h: regd that is built without polkit asks nobody, so that each refusal stands. */
#include "regd/polkit/authority.h"

struct Authority {
  DBusConnection *connection;
};

Authority *authority_new(DBusConnection *connection, G_GNUC_UNUSED guint patience_ms) {
  Authority *authority = g_new0(Authority, 1);
  authority->connection = dbus_connection_ref(connection);
  return authority;
}

void authority_free(Authority *authority) {
  if (authority == NULL)
    return;
  dbus_connection_unref(authority->connection);
  g_free(authority);
}

DBusConnection *authority_get_connection(const Authority *authority) {
  return authority->connection;
}

gboolean authority_ask(G_GNUC_UNUSED Authority *authority, G_GNUC_UNUSED const char *name,
                       G_GNUC_UNUSED guint32 uid, G_GNUC_UNUSED AuthorityAnswered answered,
                       G_GNUC_UNUSED gpointer data) {
  return FALSE;
}

void authority_forget(G_GNUC_UNUSED Authority *authority, G_GNUC_UNUSED const char *name) {
}
