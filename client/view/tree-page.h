/* SPDX-License-Identifier: MIT */
/* Calls of ReadTree and their replies. Not installed. */
#ifndef CLIENT_VIEW_TREE_PAGE_H
#define CLIENT_VIEW_TREE_PAGE_H

#include "client/connection/connection.h"
#include "client/view/tree.h"

/* ReadTree of @key on the daemon that is there: the key alone, or all below it;
 * @cursor "" for the first page. What may not be read is left out. NULL:
 * out of memory, or no daemon. */
DBusMessage *treepage_new_call(const RegistryConnection *connection, const char *key, gboolean deep,
                               const char *cursor);

/* What a page says besides its keys. */
typedef struct {
  guint64 revision;
  char *cursor; /* "" at the end */
} TreePage;
void treepage_clear(TreePage *page);

/* Puts the keys of @reply into @tree. *@top is the canonical path that they are below; if
 * it is NULL, it is set to that of the first key. FAILED: it is no reply to ReadTree;
 * ACCESS_DENIED: it is empty, so that not even the key itself may be read. */
gboolean treepage_read(DBusMessage *reply, Tree *tree, char **top, TreePage *page, GError **error);

/* @path relative to @top: "" for the top itself. NULL: it is not at or below
 * it. Borrowed from @path. */
const char *treepage_relative(const char *path, const char *top);

#endif
