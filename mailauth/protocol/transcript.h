/* SPDX-License-Identifier: MIT */
/* What administrators may have logged of one session before and after login, by level,
 * and never a password: only chosen words of a client are shown, so nothing has to be
 * hidden. An unknown command is not shown, since a client out of step may send a
 * password in its place; nor is an IMAP tag, the contents of a SASL exchange, or any
 * byte after login. Pure: lines go to @write.
 *
 * All functions do nothing if the transcript is NULL. */
#ifndef MAILAUTH_PROTOCOL_TRANSCRIPT_H
#define MAILAUTH_PROTOCOL_TRANSCRIPT_H

#include <glib.h>

#include "mailauth/base/kinds.h"

/* `POP3 Protocol Logging Level` and `IMAP4 Protocol Logging Level`: each holds
 * those before it; 0 is nothing. */
typedef enum {
  TRANSCRIPT_LOGINS = 1, /* connections, and what came of logins */
  TRANSCRIPT_COMMANDS,   /* what the client says before login */
  TRANSCRIPT_RESPONSES,  /* what it is answered */
  TRANSCRIPT_RELAY,      /* how many bytes went each way after login */
  TRANSCRIPT_TLS,        /* version and cipher */
} TranscriptLevel;

typedef struct Transcript Transcript;
/* @line: UTF-8, at most MAX_TRANSCRIPT_LINE bytes, without a line's end; may
 * hold control characters that a client has sent. */
typedef void (*TranscriptWrite)(Protocol protocol, const char *line, gpointer data);

/* @session: what each line begins with. NULL if @level is 0. */
Transcript *transcript_new(guint level, Protocol protocol, const char *session,
                           TranscriptWrite write, gpointer data);
void transcript_free(Transcript *transcript);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transcript, transcript_free)

/* A line of its own if @level is logged. No secret may be given. */
void transcript_note(Transcript *transcript, TranscriptLevel level, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* A command: its name, what of its arguments may be shown (NULL: nothing), and
 * whether there is @more, which is starred out.
 * @out: the answers so far, which were said before it. */
void transcript_command(Transcript *transcript, const GString *out, const char *name,
                        const char *shown, gboolean more);
/* Answers: the lines of @out that have not been seen. NULL: the next output is a new
 * one. */
void transcript_output(Transcript *transcript, const GString *out);

#endif
