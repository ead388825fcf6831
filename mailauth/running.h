/* SPDX-License-Identifier: MIT */
/* What the mailauthd that is running knows, for a program that is not it. */
#ifndef MAILAUTH_RUNNING_H
#define MAILAUTH_RUNNING_H

#include <glib.h>

/* The `problems` of its Status, owned strings. NULL: none is running on @bus (as --bus=, or
 * NULL), it does not answer within 5 s, or it does not tell this user. Blocks. */
GPtrArray *running_list_problems(const char *bus);

#endif
