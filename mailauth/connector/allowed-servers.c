/* SPDX-License-Identifier: MIT */
/* See allowed-servers.h. */
#include "mailauth/connector/allowed-servers.h"

#include "mailauth/base/limits.h"

typedef struct {
  char *server;
  gint64 until;
} Former;

struct NamedServers {
  GHashTable *set;
  GQueue former; /* of Former, the oldest first */
};

static void former_free(gpointer data) {
  Former *former = data;
  g_free(former->server);
  g_free(former);
}

GHashTable *named_servers_set_new(void) {
  return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void named_servers_set_add(GHashTable *set, const char *value) {
  g_auto(GStrv) words = g_strsplit(value, " ", -1);
  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      g_hash_table_add(set, g_strdup(*word));
}

NamedServers *named_servers_new(void) {
  NamedServers *servers = g_new0(NamedServers, 1);
  servers->set = named_servers_set_new();
  g_queue_init(&servers->former);
  return servers;
}

void named_servers_free(NamedServers *servers) {
  if (servers == NULL)
    return;
  g_hash_table_unref(servers->set);
  g_queue_clear_full(&servers->former, former_free);
  g_free(servers);
}

static void add_former(NamedServers *servers, const char *server, gint64 now) {
  Former *former = g_new(Former, 1);
  *former = (Former){g_strdup(server), now + FORMER_SERVER_S * G_USEC_PER_SEC};
  g_queue_push_tail(&servers->former, former);
}

/* The oldest make room. */
static void forget_old(NamedServers *servers, gint64 now) {
  for (;;) {
    const Former *oldest = g_queue_peek_head(&servers->former);
    if (oldest == NULL || (oldest->until > now && servers->former.length <= MAX_FORMER_SERVERS))
      return;
    former_free(g_queue_pop_head(&servers->former));
  }
}

void named_servers_replace(NamedServers *servers, GHashTable *set, gint64 now) {
  GHashTableIter each;
  gpointer server;
  g_hash_table_iter_init(&each, servers->set);
  while (g_hash_table_iter_next(&each, &server, NULL))
    if (!g_hash_table_contains(set, server))
      add_former(servers, server, now);
  forget_old(servers, now);
  g_hash_table_unref(servers->set);
  servers->set = set;
}

gboolean named_servers_has(const NamedServers *servers, const char *server, gint64 now) {
  if (g_hash_table_contains(servers->set, server))
    return TRUE;
  for (const GList *link = servers->former.head; link != NULL; link = link->next) {
    const Former *former = link->data;
    if (former->until > now && g_str_equal(former->server, server))
      return TRUE;
  }
  return FALSE;
}
