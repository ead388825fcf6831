/* SPDX-License-Identifier: MIT */
/* One connection to an LDAP directory: opened, bound, searched. Everything blocks,
 * until the deadline that it is used with is over; for worker threads, one at a
 * time. It says what came of it as a code of LDAP's (RFC 4511, section 4.1.9, or
 * libldap's own below zero), and never reconnects by itself. */
#ifndef MAILAUTH_PACKAGE_DIRECTORY_H
#define MAILAUTH_PACKAGE_DIRECTORY_H

#include <ldap.h>

#include "mailauth/base/secret.h"
#include "mailauth/connector/dialer.h"
#include "mailauth/package/deadline.h"
#include "mailauth/settings/settings.h"

typedef struct Directory Directory;

/* What a directory says, which may be any bytes, as part of a line for
 * administrators: as escape.h shows it, at most @size bytes of it. Owned
 * by the caller. */
char *directory_dup_printable(const char *words, gsize size);

/* What came of an operation. */
typedef struct {
  int code;        /* LDAP_SUCCESS, ... */
  gboolean barred; /* the password is right or not asked about, but the account is locked or expired
                      (draft-behera-ldap-password-policy) */
  char
      *text; /* for administrators: "<what it means>: <what the directory says>"; UTF-8, one line */
} DirectoryAnswer;

void directory_answer_clear(DirectoryAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DirectoryAnswer, directory_answer_clear)

typedef enum {
  DIRECTORY_OPENED,
  DIRECTORY_BAD_SETTING, /* nothing was tried: answer.text names the setting */
  DIRECTORY_UNREACHABLE, /* no connection, or not in time */
  DIRECTORY_UNTRUSTED,   /* a connection, but no TLS */
} DirectoryOpening;

/* Has @dialer connect to one of the directories that @broker names, in their order, with
 * TLS if it asks for it, whose certificate and name are checked always. @directory is
 * set only on DIRECTORY_OPENED, else @answer->text is. It is in use with @deadline then,
 * as after directory_use(). */
DirectoryOpening directory_open(const Broker *broker, Dialer *dialer, Deadline *deadline,
                                Directory **directory, DirectoryAnswer *answer);
/* NULL is allowed. */
void directory_free(Directory *directory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Directory, directory_free)

/* Each use is by one @deadline, which outlives it. */
void directory_use(Directory *directory, Deadline *deadline);
/* Ends the use; when the last one ended is kept. */
void directory_rest(Directory *directory);
/* Of g_get_monotonic_time(). */
gint64 directory_get_last_use(const Directory *directory);

/* A simple bind. @dn and @password must not be empty: a directory takes either
 * for an anonymous bind and says that it is right (RFC 4513, section 5.1.2).
 * @password may be of any bytes. */
void directory_bind(Directory *directory, const char *dn, const Secret *password,
                    DirectoryAnswer *answer);
/* The entries below @base that match @filter. */
typedef struct {
  const char *base, *filter;
  const char *attribute; /* whose value is asked for; "" for none */
  guint found;
  char *dn;    /* of the one that was found, owned; NULL if it is none or several */
  char *value; /* its value, owned; of several the first in the order of their bytes; NULL if there
                  is none of text */
} DirectorySearch;

void directory_search_clear(DirectorySearch *search);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DirectorySearch, directory_search_clear)

void directory_search(Directory *directory, DirectorySearch *search, DirectoryAnswer *answer);

#endif
