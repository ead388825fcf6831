/* SPDX-License-Identifier: MIT */
/* From a member to what it is embedded in: for timers and watches, which hand back
 * a pointer to themselves. */
#ifndef MAILAUTH_BASE_CONTAINER_OF_H
#define MAILAUTH_BASE_CONTAINER_OF_H

#include <glib.h>

/* The @type whose @member is at @pointer. */
#define container_of(pointer, type, member)                                                        \
  ((type *)(gpointer)((guint8 *)(pointer)-G_STRUCT_OFFSET(type, member)))

#endif
