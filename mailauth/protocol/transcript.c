/* SPDX-License-Identifier: MIT */
/* What is logged of one session: see transcript.h. */
#include "mailauth/protocol/transcript.h"

#include <string.h>

#include "mailauth/base/limits.h"

#define STARS "****"

struct Transcript {
  guint level;
  Protocol protocol;
  char *session;
  gsize seen; /* of the output */
  TranscriptWrite write;
  gpointer data;
};

Transcript *transcript_new(guint level, Protocol protocol, const char *session,
                           TranscriptWrite write, gpointer data) {
  if (level == 0)
    return NULL;
  Transcript *transcript = g_new0(Transcript, 1);
  *transcript = (Transcript){level, protocol, g_strdup(session), 0, write, data};
  return transcript;
}

void transcript_free(Transcript *transcript) {
  if (transcript == NULL)
    return;
  g_free(transcript->session);
  g_free(transcript);
}

static void write_line(Transcript *transcript, const char *mark, const char *text) {
  g_autofree char *line = g_strdup_printf("%s%s%s", transcript->session, mark, text);
  gsize size = MIN(strlen(line), MAX_TRANSCRIPT_LINE / 4);
  /* Each byte that is no UTF-8 becomes three. */
  g_autofree char *valid = g_utf8_make_valid(line, (gssize)size);
  transcript->write(transcript->protocol, valid, transcript->data);
}

void transcript_note(Transcript *transcript, TranscriptLevel level, const char *format, ...) {
  if (transcript == NULL || transcript->level < level)
    return;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  write_line(transcript, " ", text);
}

void transcript_command(Transcript *transcript, const GString *out, const char *name,
                        const char *shown, gboolean more) {
  if (transcript == NULL || transcript->level < TRANSCRIPT_COMMANDS)
    return;
  transcript_output(transcript, out);
  g_autofree char *text = g_strdup_printf("%s%s%s%s", name, shown != NULL ? " " : "",
                                          shown != NULL ? shown : "", more ? " " STARS : "");
  write_line(transcript, " < ", text);
}

/* ---- answers ---- */

/* An IMAP answer that begins with the client's tag: what follows it. */
static const char *skip_tag(const Transcript *transcript, const char *line) {
  const char *space = strchr(line, ' ');
  gboolean tagged = transcript->protocol == PROTOCOL_IMAP && line[0] != '*' && line[0] != '+';
  return !tagged ? line : space != NULL ? space + 1 : "";
}

static void write_answer(Transcript *transcript, const char *line) {
  gboolean challenge = g_str_has_prefix(line, "+ ");
  write_line(transcript, " > ", challenge ? "+ " STARS : skip_tag(transcript, line));
}

void transcript_output(Transcript *transcript, const GString *out) {
  if (transcript == NULL)
    return;
  gsize seen = transcript->seen;
  transcript->seen = out != NULL ? out->len : 0;
  if (out == NULL || transcript->level < TRANSCRIPT_RESPONSES || seen >= out->len)
    return;
  g_auto(GStrv) lines = g_strsplit(out->str + seen, "\r\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (**line != '\0')
      write_answer(transcript, *line);
}
