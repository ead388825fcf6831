/* SPDX-License-Identifier: MIT */
/* A branch drawn as a tree, for a terminal. */
#ifndef CLIENT_REGCTL_BRANCH_DRAWING_H
#define CLIENT_REGCTL_BRANCH_DRAWING_H

#include "client/regctl/session/session.h"

typedef struct Drawing Drawing;
Drawing *drawing_new(void);
void drawing_free(Drawing *drawing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Drawing, drawing_free)

/* Adds a key, or more values of the key that was added last. Keys come depth first, as ReadTree
 * gives them. Takes references to @values (of ListedValue). */
void drawing_add(Drawing *drawing, const char *path, const GPtrArray *values);
/* Prints it. FAILED: standard output can't be written. */
gboolean drawing_print(const Drawing *drawing, Session *session, GError **error);

#endif
