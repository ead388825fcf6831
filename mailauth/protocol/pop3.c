/* SPDX-License-Identifier: MIT */
/* pop3.h: commands as a table, answers as text. */
#include "mailauth/protocol/pop3.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/base/line.h"
#include "mailauth/protocol/conversation.h"

#define LEFT_OUT "USER and PASS are not offered here; log in by AUTH."

typedef enum {
  POP3_COMMAND, /* a command is next */
  POP3_SASL,    /* a SASL response is next */
  POP3_WAITING, /* for an answer to the step that was given */
} Pop3State;

typedef struct {
  Pop3State state;
  guint bad_commands;
  guint failed_logins;
  char *user; /* what USER named */
  Line line;
  SaslExchange sasl;
  Credentials credentials;
  ToldClient told;
} Pop3;

/* @argument: what follows the single space, or NULL if there is no space. */
typedef Step (*Pop3Handler)(Pop3 *pop3, const Surroundings *surroundings, const char *argument,
                            GString *out);

static Step refuse(GString *out, const char *text) {
  g_string_append_printf(out, "-ERR %s\r\n", text);
  return STEP_READ;
}

/* A command that can't be used; the last of too many ends the session. */
static Step bad_command(Pop3 *pop3, GString *out, const char *text) {
  refuse(out, text);
  if (++pop3->bad_commands < MAX_BAD_COMMANDS)
    return STEP_READ;
  refuse(out, "Too many bad commands.");
  return STEP_CLOSE;
}

static Step count_refusal(Pop3 *pop3) {
  return ++pop3->failed_logins < MAX_FAILED_LOGINS ? STEP_READ : STEP_CLOSE;
}

/* A login that is refused without asking anybody. Clients try what they know until
 * something is there: that is no bad command. */
static Step refuse_login(Pop3 *pop3, GString *out, const char *text) {
  refuse(out, text);
  return count_refusal(pop3);
}

static Step ask(Pop3 *pop3, Step step) {
  pop3->state = POP3_WAITING;
  return step;
}

static Step refuse_clear_text(Pop3 *pop3, const char *user) {
  credentials_clear(&pop3->credentials);
  /* What follows a blank may be a password in the wrong place. */
  if (user != NULL)
    credentials_take(&pop3->credentials, "PASS", user, strcspn(user, " "), "", 0);
  return ask(pop3, STEP_CLEAR_TEXT);
}

/* A blank after a command is forgiven. */
static gboolean has_argument(const char *argument) {
  return argument != NULL && argument[0] != '\0';
}

/* The capability, if there is any mechanism. */
static void append_sasl(const Surroundings *surroundings, GString *out) {
  gsize before = out->len;
  g_string_append(out, "SASL");
  gsize none = out->len;
  sasl_append_names(surroundings, " ", "", out);
  if (out->len == none)
    g_string_truncate(out, before);
  else
    g_string_append(out, "\r\n");
}

static Step handle_capa(Pop3 *pop3, const Surroundings *surroundings, const char *argument,
                        GString *out) {
  if (has_argument(argument))
    return bad_command(pop3, out, "CAPA takes no argument.");
  g_string_append(out, "+OK Capability list follows.\r\n"
                       "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n");
  if (surroundings_take_commands(surroundings))
    g_string_append(out, "USER\r\n");
  append_sasl(surroundings, out);
  if (surroundings->offers_tls)
    g_string_append(out, "STLS\r\n");
  if (surroundings->may_tell)
    g_string_append(out, "XCLIENT\r\n");
  g_string_append(out, ".\r\n");
  return STEP_READ;
}

static Step handle_user(Pop3 *pop3, const Surroundings *surroundings, const char *argument,
                        GString *out) {
  if (!has_argument(argument))
    return bad_command(pop3, out, "USER needs a name.");
  if (surroundings_lack_commands(surroundings))
    return refuse_login(pop3, out, LEFT_OUT);
  if (!surroundings->takes_passwords)
    return refuse_clear_text(pop3, argument);
  if (!credentials_take(&pop3->credentials, "PASS", argument, strlen(argument), "", 0))
    return bad_command(pop3, out, "The name cannot be one.");
  credentials_clear(&pop3->credentials);
  g_free(pop3->user);
  pop3->user = g_strdup(argument);
  g_string_append(out, "+OK\r\n");
  return STEP_READ;
}

static Step handle_pass(Pop3 *pop3, const Surroundings *surroundings, const char *argument,
                        GString *out) {
  g_autofree char *user = g_steal_pointer(&pop3->user);
  if (surroundings_lack_commands(surroundings))
    return refuse_login(pop3, out, LEFT_OUT);
  if (!surroundings->takes_passwords)
    return refuse_clear_text(pop3, user);
  if (user == NULL)
    return bad_command(pop3, out, "USER comes first.");
  if (argument == NULL)
    return bad_command(pop3, out, "PASS needs a password.");
  if (!credentials_take(&pop3->credentials, "PASS", user, strlen(user), argument, strlen(argument)))
    return bad_command(pop3, out, "The password cannot be one.");
  return ask(pop3, STEP_LOGIN);
}

static Step leave_sasl(Pop3 *pop3) {
  sasl_clear(&pop3->sasl);
  pop3->state = POP3_COMMAND;
  return STEP_READ;
}

static Step continue_sasl(Pop3 *pop3, const char *response, GString *out) {
  SaslResult result = conversation_respond(&pop3->sasl, response, &pop3->credentials, out);
  pop3->state = result == SASL_CHALLENGE ? POP3_SASL : POP3_COMMAND;
  if (result == SASL_CHALLENGE)
    return STEP_READ;
  if (result == SASL_ASK || result == SASL_DONE)
    return ask(pop3, STEP_LOGIN);
  return bad_command(pop3, out, "The authentication response cannot be read.");
}

static Step list_mechanisms(const Surroundings *surroundings, GString *out) {
  g_string_append(out, "+OK\r\n");
  sasl_append_names(surroundings, "", "\r\n", out);
  g_string_append(out, ".\r\n");
  return STEP_READ;
}

static Step handle_auth(Pop3 *pop3, const Surroundings *surroundings, const char *argument,
                        GString *out) {
  if (!has_argument(argument))
    return list_mechanisms(surroundings, out);
  const char *space = strchr(argument, ' ');
  g_autofree char *name =
      space == NULL ? g_strdup(argument) : g_strndup(argument, (gsize)(space - argument));
  SaslBeginning beginning = sasl_begin(&pop3->sasl, name, surroundings);
  if (beginning == SASL_UNKNOWN)
    return refuse_login(pop3, out, "Unsupported authentication mechanism.");
  if (beginning == SASL_BARRED)
    return refuse_clear_text(pop3, NULL);
  return continue_sasl(pop3, space == NULL ? NULL : space + 1, out);
}

static Step handle_stls(Pop3 *pop3, const Surroundings *surroundings, const char *argument,
                        GString *out) {
  if (has_argument(argument))
    return bad_command(pop3, out, "STLS takes no argument.");
  if (surroundings->in_tls)
    return bad_command(pop3, out, "TLS is active already.");
  if (!surroundings->offers_tls)
    return ask(pop3, STEP_NO_CERTIFICATE);
  g_string_append(out, "+OK Begin TLS negotiation now.\r\n");
  return STEP_START_TLS;
}

/* ADDR, PORT, and what is not known here, each NAME=VALUE. */
static Step handle_xclient(Pop3 *pop3, G_GNUC_UNUSED const Surroundings *surroundings,
                           const char *argument, GString *out) {
  g_auto(GStrv) words = g_strsplit(argument != NULL ? argument : "", " ", -1);
  const char *address = NULL;
  const char *port = NULL;
  for (char **word = words; *word != NULL; word++) {
    if (g_ascii_strncasecmp(*word, "ADDR=", 5) == 0)
      address = *word + 5;
    if (g_ascii_strncasecmp(*word, "PORT=", 5) == 0)
      port = *word + 5;
  }
  if (address == NULL || !conversation_take_told(address, port, &pop3->told))
    return bad_command(pop3, out, "XCLIENT takes ADDR=, an address by number, and PORT=.");
  pop3->state = POP3_WAITING;
  return STEP_TOLD;
}

static Step handle_quit(G_GNUC_UNUSED Pop3 *pop3, G_GNUC_UNUSED const Surroundings *surroundings,
                        G_GNUC_UNUSED const char *argument, GString *out) {
  g_string_append(out, "+OK Bye.\r\n");
  return STEP_CLOSE;
}

/* A proxy's header (proxy-header.h): what comes behind it is not from whom it seems to be. */
static Step handle_proxy(G_GNUC_UNUSED Pop3 *pop3, G_GNUC_UNUSED const Surroundings *surroundings,
                         G_GNUC_UNUSED const char *argument, GString *out) {
  refuse(out, "No proxy is expected from your address.");
  return STEP_CLOSE;
}

static Step handle_later(Pop3 *pop3, G_GNUC_UNUSED const Surroundings *surroundings,
                         G_GNUC_UNUSED const char *argument, GString *out) {
  return bad_command(pop3, out, "Log in first.");
}

static const struct {
  const char *name;
  Pop3Handler handle;
  gboolean may_be_long; /* passwords and what proxies tell are longer than RFC 2449 has lines */
} commands[] = {
    {"CAPA", handle_capa, FALSE},   {"USER", handle_user, FALSE},
    {"PASS", handle_pass, TRUE},    {"AUTH", handle_auth, TRUE},
    {"STLS", handle_stls, FALSE},   {"QUIT", handle_quit, FALSE},
    {"STAT", handle_later, FALSE},  {"LIST", handle_later, FALSE},
    {"RETR", handle_later, FALSE},  {"DELE", handle_later, FALSE},
    {"NOOP", handle_later, FALSE},  {"RSET", handle_later, FALSE},
    {"TOP", handle_later, FALSE},   {"UIDL", handle_later, FALSE},
    {"PROXY", handle_proxy, FALSE}, {"XCLIENT", handle_xclient, TRUE},
};

/* The table's index; G_N_ELEMENTS for none. */
static gsize find_command(const char *name, gsize length) {
  gsize i = 0;
  while (i < G_N_ELEMENTS(commands) && (strlen(commands[i].name) != length ||
                                        g_ascii_strncasecmp(commands[i].name, name, length) != 0))
    i++;
  return i;
}

/* Of arguments, only a user's name and a mechanism are shown. */
static void note_command(const Surroundings *surroundings, const GString *out, gsize index,
                         const char *argument) {
  Transcript *transcript = surroundings->transcript;
  if (transcript == NULL)
    return;
  if (index == G_N_ELEMENTS(commands)) {
    conversation_note_unknown(transcript, out);
    return;
  }
  const char *name = commands[index].name;
  g_auto(GStrv) words = g_strsplit(argument != NULL ? argument : "", " ", 2);
  gboolean more = words[0] != NULL && words[1] != NULL;
  if (commands[index].handle == handle_auth)
    conversation_note_mechanism(transcript, out, name, words[0], more);
  else if (commands[index].handle == handle_user)
    transcript_command(transcript, out, name, words[0], more);
  else
    transcript_command(transcript, out, name, NULL, argument != NULL);
}

static Step handle_command(Pop3 *pop3, const Surroundings *surroundings, GString *out) {
  char *text = (char *)pop3->line.text.bytes;
  gsize index = find_command(text, strcspn(text, " "));
  gboolean known = index < G_N_ELEMENTS(commands);
  if (known && commands[index].handle == handle_auth) /* a space at its end is no response */
    line_trim(&pop3->line);
  gsize size = pop3->line.text.size;
  const char *space = strchr(text, ' ');
  note_command(surroundings, out, index, space == NULL ? NULL : space + 1);
  if (size + 2 > MAX_POP3_COMMAND && !(known && commands[index].may_be_long))
    return bad_command(pop3, out, "The command is too long.");
  return known ? commands[index].handle(pop3, surroundings, space == NULL ? NULL : space + 1, out)
               : bad_command(pop3, out, "Unknown command.");
}

static Step handle_response(Pop3 *pop3, GString *out) {
  const char *text = (const char *)pop3->line.text.bytes;
  if (strcmp(text, "*") != 0)
    return continue_sasl(pop3, text, out);
  gboolean free_of_charge = !sasl_has_asked(&pop3->sasl);
  leave_sasl(pop3);
  return free_of_charge ? refuse(out, "Authentication cancelled.")
                        : bad_command(pop3, out, "Authentication cancelled.");
}

static Step handle_line(Pop3 *pop3, const Surroundings *surroundings, LineResult result,
                        GString *out) {
  gboolean too_long = result == LINE_TOO_LONG;
  if (too_long || line_has_nul(&pop3->line)) {
    conversation_note_unknown(surroundings->transcript, out);
    leave_sasl(pop3);
    return bad_command(pop3, out,
                       too_long ? "The line is too long." : "A NUL byte is not allowed.");
  }
  if (pop3->state == POP3_SASL) {
    line_trim(&pop3->line);
    conversation_note_response(surroundings->transcript, out, (const char *)pop3->line.text.bytes);
    return handle_response(pop3, out);
  }
  return handle_command(pop3, surroundings, out);
}

static Step pop3_feed(Machine *machine, const Surroundings *surroundings, const guint8 **input,
                      gsize *size, GString *out) {
  Pop3 *pop3 = (Pop3 *)machine;
  Step step = STEP_READ;
  while (step == STEP_READ && *size > 0 && pop3->state != POP3_WAITING) {
    LineResult result = line_feed(&pop3->line, input, size, MAX_SASL_LINE);
    if (result == LINE_MORE)
      break;
    step = handle_line(pop3, surroundings, result, out);
    line_clear(&pop3->line);
  }
  return step;
}

static void pop3_challenge(Machine *machine, const guint8 *bytes, gsize size, GString *out) {
  Pop3 *pop3 = (Pop3 *)machine;
  conversation_challenge(bytes, size, out);
  pop3->state = POP3_SASL;
}

static gboolean pop3_is_in_exchange(const Machine *machine) {
  return ((const Pop3 *)machine)->sasl.mechanism != NULL;
}

static Step pop3_answer(Machine *machine, const MachineAnswer *answer, GString *out) {
  Pop3 *pop3 = (Pop3 *)machine;
  leave_sasl(pop3);
  credentials_clear(&pop3->credentials);
  if (answer->outcome == OUTCOME_OK) {
    g_string_append_printf(out, "+OK %s\r\n", outcome_get_facts(OUTCOME_OK)->text);
    return STEP_RELAY;
  }
  RefusalWords words = conversation_choose_words(answer);
  g_string_append_printf(out, "-ERR %s%s%s\r\n", words.pop3_code,
                         words.pop3_code[0] == '\0' ? "" : " ",
                         words.alert != NULL ? words.alert : words.text);
  return conversation_counts_as_failure(answer->outcome) ? count_refusal(pop3) : STEP_READ;
}

/* Dovecot's proxies look for the word there, and ask for no CAPA. */
static void pop3_greet(const Surroundings *surroundings, GString *out) {
  g_string_append_printf(out, "+OK %sPOP3 server ready.\r\n",
                         surroundings->may_tell ? "[XCLIENT] " : "");
}

static void pop3_forget(Machine *machine) {
  Pop3 *pop3 = (Pop3 *)machine;
  leave_sasl(pop3);
  g_clear_pointer(&pop3->user, g_free);
  credentials_clear(&pop3->credentials);
  line_clear(&pop3->line);
  pop3->line.skipping = FALSE;
}

static Machine *pop3_create(void) {
  return (Machine *)g_new0(Pop3, 1);
}

static void pop3_free(Machine *machine) {
  pop3_forget(machine);
  g_free(machine);
}

static Credentials *pop3_get_credentials(Machine *machine) {
  return &((Pop3 *)machine)->credentials;
}

static void pop3_say_goodbye(const char *why, GString *out) {
  refuse(out, why);
}

static const ToldClient *pop3_get_told(const Machine *machine) {
  return &((const Pop3 *)machine)->told;
}

static void pop3_take_told(Machine *machine, gboolean believed, GString *out) {
  Pop3 *pop3 = (Pop3 *)machine;
  pop3->state = POP3_COMMAND;
  if (believed)
    g_string_append(out, "+OK Noted.\r\n");
  else
    refuse(out, "Your address is not one of those that may tell a client's.");
}

const MachineOps pop3_ops = {
    .create = pop3_create,
    .free = pop3_free,
    .greet = pop3_greet,
    .feed = pop3_feed,
    .challenge = pop3_challenge,
    .is_in_exchange = pop3_is_in_exchange,
    .answer = pop3_answer,
    .get_told = pop3_get_told,
    .take_told = pop3_take_told,
    .tls_started = pop3_forget,
    .get_credentials = pop3_get_credentials,
    .say_goodbye = pop3_say_goodbye,
};
