/* SPDX-License-Identifier: MIT */
/* A broker's `Connection`: words with a value each, written as libpq writes them
 * ("host=db.example.org dbname='mail users'"), for every kind of database. Pure. */
#ifndef MAILAUTH_QUERY_CONNECTION_WORDS_H
#define MAILAUTH_QUERY_CONNECTION_WORDS_H

#include "mailauth/query/sql-kind.h"

typedef struct ConnectionWords ConnectionWords;

/* INVALID_VALUE: @text is no such list, or has a word that @kind does not know, or a value
 * that can't be. A message never quotes a value, which may be a password in the wrong place. */
ConnectionWords *connection_words_new(const char *text, SqlKind kind, GError **error);
/* NULL is fine. */
void connection_words_free(ConnectionWords *words);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConnectionWords, connection_words_free)

/* The value of @word; NULL: it is not set, or empty, which is the same. Borrowed. */
const char *connection_words_get(const ConnectionWords *words, const char *word);

/* Calls @visit for each word that is set. */
typedef void (*ConnectionVisit)(const char *word, const char *value, gpointer data);
void connection_words_visit(const ConnectionWords *words, ConnectionVisit visit, gpointer data);

/* The TCP ports that are connected to, at most MAX_SQL_HOSTS of them; 0: only Unix sockets are. */
guint connection_words_list_ports(const ConnectionWords *words, guint16 *ports);
/* Whether a host's name has to be looked up. */
gboolean connection_words_has_names(const ConnectionWords *words);

/* Where the database is, for people: "db.example.org", "/run/postgresql". Owned. */
char *connection_words_dup_place(const ConnectionWords *words);

#endif
