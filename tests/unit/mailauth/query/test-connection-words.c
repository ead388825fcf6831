/* SPDX-License-Identifier: MIT */
/* connection-words.c: a `Connection` as it is read, and as it is refused. */
#include "mailauth/query/connection-words.h"

#include <string.h>

#include "mailauth/base/limits.h"

typedef struct {
  SqlKind kind;
  const char *text;
  const char *word;
  const char *value; /* of the word; with no word, a part of the message of a refusal */
} Row;

#define P SQL_POSTGRESQL
#define M SQL_MYSQL

static const Row rows[] = {
    {P, "host=db dbname=mail", "dbname", "mail"},
    {M, " host = db\n\tdbname\t= 'mail users' ", "dbname", "mail users"},
    {P, "user='it\\'s \\\\ me'", "user", "it's \\ me"},
    {P, "user=it\\'s\\ me", "user", "it's me"},
    {P, "user=", "user", NULL},
    {P, "user='' dbname=a", "user", NULL},
    {P, "user=a user=b", "user", "b"},
    {P, "", "host", NULL},
    {P, "port=5433,5434 host=a,b", "port", "5433,5434"},
    {P, "options='-c geqo=off'", "options", "-c geqo=off"},
    {P, "sslmode=verify-full sslrootcert=/ca.pem", "sslmode", "verify-full"},
    {P, "password=secret", NULL, "Connection Password"},
    {P, "passwd=secret", NULL, "there is no word 'passwd'"},
    {P, "hots=db", NULL, "did you mean 'host'?"},
    {M, "options=x", NULL, "for mysql"},
    {P, "service=x", NULL, "there is no word"},
    {P, "passfile=/x", NULL, "there is no word"},
    {P, "client_encoding=LATIN1", NULL, "there is no word"},
    {P, "host", NULL, "no list of words"},
    {P, "host db", NULL, "no list of words"},
    {P, "=db", NULL, "no list of words"},
    {P, "user='a", NULL, "quote after 'user='"},
    {P, "postgresql://ann@db/mail", NULL, "URI"},
    {P, "port=0", NULL, "1 to 65535"},
    {P, "port=65536", NULL, "1 to 65535"},
    {P, "port=5432,x host=a,b", NULL, "1 to 65535"},
    {P, "port=1,2 host=a", NULL, "'port'"},
    {P, "host=a,b hostaddr=127.0.0.1", NULL, "'hostaddr'"},
    {P, "hostaddr=db", NULL, "IP address"},
    {P, "host=@abstract", NULL, "name nor a folder"},
    {M, "host='db;plugin-dir=/tmp'", NULL, "name nor a folder"},
    {M, "host=password=secret", NULL, "name nor a folder"},
    {M, "host=mariadb://db", NULL, "name nor a folder"},
    {P, "host=a,,b", NULL, "name nor a folder"},
    {M, "host=a,b", NULL, "more than one host"},
    {P, "sslmode=verify", NULL, "none of disable"},
    {P, "sslrootcert=ca.pem", NULL, "absolute path"},
    {P, "connect_timeout=soon", NULL, "number of seconds"},
};

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const Row *row = &rows[i];
    g_autoptr(GError) error = NULL;
    g_autoptr(ConnectionWords) words = connection_words_new(row->text, row->kind, &error);
    g_test_message("%s", row->text);
    if (row->word == NULL) {
      g_assert_null(words);
      g_assert_nonnull(strstr(error->message, row->value));
      g_assert_null(strstr(error->message, "secret'"));
      continue;
    }
    g_assert_no_error(error);
    g_assert_cmpstr(connection_words_get(words, row->word), ==, row->value);
  }
}

static const struct {
  SqlKind kind;
  const char *text;
  const char *ports;
  gboolean has_names;
  const char *place;
} servers[] = {
    {P, "", "", FALSE, "postgresql at its usual socket"},
    {P, "host=/run/postgresql port=5433", "", FALSE, "postgresql at /run/postgresql"},
    {P, "host=db", "5432 ", TRUE, "postgresql at db"},
    {M, "host=db", "3306 ", TRUE, "mysql at db"},
    {P, "host=192.0.2.1 port=7", "7 ", FALSE, "postgresql at 192.0.2.1"},
    {P, "host=a,/run,b port=1,2,3", "1 3 ", TRUE, "postgresql at a,/run,b"},
    {P, "host=a,b port=9", "9 9 ", TRUE, "postgresql at a,b"},
    {P, "host=db hostaddr=::1", "5432 ", FALSE, "postgresql at db"},
};

static void test_servers(void) {
  for (guint i = 0; i < G_N_ELEMENTS(servers); i++) {
    guint16 ports[MAX_SQL_HOSTS];
    g_autoptr(GString) list = g_string_new(NULL);
    g_autoptr(ConnectionWords) words = connection_words_new(servers[i].text, servers[i].kind, NULL);
    guint count = connection_words_list_ports(words, ports);
    for (guint port = 0; port < count; port++)
      g_string_append_printf(list, "%u ", ports[port]);
    g_autofree char *place = connection_words_dup_place(words);
    g_assert_cmpstr(list->str, ==, servers[i].ports);
    g_assert_cmpint(connection_words_has_names(words), ==, servers[i].has_names);
    g_assert_cmpstr(place, ==, servers[i].place);
  }
}

static void test_limits(void) {
  g_autofree char *long_name = g_strnfill(MAX_SQL_CONNECTION, 'a');
  g_autofree char *text = g_strconcat("user=", long_name, NULL);
  g_autoptr(GString) hosts = g_string_new("host=a");
  g_assert_null(connection_words_new(text, P, NULL));
  for (guint i = 0; i < MAX_SQL_HOSTS; i++)
    g_string_append(hosts, ",a");
  g_assert_null(connection_words_new(hosts->str, P, NULL));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/connection-words/rows", test_rows);
  g_test_add_func("/connection-words/servers", test_servers);
  g_test_add_func("/connection-words/limits", test_limits);
  return g_test_run();
}
