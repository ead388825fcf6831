/* SPDX-License-Identifier: MIT */
/* imap.h: collects a command with its literals, then looks it up in a table.
 *
 * A literal is asked for ("+") only if the command can use it, so that a password is
 * not sent in vain: with clear text barred, LOGIN is answered at the first announcement.
 * What a client sends unasked ({n+}) is read past, or ends the session if it is too
 * much; it is never taken for commands. */
#include "mailauth/protocol/imap.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/base/line.h"
#include "mailauth/protocol/conversation.h"
#include "mailauth/protocol/imap-syntax.h"

typedef enum {
  IMAP_LINE,    /* a command's next line */
  IMAP_LITERAL, /* a literal's bytes */
  IMAP_SKIP,    /* the bytes of a literal that is not wanted */
  IMAP_SASL,    /* a SASL response is next */
  IMAP_WAITING, /* for an answer to the step that was given */
} ImapState;

typedef struct {
  ImapState state;
  guint bad_commands;
  guint failed_logins;
  gboolean too_large; /* a literal of the command was read past */
  guint64 literal_left;
  char *tag; /* of the command being answered */
  Line line;
  Secret command; /* as an ImapCursor reads it */
  SaslExchange sasl;
  Credentials credentials;
  ToldClient told;
} Imap;

typedef Step (*ImapHandler)(Imap *imap, const Surroundings *surroundings, ImapCursor *arguments,
                            GString *out);

static Step tagged(const Imap *imap, GString *out, const char *text) {
  g_string_append_printf(out, "%s %s\r\n", imap->tag == NULL ? "*" : imap->tag, text);
  return STEP_READ;
}

static void imap_say_goodbye(const char *why, GString *out) {
  g_string_append_printf(out, "* BYE %s\r\n", why);
}

/* A command that can't be used; the last of too many ends the session. */
static Step bad_command(Imap *imap, GString *out, const char *text) {
  g_autofree char *answer = g_strconcat("BAD ", text, NULL);
  tagged(imap, out, answer);
  if (++imap->bad_commands < MAX_BAD_COMMANDS)
    return STEP_READ;
  imap_say_goodbye("Too many bad commands.", out);
  return STEP_CLOSE;
}

static Step count_refusal(Imap *imap, GString *out) {
  if (++imap->failed_logins < MAX_FAILED_LOGINS)
    return STEP_READ;
  imap_say_goodbye("Too many refused logins.", out);
  return STEP_CLOSE;
}

/* A login that is refused without asking anybody. */
static Step refuse_login(Imap *imap, GString *out, const char *text) {
  tagged(imap, out, text);
  return count_refusal(imap, out);
}

static Step ask(Imap *imap, Step step) {
  imap->state = IMAP_WAITING;
  return step;
}

/* @arguments: of LOGIN, for the record of who tried; NULL for AUTHENTICATE. */
static Step refuse_clear_text(Imap *imap, ImapCursor *arguments) {
  g_auto(Secret) user = {0};
  credentials_clear(&imap->credentials);
  /* The bytes of a literal have not been kept. What nothing follows may be a
   * password by itself. */
  if (arguments != NULL && imap_take_spaces(arguments) && !imap_take_character(arguments, '{') &&
      imap_take_astring(arguments, &user) && imap_take_spaces(arguments))
    credentials_take(&imap->credentials, "LOGIN", user.bytes, user.size, "", 0);
  return ask(imap, STEP_CLEAR_TEXT);
}

static void append_capabilities(const Surroundings *surroundings, GString *out) {
  g_string_append(out, "CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE");
  if (surroundings->offers_tls)
    g_string_append(out, " STARTTLS");
  if (!surroundings_take_commands(surroundings))
    g_string_append(out, " LOGINDISABLED");
  sasl_append_names(surroundings, " AUTH=", "", out);
}

static Step handle_capability(Imap *imap, const Surroundings *surroundings, ImapCursor *arguments,
                              GString *out) {
  if (!imap_take_end(arguments))
    return bad_command(imap, out, "CAPABILITY takes no argument.");
  g_string_append(out, "* ");
  append_capabilities(surroundings, out);
  g_string_append(out, "\r\n");
  return tagged(imap, out, "OK Capabilities before login listed.");
}

static Step handle_noop(Imap *imap, G_GNUC_UNUSED const Surroundings *surroundings,
                        ImapCursor *arguments, GString *out) {
  if (!imap_take_end(arguments))
    return bad_command(imap, out, "NOOP takes no argument.");
  return tagged(imap, out, "OK NOOP completed.");
}

static Step handle_logout(Imap *imap, G_GNUC_UNUSED const Surroundings *surroundings,
                          ImapCursor *arguments, GString *out) {
  if (!imap_take_end(arguments))
    return bad_command(imap, out, "LOGOUT takes no argument.");
  imap_say_goodbye("Logging out.", out);
  tagged(imap, out, "OK LOGOUT completed.");
  return STEP_CLOSE;
}

/* A client can't be told that its port is none: that must not cost it the address. */
static gboolean take_origin(Imap *imap, const ImapOrigin *origin) {
  return origin->address != NULL &&
         (conversation_take_told(origin->address, origin->port, &imap->told) ||
          conversation_take_told(origin->address, NULL, &imap->told));
}

static Step handle_id(Imap *imap, G_GNUC_UNUSED const Surroundings *surroundings,
                      ImapCursor *arguments, GString *out) {
  g_auto(ImapOrigin) origin = {0};
  if (!imap_take_spaces(arguments) || !imap_take_id_parameters(arguments, &origin) ||
      !imap_take_end(arguments))
    return bad_command(imap, out, "ID takes a list of pairs of strings, or NIL.");
  g_string_append(out, "* ID (\"name\" \"mailauthd\")\r\n");
  tagged(imap, out, "OK ID completed.");
  return take_origin(imap, &origin) ? STEP_TOLD : STEP_READ;
}

static Step handle_starttls(Imap *imap, const Surroundings *surroundings, ImapCursor *arguments,
                            GString *out) {
  if (!imap_take_end(arguments))
    return bad_command(imap, out, "STARTTLS takes no argument.");
  if (surroundings->in_tls)
    return bad_command(imap, out, "TLS is active already.");
  if (!surroundings->offers_tls)
    return ask(imap, STEP_NO_CERTIFICATE);
  tagged(imap, out, "OK Begin TLS negotiation now.");
  return STEP_START_TLS;
}

static Step handle_login(Imap *imap, const Surroundings *surroundings, ImapCursor *arguments,
                         GString *out) {
  if (surroundings_lack_commands(surroundings))
    return refuse_login(imap, out, "NO [CANNOT] LOGIN is not offered here; use AUTHENTICATE.");
  if (!surroundings->takes_passwords)
    return refuse_clear_text(imap, arguments);
  g_auto(Secret) user = {0};
  g_auto(Secret) password = {0};
  if (!imap_take_spaces(arguments) || !imap_take_astring(arguments, &user) ||
      !imap_take_spaces(arguments) || !imap_take_astring(arguments, &password) ||
      !imap_take_end(arguments))
    return bad_command(imap, out, "LOGIN takes a name and a password.");
  if (!credentials_take(&imap->credentials, "LOGIN", user.bytes, user.size, password.bytes,
                        password.size))
    return bad_command(imap, out, "The name or the password cannot be one.");
  return ask(imap, STEP_LOGIN);
}

static void leave_sasl(Imap *imap) {
  sasl_clear(&imap->sasl);
  imap->state = IMAP_LINE;
}

static Step continue_sasl(Imap *imap, const char *response, GString *out) {
  SaslResult result = conversation_respond(&imap->sasl, response, &imap->credentials, out);
  imap->state = result == SASL_CHALLENGE ? IMAP_SASL : IMAP_LINE;
  if (result == SASL_CHALLENGE)
    return STEP_READ;
  if (result == SASL_ASK || result == SASL_DONE)
    return ask(imap, STEP_LOGIN);
  return bad_command(imap, out, "The authentication response cannot be read.");
}

/* A space at the end of the line is no response. Takes the one before a response. */
static gboolean begins_response(ImapCursor *arguments) {
  if (!imap_take_spaces(arguments))
    return FALSE;
  ImapCursor rest = *arguments;
  return !imap_take_end(&rest);
}

static Step handle_authenticate(Imap *imap, const Surroundings *surroundings, ImapCursor *arguments,
                                GString *out) {
  g_autofree char *name = NULL;
  if (!imap_take_spaces(arguments) || !imap_take_atom(arguments, &name))
    return bad_command(imap, out, "AUTHENTICATE takes a mechanism.");
  SaslBeginning beginning = sasl_begin(&imap->sasl, name, surroundings);
  if (beginning == SASL_UNKNOWN)
    return refuse_login(imap, out, "NO [CANNOT] Unsupported authentication mechanism.");
  if (beginning == SASL_BARRED)
    return refuse_clear_text(imap, NULL);
  g_auto(Secret) initial = {0};
  gboolean has_initial = begins_response(arguments);
  if ((has_initial && !imap_take_astring(arguments, &initial)) || !imap_take_end(arguments)) {
    sasl_clear(&imap->sasl);
    return bad_command(imap, out, "AUTHENTICATE takes a mechanism and at most one response.");
  }
  return continue_sasl(imap, has_initial ? (const char *)initial.bytes : NULL, out);
}

static Step handle_later(Imap *imap, G_GNUC_UNUSED const Surroundings *surroundings,
                         G_GNUC_UNUSED ImapCursor *arguments, GString *out) {
  return bad_command(imap, out, "Log in first.");
}

static const struct {
  const char *name;
  ImapHandler handle;
  gboolean takes_literals;
  gboolean needs_clear_text; /* its arguments hold a password */
} commands[] = {
    {"CAPABILITY", handle_capability, FALSE, FALSE},
    {"NOOP", handle_noop, FALSE, FALSE},
    {"LOGOUT", handle_logout, FALSE, FALSE},
    {"ID", handle_id, TRUE, FALSE},
    {"STARTTLS", handle_starttls, FALSE, FALSE},
    {"LOGIN", handle_login, TRUE, TRUE},
    {"AUTHENTICATE", handle_authenticate, FALSE, FALSE},
    {"SELECT", handle_later, FALSE, FALSE},
    {"EXAMINE", handle_later, FALSE, FALSE},
    {"CREATE", handle_later, FALSE, FALSE},
    {"DELETE", handle_later, FALSE, FALSE},
    {"RENAME", handle_later, FALSE, FALSE},
    {"SUBSCRIBE", handle_later, FALSE, FALSE},
    {"UNSUBSCRIBE", handle_later, FALSE, FALSE},
    {"LIST", handle_later, FALSE, FALSE},
    {"LSUB", handle_later, FALSE, FALSE},
    {"STATUS", handle_later, FALSE, FALSE},
    {"APPEND", handle_later, FALSE, FALSE},
    {"CHECK", handle_later, FALSE, FALSE},
    {"CLOSE", handle_later, FALSE, FALSE},
    {"EXPUNGE", handle_later, FALSE, FALSE},
    {"SEARCH", handle_later, FALSE, FALSE},
    {"FETCH", handle_later, FALSE, FALSE},
    {"STORE", handle_later, FALSE, FALSE},
    {"COPY", handle_later, FALSE, FALSE},
    {"UID", handle_later, FALSE, FALSE},
    {"ENABLE", handle_later, FALSE, FALSE},
    {"IDLE", handle_later, FALSE, FALSE},
    {"NAMESPACE", handle_later, FALSE, FALSE},
};

/* The table's index; G_N_ELEMENTS for none. */
static gsize find_command(const char *name) {
  gsize i = 0;
  while (i < G_N_ELEMENTS(commands) && g_ascii_strcasecmp(commands[i].name, name) != 0)
    i++;
  return i;
}

static ImapCursor command_cursor(const Imap *imap) {
  const char *text = (const char *)imap->command.bytes;
  return (ImapCursor){text, text + imap->command.size};
}

/* The tag and the name that the command begins with; *@index as find_command(). */
static gboolean begin_command(Imap *imap, ImapCursor *cursor, gsize *index) {
  g_autofree char *name = NULL;
  *cursor = command_cursor(imap);
  g_clear_pointer(&imap->tag, g_free);
  *index = G_N_ELEMENTS(commands);
  if (!imap_take_tag(cursor, &imap->tag))
    return FALSE;
  if (imap_take_spaces(cursor) && imap_take_atom(cursor, &name))
    *index = find_command(name);
  return TRUE;
}

static void forget_command(Imap *imap) {
  secret_clear(&imap->command);
  imap->too_large = FALSE;
}

/* Shows the user's name if the command is whole, and nothing else. */
static void note_login(Transcript *transcript, const GString *out, ImapCursor arguments) {
  g_auto(Secret) user = {0};
  g_auto(Secret) password = {0};
  gboolean whole = imap_take_spaces(&arguments) && imap_take_astring(&arguments, &user) &&
                   imap_take_spaces(&arguments) && imap_take_astring(&arguments, &password) &&
                   imap_take_end(&arguments);
  transcript_command(transcript, out, "LOGIN", whole ? (const char *)user.bytes : NULL, TRUE);
}

static void note_authenticate(Transcript *transcript, const GString *out, ImapCursor arguments) {
  g_autofree char *mechanism = NULL;
  gboolean named = imap_take_spaces(&arguments) && imap_take_atom(&arguments, &mechanism);
  conversation_note_mechanism(transcript, out, "AUTHENTICATE", named ? mechanism : NULL,
                              begins_response(&arguments));
}

/* The cursor by value: it is for the command to move. A command with a literal
 * that was read past is incomplete. */
static void note_command(const Imap *imap, const Surroundings *surroundings, const GString *out,
                         gsize index, ImapCursor arguments) {
  Transcript *transcript = surroundings->transcript;
  if (transcript == NULL)
    return;
  if (index == G_N_ELEMENTS(commands))
    conversation_note_unknown(transcript, out);
  else if (commands[index].handle == handle_login && !imap->too_large &&
           surroundings_take_commands(surroundings))
    note_login(transcript, out, arguments);
  else if (commands[index].handle == handle_authenticate)
    note_authenticate(transcript, out, arguments);
  else
    transcript_command(transcript, out, commands[index].name, NULL, !imap_take_end(&arguments));
}

static Step execute(Imap *imap, const Surroundings *surroundings, GString *out) {
  ImapCursor cursor;
  gsize index;
  gboolean begun = begin_command(imap, &cursor, &index);
  note_command(imap, surroundings, out, index, cursor);
  if (!begun)
    return bad_command(imap, out, "A command begins with a tag.");
  if (index == G_N_ELEMENTS(commands))
    return bad_command(imap, out, "Unknown command.");
  gboolean barred = commands[index].needs_clear_text && !surroundings_take_commands(surroundings);
  if (imap->too_large && !barred)
    return bad_command(imap, out, "A literal is too large.");
  return commands[index].handle(imap, surroundings, &cursor, out);
}

static Step finish_command(Imap *imap, const Surroundings *surroundings, GString *out) {
  Step step = execute(imap, surroundings, out);
  forget_command(imap);
  return step;
}

static Step end_for_size(Imap *imap, GString *out, const char *text) {
  ImapCursor cursor;
  gsize index;
  if (imap->state == IMAP_LINE)
    begin_command(imap, &cursor, &index);
  g_autofree char *answer = g_strconcat("BAD ", text, NULL);
  tagged(imap, out, answer);
  g_autofree char *why = g_strconcat("[TOOBIG] ", text, NULL);
  imap_say_goodbye(why, out);
  return STEP_CLOSE;
}

static gboolean wants_literal(Imap *imap, const Surroundings *surroundings,
                              const ImapLiteral *literal) {
  ImapCursor cursor;
  gsize index;
  if (!begin_command(imap, &cursor, &index) || index == G_N_ELEMENTS(commands))
    return FALSE;
  if (!commands[index].takes_literals ||
      (commands[index].needs_clear_text && !surroundings_take_commands(surroundings)))
    return FALSE;
  imap->too_large |=
      literal->size > MAX_IMAP_LITERAL || literal->size + imap->command.size > MAX_IMAP_COMMAND;
  return !imap->too_large;
}

static Step announce_literal(Imap *imap, const Surroundings *surroundings,
                             const ImapLiteral *literal, GString *out) {
  gboolean wanted = wants_literal(imap, surroundings, literal);
  if (!wanted && literal->synchronising)
    return finish_command(imap, surroundings, out);
  if (!wanted && literal->size > MAX_IMAP_SKIPPED_LITERAL)
    return end_for_size(imap, out, "A literal is too large.");
  if (literal->synchronising)
    g_string_append(out, "+ OK\r\n");
  imap->literal_left = literal->size;
  imap->state = literal->size == 0 ? IMAP_LINE : wanted ? IMAP_LITERAL : IMAP_SKIP;
  return STEP_READ;
}

/* A proxy's header (proxy-header.h): what comes behind it is not from whom it seems to be. A
 * binary one is ended as too many bad commands. */
static gboolean is_proxy_header(const Imap *imap, const char *line) {
  return imap->command.size == 0 &&
         (g_str_has_prefix(line, "PROXY TCP") || g_str_has_prefix(line, "PROXY UNKNOWN"));
}

static Step handle_command_line(Imap *imap, const Surroundings *surroundings, GString *out) {
  const char *text = (const char *)imap->line.text.bytes;
  gsize size = imap->line.text.size;
  if (is_proxy_header(imap, text)) {
    imap_say_goodbye("No proxy is expected from your address.", out);
    return STEP_CLOSE;
  }
  if (imap->command.size + size + 1 > MAX_IMAP_COMMAND)
    return end_for_size(imap, out, "The command is too long.");
  secret_append(&imap->command, text, size);
  secret_append(&imap->command, "\n", 1);
  ImapLiteral literal;
  if (imap_find_literal(text, size, &literal))
    return announce_literal(imap, surroundings, &literal, out);
  return finish_command(imap, surroundings, out);
}

static Step handle_response(Imap *imap, const Surroundings *surroundings, GString *out) {
  line_trim(&imap->line);
  const char *text = (const char *)imap->line.text.bytes;
  conversation_note_response(surroundings->transcript, out, text);
  if (!line_has_nul(&imap->line) && strcmp(text, "*") != 0)
    return continue_sasl(imap, text, out);
  gboolean free_of_charge = !sasl_has_asked(&imap->sasl);
  leave_sasl(imap);
  return free_of_charge ? tagged(imap, out, "BAD Authentication aborted.")
                        : bad_command(imap, out, "Authentication aborted.");
}

/* The rest of a line that is too long can't be told from its literals: the end. */
static Step handle_long_line(Imap *imap, GString *out) {
  if (imap->command.size == 0 && imap->state == IMAP_LINE)
    secret_append(&imap->command, imap->line.text.bytes, imap->line.text.size);
  return end_for_size(imap, out, "The line is too long.");
}

static Step feed_line(Imap *imap, const Surroundings *surroundings, const guint8 **input,
                      gsize *size, GString *out) {
  LineResult result = line_feed(&imap->line, input, size, MAX_SASL_LINE);
  if (result == LINE_MORE)
    return STEP_READ;
  Step step = result == LINE_TOO_LONG    ? handle_long_line(imap, out)
              : imap->state == IMAP_SASL ? handle_response(imap, surroundings, out)
                                         : handle_command_line(imap, surroundings, out);
  line_clear(&imap->line);
  return step;
}

static void feed_literal(Imap *imap, const guint8 **input, gsize *size) {
  gsize part = (gsize)MIN((guint64)*size, imap->literal_left);
  if (imap->state == IMAP_LITERAL)
    secret_append(&imap->command, *input, part);
  *input += part;
  *size -= part;
  imap->literal_left -= part;
  if (imap->literal_left == 0)
    imap->state = IMAP_LINE;
}

static Step imap_feed(Machine *machine, const Surroundings *surroundings, const guint8 **input,
                      gsize *size, GString *out) {
  Imap *imap = (Imap *)machine;
  Step step = STEP_READ;
  while (step == STEP_READ && *size > 0 && imap->state != IMAP_WAITING) {
    if (imap->state == IMAP_LITERAL || imap->state == IMAP_SKIP)
      feed_literal(imap, input, size);
    else
      step = feed_line(imap, surroundings, input, size, out);
  }
  return step;
}

static void imap_challenge(Machine *machine, const guint8 *bytes, gsize size, GString *out) {
  Imap *imap = (Imap *)machine;
  conversation_challenge(bytes, size, out);
  imap->state = IMAP_SASL;
}

static gboolean imap_is_in_exchange(const Machine *machine) {
  return ((const Imap *)machine)->sasl.mechanism != NULL;
}

/* An alert that came beside another code has a line of its own, as it had at the server. */
static Step answer_refused(Imap *imap, const MachineAnswer *answer, GString *out) {
  RefusalWords words = conversation_choose_words(answer);
  gboolean is_apart = words.alert != NULL && answer->word.code != SERVER_CODE_ALERT;
  if (is_apart)
    g_string_append_printf(out, "* NO [ALERT] %s\r\n", words.alert);
  g_string_append_printf(out, "%s NO ", imap->tag);
  if (words.imap_code[0] != '\0')
    g_string_append_printf(out, "%s ", words.imap_code);
  g_string_append_printf(out, "%s\r\n",
                         words.alert != NULL && !is_apart ? words.alert : words.text);
  return conversation_counts_as_failure(answer->outcome) ? count_refusal(imap, out) : STEP_READ;
}

static Step imap_answer(Machine *machine, const MachineAnswer *answer, GString *out) {
  Imap *imap = (Imap *)machine;
  leave_sasl(imap);
  credentials_clear(&imap->credentials);
  if (answer->outcome != OUTCOME_OK)
    return answer_refused(imap, answer, out);
  g_string_append_printf(out, "%s OK ", imap->tag);
  if (answer->capabilities != NULL && answer->capabilities[0] != '\0')
    g_string_append_printf(out, "[CAPABILITY %s] ", answer->capabilities);
  g_string_append_printf(out, "%s\r\n", outcome_get_facts(OUTCOME_OK)->text);
  return STEP_RELAY;
}

static void imap_greet(const Surroundings *surroundings, GString *out) {
  g_string_append(out, "* OK [");
  append_capabilities(surroundings, out);
  g_string_append(out, "] IMAP server ready.\r\n");
}

static void imap_forget(Machine *machine) {
  Imap *imap = (Imap *)machine;
  imap->state = IMAP_LINE;
  g_clear_pointer(&imap->tag, g_free);
  forget_command(imap);
  sasl_clear(&imap->sasl);
  credentials_clear(&imap->credentials);
  line_clear(&imap->line);
  imap->line.skipping = FALSE;
}

static Machine *imap_create(void) {
  return (Machine *)g_new0(Imap, 1);
}

static void imap_free(Machine *machine) {
  imap_forget(machine);
  g_free(machine);
}

static Credentials *imap_get_credentials(Machine *machine) {
  return &((Imap *)machine)->credentials;
}

static const ToldClient *imap_get_told(const Machine *machine) {
  return &((const Imap *)machine)->told;
}

/* It was answered, and says nothing of what comes of it. */
static void imap_take_told(G_GNUC_UNUSED Machine *machine, G_GNUC_UNUSED gboolean believed,
                           G_GNUC_UNUSED GString *out) {
}

const MachineOps imap_ops = {
    .create = imap_create,
    .free = imap_free,
    .greet = imap_greet,
    .feed = imap_feed,
    .challenge = imap_challenge,
    .is_in_exchange = imap_is_in_exchange,
    .answer = imap_answer,
    .get_told = imap_get_told,
    .take_told = imap_take_told,
    .tls_started = imap_forget,
    .get_credentials = imap_get_credentials,
    .say_goodbye = imap_say_goodbye,
};
