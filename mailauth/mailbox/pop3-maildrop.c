/* SPDX-License-Identifier: MIT */
/* See pop3-maildrop.h. A listing of any length is made piece by piece, as its
 * answer is sent and as sizes become known: `listing` says where it stands. */
#include "mailauth/mailbox/pop3-maildrop.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/mailbox/pop3-body.h"

/* More digits than any message number or count of lines has. */
#define LONGEST_NUMBER 9
#define MAX_ARGUMENTS 2

typedef enum {
  LISTING_NONE,
  LISTING_STAT,
  LISTING_SIZES,
  LISTING_SIZE, /* of one message */
  LISTING_UIDS,
} Listing;

typedef struct {
  Pop3Message message;
  gboolean deleted;
  gboolean refused; /* pop3_maildrop_refuse_message() */
} Entry;

struct Pop3Maildrop {
  Entry *entries;
  guint n_entries;
  GString *input;    /* what has not been handled yet */
  gsize used;        /* of it */
  gboolean too_long; /* the rest of a line that was refused is passed over */
  Listing listing;
  guint next;          /* entry of the listing */
  guint listed;        /* entries that STAT has counted */
  guint64 listed_size; /* octets that STAT has counted */
};

Pop3Maildrop *pop3_maildrop_new(const Pop3Message *messages, guint n_messages) {
  Pop3Maildrop *maildrop = g_new0(Pop3Maildrop, 1);
  maildrop->entries = g_new0(Entry, n_messages);
  maildrop->n_entries = n_messages;
  for (guint i = 0; i < n_messages; i++)
    maildrop->entries[i].message = messages[i];
  maildrop->input = g_string_new(NULL);
  return maildrop;
}

void pop3_maildrop_free(Pop3Maildrop *maildrop) {
  if (maildrop == NULL)
    return;
  g_string_free(maildrop->input, TRUE);
  g_free(maildrop->entries);
  g_free(maildrop);
}

void pop3_maildrop_feed(Pop3Maildrop *maildrop, const char *bytes, gsize size) {
  g_string_erase(maildrop->input, 0, (gssize)maildrop->used);
  maildrop->used = 0;
  g_string_append_len(maildrop->input, bytes, (gssize)size);
}

void pop3_maildrop_set_size(Pop3Maildrop *maildrop, guint index, guint64 octets) {
  maildrop->entries[index].message.octets = octets;
}

gboolean pop3_maildrop_is_deleted(const Pop3Maildrop *maildrop, guint index) {
  return maildrop->entries[index].deleted;
}

void pop3_maildrop_begin_message(Pop3Maildrop *maildrop, guint index, gboolean there,
                                 GString *out) {
  guint64 octets = maildrop->entries[index].message.octets;
  if (!there)
    g_string_append(out, "-ERR [SYS/TEMP] The message cannot be read now.\r\n");
  else if (octets == POP3_SIZE_UNKNOWN)
    g_string_append(out, "+OK Message follows.\r\n");
  else
    g_string_append_printf(out, "+OK %" G_GUINT64_FORMAT " octets\r\n", octets);
}

void pop3_maildrop_refuse_message(Pop3Maildrop *maildrop, guint index, GString *out) {
  maildrop->entries[index].refused = TRUE;
  g_string_append(out, "-ERR [SYS/PERM] The message is stored in a way that cannot be read here; "
                       "tell the administrator.\r\n");
}

void pop3_maildrop_finish(G_GNUC_UNUSED Pop3Maildrop *maildrop, guint n_failed, GString *out) {
  if (n_failed == 0)
    g_string_append(out, "+OK Bye.\r\n");
  else
    g_string_append_printf(out, "-ERR [SYS/TEMP] Messages that could not be removed: %u.\r\n",
                           n_failed);
}

/* ---- listings ---- */

static void begin_listing(Pop3Maildrop *maildrop, Listing listing, guint first) {
  maildrop->listing = listing;
  maildrop->next = first;
  maildrop->listed = 0;
  maildrop->listed_size = 0;
}

/* One entry that is not deleted. */
static void list_entry(Pop3Maildrop *maildrop, GString *out) {
  const Pop3Message *message = &maildrop->entries[maildrop->next].message;
  maildrop->listed++;
  maildrop->listed_size += message->octets;
  if (maildrop->listing == LISTING_UIDS)
    g_string_append_printf(out, "%u %s\r\n", maildrop->next + 1, message->uid);
  else if (maildrop->listing != LISTING_STAT)
    g_string_append_printf(out, "%s%u %" G_GUINT64_FORMAT "\r\n",
                           maildrop->listing == LISTING_SIZE ? "+OK " : "", maildrop->next + 1,
                           message->octets);
}

static void end_listing(Pop3Maildrop *maildrop, GString *out) {
  if (maildrop->listing == LISTING_STAT)
    g_string_append_printf(out, "+OK %u %" G_GUINT64_FORMAT "\r\n", maildrop->listed,
                           maildrop->listed_size);
  else if (maildrop->listing != LISTING_SIZE)
    g_string_append(out, ".\r\n");
  maildrop->listing = LISTING_NONE;
}

/* Goes on with the listing; INPUT once it is complete. */
static Pop3MaildropStep continue_listing(Pop3Maildrop *maildrop, GString *out,
                                         Pop3Request *request) {
  for (; maildrop->next < maildrop->n_entries; maildrop->next++) {
    const Entry *entry = &maildrop->entries[maildrop->next];
    if (entry->deleted)
      continue;
    if (maildrop->listing != LISTING_UIDS && entry->message.octets == POP3_SIZE_UNKNOWN) {
      request->index = maildrop->next;
      return POP3_MAILDROP_MEASURE;
    }
    if (out->len >= POP3_MAILDROP_OUTPUT_SIZE)
      return POP3_MAILDROP_OUTPUT;
    list_entry(maildrop, out);
    if (maildrop->listing == LISTING_SIZE)
      break;
  }
  end_listing(maildrop, out);
  return POP3_MAILDROP_INPUT;
}

/* ---- commands ---- */

typedef struct {
  GString *out;
  Pop3Request *request;
  guint numbers[MAX_ARGUMENTS];
  guint n_numbers;
} Call;

/* What a handler returns if the next command can be handled at once. */
#define DONE POP3_MAILDROP_INPUT

/* The message that the first argument names, or NULL after an answer. */
static Entry *find_entry(Pop3Maildrop *maildrop, const Call *call) {
  guint number = call->numbers[0];
  Entry *entry =
      number >= 1 && number <= maildrop->n_entries ? &maildrop->entries[number - 1] : NULL;
  if (entry != NULL && !entry->deleted)
    return entry;
  g_string_append_printf(call->out, "-ERR There is no message %u%s.\r\n", number,
                         entry != NULL ? ": it is marked as deleted" : "");
  return NULL;
}

static Pop3MaildropStep handle_stat(Pop3Maildrop *maildrop, G_GNUC_UNUSED Call *call) {
  begin_listing(maildrop, LISTING_STAT, 0);
  return DONE;
}

static Pop3MaildropStep handle_list(Pop3Maildrop *maildrop, Call *call) {
  if (call->n_numbers == 0) {
    g_string_append(call->out, "+OK The sizes follow.\r\n");
    begin_listing(maildrop, LISTING_SIZES, 0);
  } else if (find_entry(maildrop, call) != NULL) {
    begin_listing(maildrop, LISTING_SIZE, call->numbers[0] - 1);
  }
  return DONE;
}

static Pop3MaildropStep handle_uidl(Pop3Maildrop *maildrop, Call *call) {
  const Entry *entry = call->n_numbers > 0 ? find_entry(maildrop, call) : NULL;
  if (call->n_numbers == 0) {
    g_string_append(call->out, "+OK The unique IDs follow.\r\n");
    begin_listing(maildrop, LISTING_UIDS, 0);
  } else if (entry != NULL) {
    g_string_append_printf(call->out, "+OK %u %s\r\n", call->numbers[0], entry->message.uid);
  }
  return DONE;
}

static Pop3MaildropStep ask_for_message(Pop3Maildrop *maildrop, Call *call, guint lines) {
  const Entry *entry = find_entry(maildrop, call);
  if (entry == NULL)
    return DONE;
  call->request->index = (guint)(entry - maildrop->entries);
  call->request->lines = lines;
  return POP3_MAILDROP_SEND;
}

static Pop3MaildropStep handle_retr(Pop3Maildrop *maildrop, Call *call) {
  return ask_for_message(maildrop, call, POP3_BODY_WHOLE);
}

static Pop3MaildropStep handle_top(Pop3Maildrop *maildrop, Call *call) {
  return ask_for_message(maildrop, call, call->numbers[1]);
}

static Pop3MaildropStep handle_dele(Pop3Maildrop *maildrop, Call *call) {
  Entry *entry = find_entry(maildrop, call);
  if (entry == NULL)
    return DONE;
  if (entry->refused) {
    g_string_append(call->out,
                    "-ERR [SYS/PERM] The message could not be read here, and stays.\r\n");
    return DONE;
  }
  entry->deleted = TRUE;
  g_string_append_printf(call->out, "+OK Message %u is marked as deleted.\r\n", call->numbers[0]);
  return DONE;
}

static Pop3MaildropStep handle_noop(G_GNUC_UNUSED Pop3Maildrop *maildrop, Call *call) {
  g_string_append(call->out, "+OK\r\n");
  return DONE;
}

static Pop3MaildropStep handle_rset(Pop3Maildrop *maildrop, Call *call) {
  for (guint i = 0; i < maildrop->n_entries; i++)
    maildrop->entries[i].deleted = FALSE;
  g_string_append(call->out, "+OK No message is marked as deleted.\r\n");
  return DONE;
}

static Pop3MaildropStep handle_capa(G_GNUC_UNUSED Pop3Maildrop *maildrop, Call *call) {
  g_string_append(call->out, "+OK The capabilities follow.\r\n"
                             "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n.\r\n");
  return DONE;
}

static Pop3MaildropStep handle_quit(G_GNUC_UNUSED Pop3Maildrop *maildrop,
                                    G_GNUC_UNUSED Call *call) {
  return POP3_MAILDROP_UPDATE;
}

typedef struct {
  const char *keyword;
  guint min_arguments, max_arguments; /* all of them numbers */
  Pop3MaildropStep (*handle)(Pop3Maildrop *maildrop, Call *call);
} Command;

static const Command commands[] = {
    {"STAT", 0, 0, handle_stat}, {"LIST", 0, 1, handle_list}, {"RETR", 1, 1, handle_retr},
    {"DELE", 1, 1, handle_dele}, {"NOOP", 0, 0, handle_noop}, {"RSET", 0, 0, handle_rset},
    {"TOP", 2, 2, handle_top},   {"UIDL", 0, 1, handle_uidl}, {"QUIT", 0, 0, handle_quit},
    {"CAPA", 0, 0, handle_capa},
};

static const Command *find_command(const char *line, gsize length) {
  for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
    if (strlen(commands[i].keyword) == length &&
        g_ascii_strncasecmp(commands[i].keyword, line, length) == 0)
      return &commands[i];
  return NULL;
}

static gboolean parse_number(const char *text, guint *number) {
  gsize length = strspn(text, "0123456789");
  if (length == 0 || length > LONGEST_NUMBER || text[length] != '\0')
    return FALSE;
  *number = (guint)g_ascii_strtoull(text, NULL, 10);
  return TRUE;
}

/* @text: what follows the keyword, from the first space on. */
static gboolean parse_arguments(const Command *command, const char *text, Call *call) {
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  for (guint i = 0; words[i] != NULL; i++) {
    if (words[i][0] == '\0')
      continue;
    if (call->n_numbers == command->max_arguments ||
        !parse_number(words[i], &call->numbers[call->n_numbers++]))
      return FALSE;
  }
  return call->n_numbers >= command->min_arguments;
}

/* @line: without its end, NUL-terminated; @length says whether it holds NULs itself. */
static Pop3MaildropStep handle_line(Pop3Maildrop *maildrop, const char *line, gsize length,
                                    Call *call) {
  gsize keyword = strcspn(line, " ");
  const Command *command = strlen(line) == length ? find_command(line, keyword) : NULL;
  if (command != NULL && parse_arguments(command, line + keyword, call))
    return command->handle(maildrop, call);
  if (command == NULL)
    g_string_append(call->out, "-ERR The command is not known here.\r\n");
  else
    g_string_append_printf(call->out, "-ERR %s takes %s.\r\n", command->keyword,
                           command->min_arguments == 2   ? "a message number and a count of lines"
                           : command->min_arguments == 1 ? "a message number"
                           : command->max_arguments == 1 ? "a message number or nothing"
                                                         : "no argument");
  return DONE;
}

/* The line that comes to @size bytes with its end. */
static Pop3MaildropStep take_line(Pop3Maildrop *maildrop, gsize size, Call *call) {
  const char *start = maildrop->input->str + maildrop->used;
  gsize length = size > 1 && start[size - 2] == '\r' ? size - 2 : size - 1;
  gboolean refused = maildrop->too_long;
  maildrop->used += size;
  maildrop->too_long = FALSE;
  if (refused)
    return DONE;
  if (size > MAX_POP3_COMMAND) {
    g_string_append(call->out, "-ERR The command is too long.\r\n");
    return DONE;
  }
  g_autofree char *line = g_strndup(start, length);
  return handle_line(maildrop, line, length, call);
}

/* No line is complete: what is too long for one is refused once, and passed over. */
static void pass_over_long_line(Pop3Maildrop *maildrop, gsize waiting, GString *out) {
  if (waiting < MAX_POP3_COMMAND && !maildrop->too_long)
    return;
  if (!maildrop->too_long)
    g_string_append(out, "-ERR The command is too long.\r\n");
  maildrop->too_long = TRUE;
  maildrop->used += waiting;
}

Pop3MaildropStep pop3_maildrop_step(Pop3Maildrop *maildrop, GString *out, Pop3Request *request) {
  for (;;) {
    Pop3MaildropStep step = DONE;
    if (maildrop->listing != LISTING_NONE)
      step = continue_listing(maildrop, out, request);
    if (step != DONE)
      return step;
    if (out->len >= POP3_MAILDROP_OUTPUT_SIZE)
      return POP3_MAILDROP_OUTPUT;
    const char *start = maildrop->input->str + maildrop->used;
    gsize waiting = maildrop->input->len - maildrop->used;
    const char *end = memchr(start, '\n', waiting);
    if (end == NULL) {
      pass_over_long_line(maildrop, waiting, out);
      return POP3_MAILDROP_INPUT;
    }
    Call call = {.out = out, .request = request};
    step = take_line(maildrop, (gsize)(end - start) + 1, &call);
    if (step != DONE)
      return step;
  }
}
