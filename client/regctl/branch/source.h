/* SPDX-License-Identifier: MIT */
/* Branches from where they are: the daemon, of now or of a revision, or a .reg
 * file. */
#ifndef CLIENT_REGCTL_BRANCH_SOURCE_H
#define CLIENT_REGCTL_BRANCH_SOURCE_H

#include "client/regctl/branch/branch.h"
#include "client/regctl/session/session.h"
#include "client/regfile/regfile.h"

/* The branch at @key, as it was at *@at unless @at is NULL. Keys that may not be read are
 * left out, with a note. */
Branch *source_read_key(Session *session, const char *key, const guint64 *at, GError **error);
typedef struct {
  gboolean strict;       /* INVALID_VALUE for the first line that can't be read or is guessed */
  RegfileReport *report; /* set to what was left out and guessed, with a reason that the caller
                            frees; NULL: that is noted on standard error */
  gboolean imports;      /* what is no registry file at all is FAILED, as with Windows' reg.exe */
} SourceReading;
/* What the .reg file @file ("-": standard input) does. The option --encoding says what 8-bit
 * text is. FAILED: it can't be read. Owned by the caller. */
Change *source_read_file(Session *session, const char *file, const SourceReading *how,
                         GError **error);
/* The same of text. @name is for messages. */
Change *source_parse(const char *name, const char *text, gsize size, GError **error);
/* Notes on standard error which lines were left out, and of which the encoding was guessed. */
void source_note_report(const Session *session, const char *name, const RegfileReport *report);

#endif
