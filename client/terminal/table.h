/* SPDX-License-Identifier: MIT */
/* Rows of three cells, aligned to a window. Pure. */
#ifndef CLIENT_TERMINAL_TABLE_H
#define CLIENT_TERMINAL_TABLE_H

#include "client/terminal/screen.h"

typedef struct Table Table;
Table *table_new(void);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* The texts are copied, and fit for a terminal. @secret: the third is painted so. */
void table_add(Table *table, const char *name, const char *type, const char *data, gboolean secret);
/* Appends a line for each row, after @indent. Names and types are aligned; a name takes a third of
 * the window at most, and what is too long for the window ends with an ellipsis. */
void table_print(const Table *table, const Screen *screen, const char *indent, GString *out);

#endif
