/* SPDX-License-Identifier: MIT */
/* The formal syntax of IMAP commands (RFC 3501, section 9) as far as it is
 * needed before login: tags, command names, strings of all three kinds. Pure:
 * it reads a command that is complete in memory. */
#ifndef MAILAUTH_PROTOCOL_IMAP_SYNTAX_H
#define MAILAUTH_PROTOCOL_IMAP_SYNTAX_H

#include "mailauth/base/secret.h"

/* A place in a command: its lines, each ended by one LF, and after a line that
 * ends in a literal's announcement the literal's bytes. */
typedef struct {
  const char *at;
  const char *end;
} ImapCursor;

/* A literal's announcement at the end of a line: {5}, {5+}. */
typedef struct {
  guint64 size; /* G_MAXUINT64 for what is larger */
  gboolean synchronising;
} ImapLiteral;

/* FALSE: the line ends in none. @size: without the line's end. */
gboolean imap_find_literal(const char *line, gsize size, ImapLiteral *literal);

/* Each moves the cursor past what it takes and returns FALSE, with the cursor anywhere,
 * if that is not there. */
gboolean imap_take_tag(ImapCursor *cursor, char **tag);
/* A command's or a mechanism's name, or anything else made of atom characters. */
gboolean imap_take_atom(ImapCursor *cursor, char **atom);
gboolean imap_take_character(ImapCursor *cursor, char character);
/* At least one: some clients leave two where the grammar has one. */
gboolean imap_take_spaces(ImapCursor *cursor);
gboolean imap_take_end(ImapCursor *cursor);
/* Atom, quoted string or literal. In an atom everything is allowed but what
 * would end it, as many clients send names with "\" or "%" unquoted. No NUL. */
gboolean imap_take_astring(ImapCursor *cursor, Secret *string);
/* What ID may tell of a client's client; NULL for what it does not. */
typedef struct {
  char *address; /* x-originating-ip, as it came */
  char *port;    /* x-originating-port */
} ImapOrigin;

void imap_origin_clear(ImapOrigin *origin);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImapOrigin, imap_origin_clear)

/* NIL or a list of pairs: the argument of ID. Nothing else of it is kept. */
gboolean imap_take_id_parameters(ImapCursor *cursor, ImapOrigin *origin);

#endif
