/* SPDX-License-Identifier: MIT */
/* Names of hosts, as certificates are kept by and as clients ask for them in TLS: lower
 * case, without a dot at the end, labels of A to Z, digits, hyphens and underscores only
 * (RFC 5890's A-labels among them). Pure. */
#ifndef MAILAUTH_BASE_HOST_NAME_H
#define MAILAUTH_BASE_HOST_NAME_H

#include <glib.h>

/* Of a name, without a dot at its end (RFC 1035, section 2.3.4). */
#define MAX_HOST_NAME 253

/* The host that @text, a key's name, is for; owned by the caller. "*.example.org"
 * stands for every name with one label more. NULL and INVALID_VALUE: it is no
 * host's name, or not as it is written here; @error says what would be right. */
char *host_name_new(const char *text, GError **error);
/* Whether host_name_new() would give the name as it is. */
gboolean host_name_is_canonical(const char *name);

/* Finds the name of the server in @size bytes of a server_name extension as a
 * client has sent it (RFC 6066, section 3), and writes it to @name, in lower
 * case. FALSE: there is none, or none that could be a host's. */
gboolean host_name_find(const guint8 *extension, gsize size, char name[MAX_HOST_NAME + 1]);

/* The wildcard that covers @name, which is canonical: "*.example.org" for
 * "mail.example.org". FALSE: none could (only one label, or a wildcard itself). */
gboolean host_name_generalise(const char *name, char wildcard[MAX_HOST_NAME + 1]);

#endif
