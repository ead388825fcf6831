/* SPDX-License-Identifier: MIT */
/* See connection-words.h. */
#include "mailauth/query/connection-words.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/nearest.h"
#include "mailauth/base/limits.h"

#define ALL_KINDS ((1U << N_SQL_KINDS) - 1U)
#define POSTGRESQL (1U << SQL_POSTGRESQL)

/* What is wrong with a value (static); NULL: nothing. */
typedef const char *(*ValueCheck)(const char *value, SqlKind kind);

typedef struct {
  const char *word;
  guint kinds; /* a bit of each that knows it */
  ValueCheck check;
} WordRow;

struct ConnectionWords {
  SqlKind kind;
  GPtrArray *values; /* by the row's number; NULL: not set */
};

/* ---- values ---- */

/* What @check says of the first bad one of those that are separated by commas. */
static const char *check_each(const char *list, SqlKind kind, ValueCheck check) {
  g_auto(GStrv) values = g_strsplit(list, ",", -1);
  if (g_strv_length(values) > MAX_SQL_HOSTS)
    return "there are too many";
  for (char **value = values; *value != NULL; value++) {
    const char *wrong = check(*value, kind);
    if (wrong != NULL)
      return wrong;
  }
  return NULL;
}

/* libmariadb reads a host with a `=` or `;` as a list of options, and loads a plugin for a URI. */
static const char *check_one_host(const char *host, SqlKind kind) {
  (void)kind;
  gboolean is_host = *host == '/' || (*host != '\0' && strpbrk(host, "@=;/") == NULL);
  return is_host ? NULL : "it is neither a name nor a folder";
}

static const char *check_host(const char *hosts, SqlKind kind) {
  if (kind == SQL_MYSQL && strchr(hosts, ',') != NULL)
    return "it is more than one host";
  return check_each(hosts, kind, check_one_host);
}

static const char *check_one_address(const char *address, SqlKind kind) {
  (void)kind;
  return g_hostname_is_ip_address(address) ? NULL : "it is not an IP address";
}

static const char *check_address(const char *addresses, SqlKind kind) {
  if (kind == SQL_MYSQL && strchr(addresses, ',') != NULL)
    return "it is more than one address";
  return check_each(addresses, kind, check_one_address);
}

static const char *check_one_port(const char *port, SqlKind kind) {
  (void)kind;
  return g_ascii_string_to_unsigned(port, 10, 1, G_MAXUINT16, NULL, NULL)
             ? NULL
             : "it is not a number from 1 to 65535";
}

static const char *check_port(const char *ports, SqlKind kind) {
  return check_each(ports, kind, check_one_port);
}

static const char *check_ssl_mode(const char *mode, SqlKind kind) {
  static const char *const modes[] = {"disable",   "allow",       "prefer", "require",
                                      "verify-ca", "verify-full", NULL};
  (void)kind;
  return g_strv_contains(modes, mode)
             ? NULL
             : "it is none of disable, allow, prefer, require, verify-ca and verify-full";
}

static const char *check_file(const char *file, SqlKind kind) {
  (void)kind;
  return *file == '/' ? NULL : "it is not an absolute path";
}

static const char *check_seconds(const char *seconds, SqlKind kind) {
  (void)kind;
  return g_ascii_string_to_unsigned(seconds, 10, 0, MAX_CONNECT_MS / 1000, NULL, NULL)
             ? NULL
             : "it is not a number of seconds";
}

/* Neither what is read from further files (service, passfile), nor what this server sets
 * itself (client_encoding), nor anything that has the library write (requiressl's old forms). */
static const WordRow rows[] = {
    {"host", ALL_KINDS, check_host},
    {"hostaddr", ALL_KINDS, check_address},
    {"port", ALL_KINDS, check_port},
    {"dbname", ALL_KINDS, NULL},
    {"user", ALL_KINDS, NULL},
    {"connect_timeout", ALL_KINDS, check_seconds},
    {"sslmode", ALL_KINDS, check_ssl_mode},
    {"sslrootcert", ALL_KINDS, check_file},
    {"sslcert", ALL_KINDS, check_file},
    {"sslkey", ALL_KINDS, check_file},
    {"sslcrl", POSTGRESQL, check_file},
    {"ssl_min_protocol_version", POSTGRESQL, NULL},
    {"application_name", POSTGRESQL, NULL},
    {"channel_binding", POSTGRESQL, NULL},
    {"gssencmode", POSTGRESQL, NULL},
    {"krbsrvname", POSTGRESQL, NULL},
    {"options", POSTGRESQL, NULL},
    {"target_session_attrs", POSTGRESQL, NULL},
    {"keepalives", POSTGRESQL, NULL},
    {"keepalives_idle", POSTGRESQL, NULL},
    {"keepalives_interval", POSTGRESQL, NULL},
    {"keepalives_count", POSTGRESQL, NULL},
    {"tcp_user_timeout", POSTGRESQL, NULL},
};

static gboolean is_known(guint row, SqlKind kind) {
  return (rows[row].kinds & 1U << kind) != 0;
}

/* ---- reading ---- */

static gboolean refuse_word(const char *word, SqlKind kind, GError **error) {
  const char *names[G_N_ELEMENTS(rows) + 1] = {NULL};
  guint n_names = 0;
  if (g_str_equal(word, "password"))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "a password here could be read by anybody: set it as 'Connection Password', "
                     "which is secret, and change it");
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    if (is_known(i, kind))
      names[n_names++] = rows[i].word;
  const char *nearest = nearest_find(word, names);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "there is no word '%s' for %s%s%s%s", word,
                   sql_kind_get_name(kind), nearest != NULL ? "; did you mean '" : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

static gboolean take_word(ConnectionWords *words, const char *word, char *value, GError **error) {
  guint row = 0;
  while (row < G_N_ELEMENTS(rows) &&
         (!g_str_equal(rows[row].word, word) || !is_known(row, words->kind)))
    row++;
  if (row == G_N_ELEMENTS(rows)) {
    g_free(value);
    return refuse_word(word, words->kind, error);
  }
  g_free(words->values->pdata[row]);
  words->values->pdata[row] = value;
  ValueCheck check = *value != '\0' ? rows[row].check : NULL;
  const char *wrong = check != NULL ? check(value, words->kind) : NULL;
  return wrong == NULL ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the value of '%s': %s", word, wrong);
}

static const char *skip_space(const char *at) {
  while (g_ascii_isspace(*at))
    at++;
  return at;
}

/* Moves *@at behind the value. NULL: a quote is not closed. */
static char *read_value(const char **at) {
  g_autoptr(GString) value = g_string_new(NULL);
  const char *next = *at;
  gboolean is_quoted = *next == '\'';
  if (is_quoted)
    next++;
  while (*next != '\0' && (is_quoted ? *next != '\'' : !g_ascii_isspace(*next))) {
    if (*next == '\\' && next[1] != '\0')
      next++;
    g_string_append_c(value, *next++);
  }
  if (is_quoted && *next != '\'')
    return NULL;
  *at = is_quoted ? next + 1 : next;
  return g_strdup(value->str);
}

static gboolean read_word(ConnectionWords *words, const char **at, GError **error) {
  const char *end = *at + strcspn(*at, "= \t\r\n\f\v");
  g_autofree char *word = g_strndup(*at, (gsize)(end - *at));
  end = skip_space(end);
  if (*end != '=' || *word == '\0')
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "it is no list of words with '=' and a value, such as 'host=db.example.org "
                     "dbname=mail user=mailauth'");
  *at = skip_space(end + 1);
  char *value = read_value(at);
  if (value == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the quote after '%s=' is not closed",
                     word);
  return take_word(words, word, value, error);
}

static gboolean read_all(ConnectionWords *words, const char *text, GError **error) {
  for (const char *at = skip_space(text); *at != '\0'; at = skip_space(at))
    if (!read_word(words, &at, error))
      return FALSE;
  return TRUE;
}

static guint count_items(const ConnectionWords *words, const char *word) {
  const char *value = connection_words_get(words, word);
  guint count = value != NULL ? 1 : 0;
  for (; value != NULL && *value != '\0'; value++)
    count += *value == ',';
  return count;
}

/* One port for all, or one for each host. */
static gboolean check_counts(const ConnectionWords *words, GError **error) {
  guint hosts = count_items(words, "host");
  guint addresses = count_items(words, "hostaddr");
  guint ports = count_items(words, "port");
  if (hosts > 0 && addresses > 0 && hosts != addresses)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "'host' and 'hostaddr' have not the same number of values");
  return ports <= 1 || ports == MAX(hosts, addresses) ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'port' has not as many values as 'host'");
}

ConnectionWords *connection_words_new(const char *text, SqlKind kind, GError **error) {
  g_autoptr(ConnectionWords) words = g_new0(ConnectionWords, 1);
  words->kind = kind;
  words->values = g_ptr_array_new_with_free_func(g_free);
  g_ptr_array_set_size(words->values, G_N_ELEMENTS(rows));
  if (strlen(text) > MAX_SQL_CONNECTION) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it is longer than %d bytes",
              MAX_SQL_CONNECTION);
    return NULL;
  }
  const char *scheme = strstr(text, "://");
  if (scheme != NULL && memchr(text, '=', (gsize)(scheme - text)) == NULL) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "it is a URI: write words instead, such as 'host=db.example.org dbname=mail "
              "user=mailauth'");
    return NULL;
  }
  if (!read_all(words, text, error) || !check_counts(words, error))
    return NULL;
  return g_steal_pointer(&words);
}

void connection_words_free(ConnectionWords *words) {
  if (words == NULL)
    return;
  g_ptr_array_unref(words->values);
  g_free(words);
}

/* ---- looking up ---- */

const char *connection_words_get(const ConnectionWords *words, const char *word) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const char *value = words->values->pdata[i];
    if (g_str_equal(rows[i].word, word))
      return value != NULL && *value != '\0' ? value : NULL;
  }
  return NULL;
}

void connection_words_visit(const ConnectionWords *words, ConnectionVisit visit, gpointer data) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const char *value = connection_words_get(words, rows[i].word);
    if (value != NULL)
      visit(rows[i].word, value, data);
  }
}

static const char *get_hosts(const ConnectionWords *words) {
  const char *addresses = connection_words_get(words, "hostaddr");
  return addresses != NULL ? addresses : connection_words_get(words, "host");
}

static guint16 get_port(const ConnectionWords *words, char **ports, guint host) {
  guint64 port = sql_kind_get_port(words->kind);
  guint count = g_strv_length(ports);
  if (count > 0)
    g_ascii_string_to_unsigned(ports[count > 1 ? host : 0], 10, 1, G_MAXUINT16, &port, NULL);
  return (guint16)port;
}

guint connection_words_list_ports(const ConnectionWords *words, guint16 *ports) {
  const char *port = connection_words_get(words, "port");
  const char *all = get_hosts(words);
  g_auto(GStrv) set = g_strsplit(port != NULL ? port : "", ",", -1);
  g_auto(GStrv) hosts = g_strsplit(all != NULL ? all : "", ",", -1);
  guint count = 0;
  for (guint i = 0; hosts[i] != NULL; i++)
    if (*hosts[i] != '/')
      ports[count++] = get_port(words, set, i);
  return count;
}

gboolean connection_words_has_names(const ConnectionWords *words) {
  const char *all = get_hosts(words);
  g_auto(GStrv) hosts = g_strsplit(all != NULL ? all : "", ",", -1);
  for (char **host = hosts; *host != NULL; host++)
    if (**host != '/' && !g_hostname_is_ip_address(*host))
      return TRUE;
  return FALSE;
}

char *connection_words_dup_place(const ConnectionWords *words) {
  const char *host = connection_words_get(words, "host");
  const char *hosts = host != NULL ? host : get_hosts(words);
  return g_strdup_printf("%s at %s", sql_kind_get_name(words->kind),
                         hosts != NULL ? hosts : "its usual socket");
}
