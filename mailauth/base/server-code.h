/* SPDX-License-Identifier: MIT */
/* The code that a mail server behind gives for a refusal, and what a client of this server is
 * told for it. IMAP's are those of RFC 5530, and ALERT of RFC 3501; POP3's are those of RFC 2449
 * and RFC 3206. A client gets the code that its protocol has for the same thing. Pure. */
#ifndef MAILAUTH_BASE_SERVER_CODE_H
#define MAILAUTH_BASE_SERVER_CODE_H

#include <glib.h>

typedef enum {
  SERVER_CODE_NONE, /* none, or one that is not known here */
  SERVER_CODE_UNAVAILABLE,
  SERVER_CODE_AUTHORIZATION_FAILED,
  SERVER_CODE_EXPIRED,
  SERVER_CODE_PRIVACY_REQUIRED,
  SERVER_CODE_CONTACT_ADMIN,
  SERVER_CODE_NO_PERMISSION,
  SERVER_CODE_IN_USE,
  SERVER_CODE_EXPUNGE_ISSUED,
  SERVER_CODE_CORRUPTION,
  SERVER_CODE_SERVER_BUG,
  SERVER_CODE_CLIENT_BUG,
  SERVER_CODE_CANNOT,
  SERVER_CODE_LIMIT,
  SERVER_CODE_OVER_QUOTA,
  SERVER_CODE_ALREADY_EXISTS,
  SERVER_CODE_NONEXISTENT,
  SERVER_CODE_LOGIN_DELAY,
  SERVER_CODE_ALERT,
  N_SERVER_CODES
} ServerCode;

typedef struct {
  const char *imap; /* "[LIMIT]" */
  const char *pop3; /* "[SYS/TEMP]" */
  const char *text; /* for the client, unless the server behind has an alert for it */
} ServerCodeFacts;

/* What a server behind has said for the user. */
typedef struct {
  ServerCode code;
  const char *alert; /* server_alert_is_clean(); "" or NULL for none */
} ServerWord;

/* Static; of NONE and of what is out of range all are "". */
const ServerCodeFacts *server_code_get_facts(ServerCode code);

/* The code that @text begins with, as it stands behind NO, BYE or -ERR, of either protocol. A
 * wrong password is UNAVAILABLE: the server behind means the master user's, not the client's. If
 * it is ALERT, *@rest is what follows it. @rest may be NULL. */
ServerCode server_code_find(const char *text, const char **rest);

/* @text as a client may be told it: MAX_ALERT characters at most, all printable ASCII, as RFC 3501
 * has them in a line. Owned by the caller. */
char *server_alert_dup(const char *text);
/* Whether it is such a text. */
gboolean server_alert_is_clean(const char *text);

#endif
