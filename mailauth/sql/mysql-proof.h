/* SPDX-License-Identifier: MIT */
/* Whether a MySQL server is the one that was meant: its certificate is of an authority that is
 * trusted, and in the name of the host. libmariadb before 3.4 looks at both by itself; since then
 * it does not compare the name at 127.0.0.1 and ::1, nor at a socket. */
#ifndef MAILAUTH_SQL_MYSQL_PROOF_H
#define MAILAUTH_SQL_MYSQL_PROOF_H

#include <glib.h>
#include <mysql.h>

/* Has the certificate checked as soon as @server shows it, before the password is sent, if
 * libmariadb is 3.4 or later. Before the connection is made. */
void mysql_proof_set_up(MYSQL *server);

/* What is wrong with the certificate of @server, which is connected by TLS (static); NULL: nothing.
 * It counts whatever the library has checked: no query may be sent before. */
const char *mysql_proof_find_fault(MYSQL *server);

#endif
