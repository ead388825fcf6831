/* SPDX-License-Identifier: MIT */
/* etcd's requests on users: logging in with a password, and which roles a user has. Pure. */
#ifndef REGD_FLEET_ETCD_ACCOUNT_H
#define REGD_FLEET_ETCD_ACCOUNT_H

#include <glib.h>

/* Of a token, and of one role's name, bytes. */
#define ETCD_LIMIT_TOKEN_BYTES 8192U
#define ETCD_LIMIT_ROLE_BYTES 255U
#define ETCD_LIMIT_ROLES 64U

GBytes *etcd_login_encode(const char *user, const char *password);
/* The token that calls carry from then on: printable ASCII without spaces. INVALID_VALUE. */
char *etcd_login_decode(GBytes *answer, GError **error);
GBytes *etcd_user_encode(const char *user);
/* The names of its roles, for people: valid UTF-8 of one line, joined by ", ". NULL: unreadable. */
char *etcd_user_decode(GBytes *answer);

#endif
