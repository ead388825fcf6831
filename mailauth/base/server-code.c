/* SPDX-License-Identifier: MIT */
/* See server-code.h: one table, and what is taken of a stranger's text. */
#include "mailauth/base/server-code.h"

#include <string.h>

#include "mailauth/base/limits.h"

#define TEMPORARY "[SYS/TEMP]"
#define PERMANENT "[SYS/PERM]"
#define TEXT_LATER "The mailbox cannot be opened now."
#define TEXT_NEVER "The mail server cannot open the mailbox; tell the administrator."

static const ServerCodeFacts facts[N_SERVER_CODES] = {
    [SERVER_CODE_NONE] = {"", "", ""},
    [SERVER_CODE_UNAVAILABLE] = {"[UNAVAILABLE]", TEMPORARY, TEXT_LATER},
    [SERVER_CODE_AUTHORIZATION_FAILED] = {"[AUTHORIZATIONFAILED]", "[AUTH]",
                                          "The mail server does not let this user in."},
    [SERVER_CODE_EXPIRED] = {"[EXPIRED]", "[AUTH]", "The account or its password has expired."},
    [SERVER_CODE_PRIVACY_REQUIRED] = {"[PRIVACYREQUIRED]", PERMANENT,
                                      "The mail server wants TLS for this login."},
    [SERVER_CODE_CONTACT_ADMIN] = {"[CONTACTADMIN]", PERMANENT, TEXT_NEVER},
    [SERVER_CODE_NO_PERMISSION] = {"[NOPERM]", PERMANENT,
                                   "The mail server does not permit this login."},
    [SERVER_CODE_IN_USE] = {"[INUSE]", "[IN-USE]", "Another session has the mailbox open."},
    [SERVER_CODE_EXPUNGE_ISSUED] = {"[EXPUNGEISSUED]", TEMPORARY, TEXT_LATER},
    [SERVER_CODE_CORRUPTION] = {"[CORRUPTION]", PERMANENT, "The mailbox is damaged."},
    [SERVER_CODE_SERVER_BUG] = {"[SERVERBUG]", TEMPORARY, "The mail server has a fault."},
    [SERVER_CODE_CLIENT_BUG] = {"[CLIENTBUG]", PERMANENT, TEXT_NEVER},
    [SERVER_CODE_CANNOT] = {"[CANNOT]", PERMANENT, TEXT_NEVER},
    [SERVER_CODE_LIMIT] = {"[LIMIT]", TEMPORARY,
                           "A limit of the mail server is reached: too many connections, perhaps."},
    [SERVER_CODE_OVER_QUOTA] = {"[OVERQUOTA]", PERMANENT, "The mailbox is over its quota."},
    [SERVER_CODE_ALREADY_EXISTS] = {"[ALREADYEXISTS]", PERMANENT, TEXT_NEVER},
    [SERVER_CODE_NONEXISTENT] = {"[NONEXISTENT]", PERMANENT, "There is no such mailbox."},
    [SERVER_CODE_LOGIN_DELAY] = {"[LIMIT]", "[LOGIN-DELAY]",
                                 "The last login is too recent; try again later."},
    [SERVER_CODE_ALERT] = {"[ALERT]", TEMPORARY, TEXT_LATER},
};

/* What is read of both protocols, without its brackets. */
static const struct {
  const char *word;
  ServerCode code;
} words[] = {
    {"UNAVAILABLE", SERVER_CODE_UNAVAILABLE},
    {"AUTHENTICATIONFAILED", SERVER_CODE_UNAVAILABLE},
    {"AUTHORIZATIONFAILED", SERVER_CODE_AUTHORIZATION_FAILED},
    {"EXPIRED", SERVER_CODE_EXPIRED},
    {"PRIVACYREQUIRED", SERVER_CODE_PRIVACY_REQUIRED},
    {"CONTACTADMIN", SERVER_CODE_CONTACT_ADMIN},
    {"NOPERM", SERVER_CODE_NO_PERMISSION},
    {"INUSE", SERVER_CODE_IN_USE},
    {"EXPUNGEISSUED", SERVER_CODE_EXPUNGE_ISSUED},
    {"CORRUPTION", SERVER_CODE_CORRUPTION},
    {"SERVERBUG", SERVER_CODE_SERVER_BUG},
    {"CLIENTBUG", SERVER_CODE_CLIENT_BUG},
    {"CANNOT", SERVER_CODE_CANNOT},
    {"LIMIT", SERVER_CODE_LIMIT},
    {"OVERQUOTA", SERVER_CODE_OVER_QUOTA},
    {"ALREADYEXISTS", SERVER_CODE_ALREADY_EXISTS},
    {"NONEXISTENT", SERVER_CODE_NONEXISTENT},
    {"ALERT", SERVER_CODE_ALERT},
    {"IN-USE", SERVER_CODE_IN_USE},
    {"LOGIN-DELAY", SERVER_CODE_LOGIN_DELAY},
    {"SYS/TEMP", SERVER_CODE_UNAVAILABLE},
    {"SYS/PERM", SERVER_CODE_CONTACT_ADMIN},
    {"AUTH", SERVER_CODE_UNAVAILABLE},
};

const ServerCodeFacts *server_code_get_facts(ServerCode code) {
  return &facts[(guint)code < N_SERVER_CODES ? code : SERVER_CODE_NONE];
}

/* A code may be followed by words of its own (RFC 3501), or by parts that say more (RFC 2449,
 * section 8). */
static gboolean begins_with(const char *text, const char *word) {
  gsize length = strlen(word);
  return g_ascii_strncasecmp(text, word, length) == 0 && text[length] != '\0' &&
         strchr("] /", text[length]) != NULL;
}

ServerCode server_code_find(const char *text, const char **rest) {
  const char *end = *text == '[' ? strchr(text, ']') : NULL;
  if (end == NULL)
    return SERVER_CODE_NONE;
  if (rest != NULL)
    *rest = end + 1;
  for (guint i = 0; i < G_N_ELEMENTS(words); i++)
    if (begins_with(text + 1, words[i].word))
      return words[i].code;
  return SERVER_CODE_NONE;
}

static gboolean is_printable(char character) {
  return character >= ' ' && character <= '~';
}

char *server_alert_dup(const char *text) {
  while (*text == ' ')
    text++;
  char *alert = g_strndup(text, MAX_ALERT);
  for (char *character = alert; *character != '\0'; character++)
    if (!is_printable(*character))
      *character = '?';
  return g_strchomp(alert);
}

gboolean server_alert_is_clean(const char *text) {
  gsize length = 0;
  while (is_printable(text[length]))
    length++;
  return text[length] == '\0' && length <= MAX_ALERT;
}
