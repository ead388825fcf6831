/* SPDX-License-Identifier: MIT */
/* Finds the name that a mistyped name probably stands for. Pure. */
#ifndef CLIENT_BASE_NEAREST_H
#define CLIENT_BASE_NEAREST_H

#include <glib.h>

/* Letters to insert, delete, change, or exchange with the next, between @a and @b, in bytes;
 * G_MAXUINT if either is longer than NEAREST_MAX_LENGTH. */
#define NEAREST_MAX_LENGTH 64
guint nearest_distance(const char *a, const char *b);

/* The first of @names (NULL-terminated) with the smallest distance to @name, without
 * regard to ASCII case, spaces, hyphens and underscores; borrowed. NULL: none is near
 * enough (a third of the letters and one). */
const char *nearest_find(const char *name, const char *const *names);

#endif
