/* SPDX-License-Identifier: MIT */
/* The conversation of logging in at a mail server as a user by a master user:
 * SASL PLAIN with an authorisation identity (RFC 4616), over IMAP (RFC 3501,
 * 4959) or POP3 (RFC 1939, 5034). Lines in, lines out; pure. */
#ifndef MAILAUTH_BACKEND_BACKEND_DIALOG_H
#define MAILAUTH_BACKEND_BACKEND_DIALOG_H

#include "mailauth/base/outcome.h"
#include "mailauth/base/server-code.h"
#include "mailauth/settings/settings.h"

typedef struct BackendDialog BackendDialog;

typedef enum {
  DIALOG_GO_ON, /* feed the next line */
  DIALOG_DONE,  /* logged in */
  DIALOG_FAILED,
} DialogResult;

/* Copies what it needs; secrets are wiped with it. */
BackendDialog *backend_dialog_new(Protocol protocol, const char *user, const char *master_user,
                                  const char *master_password);
void backend_dialog_free(BackendDialog *dialog);
/* Tells the server where the client is, if it announces that it takes that: by ID of IMAP
 * (x-originating-ip), in its greeting or when it is asked because that lists nothing, or by XCLIENT
 * of POP3, in its greeting. Nothing if @address is none. @port 0: not known. */
void backend_dialog_tell(BackendDialog *dialog, const char *address, guint16 port);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackendDialog, backend_dialog_free)

/* @line without its CRLF; any bytes but NUL. What is to be sent is appended to
 * @out (whose memory may hold the master password from then on). On
 * DIALOG_FAILED *@outcome is BACKEND_REFUSED or BACKEND_UNREACHABLE,
 * and backend_dialog_get_answer() what the server said. */
DialogResult backend_dialog_feed(BackendDialog *dialog, const char *line, GString *out,
                                 Outcome *outcome);
/* The server's last word without the secrets that it was told, for administrators; borrowed. */
const char *backend_dialog_get_answer(const BackendDialog *dialog);
/* What it has said for the user: the code of its refusal, and its last alert, also of a login
 * that was taken. Borrowed until the next line. */
ServerWord backend_dialog_get_word(const BackendDialog *dialog);
/* The capabilities that an IMAP server told with its OK; "" if it told none. */
const char *backend_dialog_get_capabilities(const BackendDialog *dialog);

#endif
