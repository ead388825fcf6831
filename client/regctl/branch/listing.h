/* SPDX-License-Identifier: MIT */
/* Values as lines of a listing: tab-separated for programs, aligned to the window and painted for
 * people. Secrets are not shown to the latter. */
#ifndef CLIENT_REGCTL_BRANCH_LISTING_H
#define CLIENT_REGCTL_BRANCH_LISTING_H

#include "client/cli/reply.h"
#include "client/regctl/session/session.h"
#include "client/terminal/table.h"

/* Type, @separator and data of a value, which is cut on a terminal. */
void listing_print_typed(Session *session, const char *key, const char *name,
                         const RegistryValue *value, char separator);
/* Name, type and data, and a line end. */
void listing_print_value(Session *session, const char *key, const char *name,
                         const RegistryValue *value);
/* A line for each of @values (of ListedValue), after @indent. */
void listing_print_values(Session *session, const char *key, const GPtrArray *values,
                          const char *indent);
/* A key's path or name, painted. */
void listing_print_key(Session *session, const char *text);

/* For terminals: rows that stand below their key. Begins as {0}. */
typedef struct {
  char *key;    /* NULL: none */
  Table *table; /* of its rows; NULL: none */
} Group;
/* Prints what is gathered and begins with @key, unless it is the same still. Returns the table for
 * its rows, which belongs to the group. */
Table *group_enter(Group *group, Session *session, const char *key);
/* A value of @key as a row. */
void group_add_value(Group *group, Session *session, const char *key, const ListedValue *listed);
/* Prints what is gathered, and forgets it. */
void group_print(Group *group, Session *session);

#endif
