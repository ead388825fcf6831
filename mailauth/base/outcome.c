/* SPDX-License-Identifier: MIT */
/* The table of outcome.h: every fact that follows from what came of a login. It answers
 * for the words; when they are said is decided elsewhere. */
#include "mailauth/base/outcome.h"

/* Password wrong, user unknown, account disabled, held back: one text, so that the
 * answer does not tell which names exist. */
#define TEXT_FAILED "Authentication failed."
#define TEXT_TEMPORARY "Temporary authentication failure."
#define TEXT_ACCOUNTS "The account database cannot be used; tell the administrator."
#define TEXT_MAILBOX "The mailbox cannot be opened now."

#define AUDIT_SUCCESS 11202, "Success Audit"
#define AUDIT_FAILURE 11202, "Failure Audit"
#define WRONG "[AUTH]", "[AUTHENTICATIONFAILED]", TEXT_FAILED
#define TEMPORARY "[SYS/TEMP]", "[UNAVAILABLE]"

static const OutcomeFacts facts[N_OUTCOMES] = {
    [OUTCOME_OK] = {"ok", AUDIT_SUCCESS, "", "", "Logged in.", "The user has logged in"},
    [OUTCOME_BAD_PASSWORD] = {"bad-password", AUDIT_FAILURE, WRONG, "The password is wrong"},
    [OUTCOME_NO_SUCH_USER] = {"no-such-user", AUDIT_FAILURE, WRONG, "There is no such user"},
    [OUTCOME_DISABLED] = {"disabled", AUDIT_FAILURE, WRONG, "The account is disabled"},
    /* It counts for nothing: no password could have been right. */
    [OUTCOME_LOCKED] = {"disabled", AUDIT_FAILURE, WRONG, "The account is disabled"},
    [OUTCOME_NO_MEMORY] = {"no-memory", 14015, "Error", TEMPORARY, TEXT_TEMPORARY,
                           "There is not enough memory to prove a password"},
    [OUTCOME_HELD_BACK] = {"held-back", 14002, "Warning", WRONG,
                           "Too many failures: the account or the address is held back"},
    [OUTCOME_OTHER_MAILBOX] = {"other-mailbox", AUDIT_FAILURE, "[AUTH]", "[AUTHORIZATIONFAILED]",
                               "Nobody may log in for another user.",
                               "The name asks for another user's mailbox"},
    [OUTCOME_CROWDED] = {"held-back", 14002, "Warning", TEMPORARY, TEXT_TEMPORARY,
                         "Too many logins wait already, for this account or in all"},
    [OUTCOME_MAINTENANCE] = {"maintenance", 14006, "Warning", TEMPORARY,
                             "The server is under maintenance; try again later.",
                             "Only those whom 'Logon Only As' names may log on now"},
    [OUTCOME_ACCOUNTS_MISSING] = {"accounts-missing", 13003, "Error", "[SYS/PERM]",
                                  "[CONTACTADMIN]", TEXT_ACCOUNTS,
                                  "A required privilege is not held by the client"},
    [OUTCOME_ACCOUNTS_DENIED] = {"accounts-denied", 13003, "Error", "[SYS/PERM]", "[CONTACTADMIN]",
                                 TEXT_ACCOUNTS, "A required privilege is not held by the client"},
    [OUTCOME_UNUSABLE_HASH] = {"unusable-hash", AUDIT_FAILURE, "[SYS/PERM]", "[CONTACTADMIN]",
                               TEXT_ACCOUNTS, "No password can open the account's hash"},
    [OUTCOME_PAM_DENIED] = {"accounts-denied", 13003, "Error", TEMPORARY, TEXT_TEMPORARY,
                            "A required privilege is not held by the client"},
    [OUTCOME_NO_BROKER] = {"no-broker", 13005, "Error", TEMPORARY, TEXT_TEMPORARY,
                           "The membership decides, but no broker is named"},
    [OUTCOME_UNKNOWN_BROKER] = {"unknown-broker", 13005, "Error", TEMPORARY, TEXT_TEMPORARY,
                                "There is no membership broker of that instance ID"},
    [OUTCOME_BROKER_UNREACHABLE] = {"broker-unreachable", 13005, "Error", TEMPORARY, TEXT_TEMPORARY,
                                    "The membership broker cannot be reached"},
    [OUTCOME_BROKER_FAILED] = {"broker-failed", 13005, "Error", TEMPORARY, TEXT_TEMPORARY,
                               "The membership broker's answer cannot be used"},
    [OUTCOME_BAD_SETTING] = {"bad-setting", 14004, "Error", TEMPORARY, TEXT_TEMPORARY,
                             "A setting cannot be used"},
    [OUTCOME_NO_MAILBOX] = {"no-mailbox", 14005, "Error", TEMPORARY, TEXT_MAILBOX,
                            "The mailbox cannot be had"},
    [OUTCOME_MAILBOX_IN_USE] = {"no-mailbox", 14005, "Error", "[IN-USE]", "[UNAVAILABLE]",
                                "Another session has the mailbox open.",
                                "Another session has the mailbox open"},
    [OUTCOME_UNREADABLE_MAIL] = {"unreadable-message", 14005, "Error", "[SYS/PERM]", "", "",
                                 "A message of the mailbox can't be read, and is not handed out"},
    [OUTCOME_BACKEND_UNREACHABLE] = {"backend-unreachable", 14005, "Error", TEMPORARY, TEXT_MAILBOX,
                                     "The mail server behind cannot be reached"},
    [OUTCOME_BACKEND_REFUSED] = {"backend-refused", 14005, "Error", TEMPORARY, TEXT_MAILBOX,
                                 "The mail server behind has refused the login"},
    [OUTCOME_CHANNEL_BINDING] = {"channel-binding", AUDIT_FAILURE, WRONG,
                                 "The login is bound to another TLS connection than this "
                                 "server's: somebody may sit between"},
    [OUTCOME_OVERTAKEN] = {"overtaken", 14009, "Warning", TEMPORARY, TEXT_TEMPORARY,
                           "What the login was begun by has changed before its end"},
    [OUTCOME_CLEAR_TEXT] = {"clear-text", 14003, "Warning", "", "[PRIVACYREQUIRED]",
                            "A password is not taken without TLS here; begin TLS first.",
                            "A password was offered without TLS where that is not allowed"},
    [OUTCOME_NO_CERTIFICATE] = {"no-certificate", 13002, "Error", "", "", "TLS is not available.",
                                "TLS was asked for, but there is no valid certificate"},
    [OUTCOME_CHANGED] = {"changed", 14001, "Information", "", "", "",
                         "The authentication package or broker has changed"},
    [OUTCOME_RELEASED] = {"released", 14007, "Information", "", "", "",
                          "An administrator has let go who was held back"},
    [OUTCOME_REGISTRY_SILENT] = {"registry-silent", 14012, "Warning", "", "", "",
                                 "regd does not answer: the last settings known hold"},
    [OUTCOME_REGISTRY_BACK] = {"registry-back", 14012, "Information", "", "", "",
                               "regd answers again"},
    [OUTCOME_GUESSES] = {"guesses", 14013, "Warning", "", "", "",
                         "Many wrong passwords: those who try more from new addresses wait"},
    [OUTCOME_TLS_FAILED] = {"tls-failed", 14010, "Warning", "", "", "",
                            "A client's TLS handshake has failed"},
    [OUTCOME_TOO_MANY_CONNECTIONS] = {"too-many-connections", 14011, "Warning", "", "", "",
                                      "A connection was refused by a limit"},
    [OUTCOME_PROXY_HEADER] = {"proxy-header", 14016, "Warning", "", "", "",
                              "A connection's beginning is not as 'Proxy Networks' says"},
    [OUTCOME_CERTIFICATE_DOUBTFUL] = {"certificate-doubtful", 14008, "Warning", "", "", "",
                                      "A certificate is in use that clients may refuse"},
};

const OutcomeFacts *outcome_get_facts(Outcome outcome) {
  g_return_val_if_fail((guint)outcome < N_OUTCOMES, &facts[OUTCOME_BAD_SETTING]);
  return &facts[outcome];
}

Outcome outcome_get_first(Outcome outcome) {
  guint first = 0;
  while (!g_str_equal(facts[first].reason, facts[outcome].reason))
    first++;
  return (Outcome)first;
}

gboolean outcome_is_client_failure(Outcome outcome) {
  return outcome == OUTCOME_BAD_PASSWORD || outcome == OUTCOME_NO_SUCH_USER ||
         outcome == OUTCOME_DISABLED || outcome == OUTCOME_LOCKED ||
         outcome == OUTCOME_CHANNEL_BINDING || outcome == OUTCOME_OTHER_MAILBOX;
}

gboolean outcome_is_counted(Outcome outcome) {
  return outcome_is_client_failure(outcome) && outcome != OUTCOME_LOCKED;
}
