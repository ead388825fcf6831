/* SPDX-License-Identifier: MIT */
/* POP3 and IMAP before login, as conversations: rows of what a client sends
 * and what comes of it. Each row is fed whole, byte by byte and in random
 * fragments, and must come out the same. */
#include "mailauth/protocol/machines.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "tests/unit/support/conversation-words.h"

/* LACKS_PLUS and LACKS_PLAIN: mechanisms that are left out. */
typedef enum {
  BARRED = 1,
  TLS = 2,
  CERTIFICATE = 4,
  SCRAM = 8,
  NEVER = 16,
  LACKS_PLUS = 32,
  LACKS_PLAIN = 64,
  TELLS = 128
} Around;

typedef struct {
  const char *name;
  Protocol protocol;
  guint around;
  const char *input;   /* "~" stands for a NUL byte */
  const char *in_tls;  /* what is sent once TLS is begun, or NULL */
  const char *outcome; /* the answers, and in <> the steps */
} Row;

static const Row pop3_rows[] = {
    {"proxy/line", PROTOCOL_POP3, 0,
     "PROXY TCP4 203.0.113.7 192.0.2.1 40000 110\r\nUSER ann\r\nPASS pass\r\n", NULL,
     "-ERR No proxy is expected from your address.\r\n<close>"},
    {"xclient", PROTOCOL_POP3, TELLS, "xclient ADDR=203.0.113.9 PORT=4711 SESSION=x=y\r\nCAPA\r\n",
     NULL, "<told 203.0.113.9 4711>+OK Noted.\r\n" CAPA_HEAD CAPA_PASSWORDS "XCLIENT\r\n.\r\n"},
    {"xclient/stranger", PROTOCOL_POP3, 0, "XCLIENT addr=2001:db8::9\r\n", NULL,
     "<told 2001:db8::9 0>-ERR Your address is not one of those that may tell a client's.\r\n"},
    {"xclient/port", PROTOCOL_POP3, TELLS, "XCLIENT ADDR=::1 PORT=65536\r\n", NULL, XCLIENT_TAKES},
    {"xclient/none", PROTOCOL_POP3, TELLS, "XCLIENT PORT=25\r\n", NULL, XCLIENT_TAKES},
    {"xclient/name", PROTOCOL_POP3, TELLS, "XCLIENT ADDR=local\r\n", NULL, XCLIENT_TAKES},
    {"capa", PROTOCOL_POP3, CERTIFICATE, "CAPA\r\n", NULL,
     CAPA_HEAD CAPA_PASSWORDS "STLS\r\n.\r\n"},
    {"capa/no-certificate", PROTOCOL_POP3, 0, "capa\n", NULL, CAPA_HEAD CAPA_PASSWORDS ".\r\n"},
    {"capa/barred", PROTOCOL_POP3, CERTIFICATE | BARRED, "CAPA\r\n", NULL,
     CAPA_HEAD "STLS\r\n.\r\n"},
    {"capa/tls", PROTOCOL_POP3, CERTIFICATE | TLS, "CAPA\r\n", NULL,
     CAPA_HEAD CAPA_PASSWORDS ".\r\n"},
    {"capa/argument", PROTOCOL_POP3, 0, "CAPA x\r\n", NULL, "-ERR CAPA takes no argument.\r\n"},
    {"login", PROTOCOL_POP3, 0, "USER ann\r\nPASS pass\r\n", NULL,
     "+OK\r\n<PASS ann:pass>+OK Logged in.\r\n<relay >"},
    {"login/pipelined", PROTOCOL_POP3, 0, "USER ann\r\nPASS pass\r\nSTAT\r\nQUIT\r\n", NULL,
     "+OK\r\n<PASS ann:pass>+OK Logged in.\r\n<relay STAT\r\nQUIT\r\n>"},
    {"login/bare-lf", PROTOCOL_POP3, 0, "user ann\npass pass\n", NULL,
     "+OK\r\n<PASS ann:pass>+OK Logged in.\r\n<relay >"},
    {"login/spaces", PROTOCOL_POP3, 0, "USER ann\r\nPASS  a b \r\nQUIT\r\n", NULL,
     "+OK\r\n<PASS ann: a b >" FAILED "+OK Bye.\r\n<close>"},
    {"login/wrong-then-right", PROTOCOL_POP3, 0, "USER ann\r\nPASS no\r\nUSER bob\r\nPASS pass\r\n",
     NULL, "+OK\r\n<PASS ann:no>" FAILED "+OK\r\n<PASS bob:pass>+OK Logged in.\r\n<relay >"},
    {"login/user-forgotten", PROTOCOL_POP3, 0, "USER ann\r\nPASS no\r\nPASS pass\r\n", NULL,
     "+OK\r\n<PASS ann:no>" FAILED "-ERR USER comes first.\r\n"},
    {"login/cr-alone", PROTOCOL_POP3, 0, "USER ann\rPASS pass\r\nQUIT\r\n", NULL,
     "-ERR The name cannot be one.\r\n+OK Bye.\r\n<close>"},
    {"login/empty-password", PROTOCOL_POP3, 0, "USER ann\r\nPASS \r\n", NULL,
     "+OK\r\n<PASS ann:>" FAILED},
    {"login/no-password", PROTOCOL_POP3, 0, "USER ann\r\nPASS\r\n", NULL,
     "+OK\r\n-ERR PASS needs a password.\r\n"},
    {"login/no-name", PROTOCOL_POP3, 0, "USER\r\nUSER \r\n", NULL,
     "-ERR USER needs a name.\r\n-ERR USER needs a name.\r\n"},
    {"login/not-utf8", PROTOCOL_POP3, 0, "USER a\xff\r\nPASS \xfe\r\n", NULL,
     "+OK\r\n<PASS a\xef\xbf\xbd:\xfe>" FAILED},
    {"login/path", PROTOCOL_POP3, 0, "USER ../../etc/passwd\r\nPASS no\r\n", NULL,
     "+OK\r\n<PASS ../../etc/passwd:no>" FAILED},
    {"login/ten-failures", PROTOCOL_POP3, 0,
     "USER a\nPASS 1\nUSER a\nPASS 2\nUSER a\nPASS 3\nUSER a\nPASS 4\nUSER a\nPASS 5\n"
     "USER a\nPASS 6\nUSER a\nPASS 7\nUSER a\nPASS 8\nUSER a\nPASS 9\nUSER a\nPASS 10\nQUIT\n",
     NULL,
     "+OK\r\n<PASS a:1>" FAILED "+OK\r\n<PASS a:2>" FAILED "+OK\r\n<PASS a:3>" FAILED
     "+OK\r\n<PASS a:4>" FAILED "+OK\r\n<PASS a:5>" FAILED "+OK\r\n<PASS a:6>" FAILED
     "+OK\r\n<PASS a:7>" FAILED "+OK\r\n<PASS a:8>" FAILED "+OK\r\n<PASS a:9>" FAILED
     "+OK\r\n<PASS a:10>" FAILED "<close>"},
    {"barred/user", PROTOCOL_POP3, BARRED, "USER ann\r\nPASS pass\r\nQUIT\r\n", NULL,
     "<clear-text ann>-ERR " BAR_TEXT "<clear-text ?>-ERR " BAR_TEXT "+OK Bye.\r\n<close>"},
    {"barred/auth", PROTOCOL_POP3, BARRED, "AUTH\r\nAUTH PLAIN\r\nAUTH LOGIN eA==\r\n", NULL,
     "+OK\r\n.\r\n<clear-text ?>-ERR " BAR_TEXT "<clear-text ?>-ERR " BAR_TEXT},
    {"auth/list", PROTOCOL_POP3, 0, "AUTH\r\n", NULL, "+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n"},
    {"auth/plain", PROTOCOL_POP3, 0, "AUTH PLAIN\r\nAHVzZXIxAHBhc3M=\r\n", NULL,
     "+ \r\n<PLAIN user1:pass>+OK Logged in.\r\n<relay >"},
    {"auth/plain-initial", PROTOCOL_POP3, 0, "auth plain AHVzZXIxAHBhc3M=\r\nSTAT\r\n", NULL,
     "<PLAIN user1:pass>+OK Logged in.\r\n<relay STAT\r\n>"},
    {"auth/plain-other-identity", PROTOCOL_POP3, 0, "AUTH PLAIN YgBhAHBhc3M=\r\n", NULL,
     "<PLAIN a:pass for b>+OK Logged in.\r\n<relay >"},
    {"auth/plain-identity-that-is-none", PROTOCOL_POP3, 0, "AUTH PLAIN YgkAYQBwYXNz\r\n", NULL,
     "-ERR The authentication response cannot be read.\r\n"},
    {"auth/plain-empty", PROTOCOL_POP3, 0, "AUTH PLAIN =\r\n", NULL,
     "-ERR The authentication response cannot be read.\r\n"},
    {"auth/plain-one-nul", PROTOCOL_POP3, 0, "AUTH PLAIN AGFi\r\n", NULL,
     "-ERR The authentication response cannot be read.\r\n"},
    {"auth/plain-three-nuls", PROTOCOL_POP3, 0, "AUTH PLAIN AGEAYgBj\r\n", NULL,
     "-ERR The authentication response cannot be read.\r\n"},
    {"auth/not-base64", PROTOCOL_POP3, 0, "AUTH PLAIN\r\n!!!!\r\nAUTH PLAIN AHV\r\n", NULL,
     "+ \r\n-ERR The authentication response cannot be read.\r\n"
     "-ERR The authentication response cannot be read.\r\n"},
    {"auth/login", PROTOCOL_POP3, 0, "AUTH LOGIN\r\ndXNlcjI=\r\ncGFzcw==\r\n", NULL,
     "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n<SASL-LOGIN user2:pass>+OK Logged in.\r\n<relay >"},
    {"auth/login-initial", PROTOCOL_POP3, 0, "AUTH LOGIN dXNlcjI=\r\ncGFzcw==\r\n", NULL,
     "+ UGFzc3dvcmQ6\r\n<SASL-LOGIN user2:pass>+OK Logged in.\r\n<relay >"},
    {"auth/cancel", PROTOCOL_POP3, 0, "AUTH LOGIN\r\ndXNlcjI=\r\n*\r\nCAPA\r\n", NULL,
     "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n-ERR Authentication cancelled.\r\n" CAPA_HEAD
         CAPA_PASSWORDS ".\r\n"},
    {"auth/spaces-at-the-end", PROTOCOL_POP3, 0,
     "AUTH \r\nAUTH PLAIN \r\n* \r\nAUTH LOGIN dXNlcjI= \r\ncGFzcw==  \r\n"
     "AUTH PLAIN AHVzZXIxAHBhc3M= \r\n",
     NULL,
     "+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n+ \r\n-ERR Authentication cancelled.\r\n"
     "+ UGFzc3dvcmQ6\r\n<SASL-LOGIN user2:pass>+OK Logged in.\r\n"
     "<relay AUTH PLAIN AHVzZXIxAHBhc3M= \r\n>"},
    {"auth/plain-initial-space", PROTOCOL_POP3, 0, "AUTH PLAIN AHVzZXIxAHBhc3M= \r\n", NULL,
     "<PLAIN user1:pass>+OK Logged in.\r\n<relay >"},
    {"auth/unknown", PROTOCOL_POP3, 0, "AUTH CRAM-MD5\r\n", NULL,
     "-ERR Unsupported authentication mechanism.\r\n"},
    {"auth/unknown-is-no-bad-command", PROTOCOL_POP3, 0,
     "AUTH GSSAPI\r\nAUTH CRAM-MD5\r\nAUTH NTLM\r\nAUTH X\r\nAUTH PLAIN AHVzZXIxAHBhc3M=\r\n", NULL,
     "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED
     "<PLAIN user1:pass>+OK Logged in.\r\n<relay >"},
    {"auth/unknown-ten", PROTOCOL_POP3, 0,
     "AUTH X\nAUTH X\nAUTH X\nAUTH X\nAUTH X\nAUTH X\nAUTH X\nAUTH X\nAUTH X\nAUTH X\nQUIT\n", NULL,
     "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED
     "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED
     "-ERR " UNSUPPORTED "-ERR " UNSUPPORTED "<close>"},
    {"left-out/plus", PROTOCOL_POP3, SCRAM | TLS | LACKS_PLUS,
     "CAPA\r\nAUTH SCRAM-SHA-256-PLUS\r\n", NULL,
     CAPA_HEAD "USER\r\nSASL PLAIN LOGIN SCRAM-SHA-256\r\n.\r\n-ERR " UNSUPPORTED},
    {"left-out/plain", PROTOCOL_POP3, SCRAM | TLS | LACKS_PLAIN,
     "CAPA\r\nAUTH PLAIN AHVzZXIxAHBhc3M=\r\nUSER ann\r\nPASS pass\r\nQUIT\r\n", NULL,
     CAPA_HEAD "SASL LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS\r\n.\r\n-ERR " UNSUPPORTED
               "-ERR " NO_USER "-ERR " NO_USER "+OK Bye.\r\n<close>"},
    {"scram/capa", PROTOCOL_POP3, SCRAM, "CAPA\r\nAUTH\r\n", NULL,
     CAPA_HEAD "USER\r\nSASL PLAIN LOGIN SCRAM-SHA-256\r\n.\r\n"
               "+OK\r\nPLAIN\r\nLOGIN\r\nSCRAM-SHA-256\r\n.\r\n"},
    {"scram/capa-tls", PROTOCOL_POP3, SCRAM | TLS, "CAPA\r\n", NULL,
     CAPA_HEAD "USER\r\nSASL PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS\r\n.\r\n"},
    {"scram/capa-barred", PROTOCOL_POP3, SCRAM | BARRED, "CAPA\r\n", NULL,
     CAPA_HEAD "SASL SCRAM-SHA-256\r\n.\r\n"},
    {"scram/capa-never", PROTOCOL_POP3, SCRAM | BARRED | NEVER, "CAPA\r\nAUTH SCRAM-SHA-256\r\n",
     NULL, CAPA_HEAD ".\r\n<clear-text ?>-ERR " BAR_TEXT},
    {"scram/not-there", PROTOCOL_POP3, TLS, "AUTH SCRAM-SHA-256\r\n", NULL,
     "-ERR Unsupported authentication mechanism.\r\n"},
    {"scram/plus-without-tls", PROTOCOL_POP3, SCRAM, "AUTH SCRAM-SHA-256-PLUS\r\n", NULL,
     "-ERR Unsupported authentication mechanism.\r\n"},
    {"scram", PROTOCOL_POP3, SCRAM | BARRED,
     "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n" SCRAM_FINAL "\r\n\r\nSTAT\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "<final ann>" PROOF "<end ann>+OK Logged in.\r\n"
     "<relay STAT\r\n>"},
    {"scram/no-initial", PROTOCOL_POP3, SCRAM,
     "AUTH scram-sha-256\r\n" SCRAM_FIRST "\r\n" SCRAM_FINAL "\r\n\r\n", NULL,
     "+ \r\n<SCRAM-SHA-256 ann>" QUESTION "<final ann>" PROOF
     "<end ann>+OK Logged in.\r\n<relay >"},
    {"scram/plus", PROTOCOL_POP3, SCRAM | TLS,
     "AUTH SCRAM-SHA-256-PLUS " SCRAM_BOUND "\r\n" BOUND_FINAL "\r\n\r\n", NULL,
     "<SCRAM-SHA-256-PLUS ann>" QUESTION "<final ann>" PROOF "<end ann>+OK Logged in.\r\n<relay >"},
    {"scram/wrong", PROTOCOL_POP3, SCRAM,
     "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n" SCRAM_NO "\r\nUSER bob\r\nPASS pass\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "<final ann>" FAILED
     "+OK\r\n<PASS bob:pass>+OK Logged in.\r\n<relay >"},
    {"scram/cancel", PROTOCOL_POP3, SCRAM, "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n*\r\nQUIT\r\n",
     NULL, "<SCRAM-SHA-256 ann>" QUESTION "-ERR Authentication cancelled.\r\n+OK Bye.\r\n<close>"},
    {"scram/cancel-after-proof", PROTOCOL_POP3, SCRAM,
     "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n" SCRAM_FINAL "\r\n*\r\nQUIT\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "<final ann>" PROOF
     "-ERR Authentication cancelled.\r\n+OK Bye.\r\n<close>"},
    {"scram/cancel-thrice", PROTOCOL_POP3, SCRAM,
     "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n*\r\nAUTH SCRAM-SHA-256 " SCRAM_FIRST
     "\r\n*\r\nAUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n*\r\n",
     NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "-ERR Authentication cancelled.\r\n"
     "<SCRAM-SHA-256 ann>" QUESTION "-ERR Authentication cancelled.\r\n"
     "<SCRAM-SHA-256 ann>" QUESTION "-ERR Authentication cancelled.\r\n"
     "-ERR Too many bad commands.\r\n<close>"},
    {"scram/more-after-proof", PROTOCOL_POP3, SCRAM,
     "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n" SCRAM_FINAL "\r\nAA==\r\nQUIT\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "<final ann>" PROOF "-ERR " UNREAD "+OK Bye.\r\n<close>"},
    {"scram/malformed", PROTOCOL_POP3, SCRAM,
     "AUTH SCRAM-SHA-256 AHVzZXIxAHBhc3M=\r\nAUTH SCRAM-SHA-256 =\r\n", NULL,
     "-ERR " UNREAD "-ERR " UNREAD},
    {"scram/malformed-final", PROTOCOL_POP3, SCRAM,
     "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n" SCRAM_FIRST "\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "-ERR " UNREAD},
    {"scram/other-identity", PROTOCOL_POP3, SCRAM, "AUTH SCRAM-SHA-256 " SCRAM_PROXY "\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION},
    {"scram/bound-without-plus", PROTOCOL_POP3, SCRAM | TLS,
     "AUTH SCRAM-SHA-256 " SCRAM_BOUND "\r\n", NULL, "-ERR " UNREAD},
    {"scram/plus-without-binding", PROTOCOL_POP3, SCRAM | TLS,
     "AUTH SCRAM-SHA-256-PLUS " SCRAM_FIRST "\r\n", NULL, "-ERR " UNREAD},
    {"scram/nul", PROTOCOL_POP3, SCRAM, "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\nab~\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "-ERR A NUL byte is not allowed.\r\n"},
    {"stls", PROTOCOL_POP3, CERTIFICATE | BARRED, "USER x\r\nSTLS\r\nUSER evil\r\n",
     "PASS pass\r\nCAPA\r\nSTLS\r\n",
     "<clear-text x>-ERR " BAR_TEXT "+OK Begin TLS negotiation now.\r\n<tls>"
     "-ERR USER comes first.\r\n" CAPA_HEAD CAPA_PASSWORDS ".\r\n-ERR TLS is active already.\r\n"},
    {"stls/user-forgotten", PROTOCOL_POP3, CERTIFICATE, "USER ann\r\nSTLS\r\n", "PASS pass\r\n",
     "+OK\r\n+OK Begin TLS negotiation now.\r\n<tls>-ERR USER comes first.\r\n"},
    {"stls/no-certificate", PROTOCOL_POP3, 0, "STLS\r\n", NULL,
     "<no-certificate>-ERR TLS is not available.\r\n"},
    {"bad/three", PROTOCOL_POP3, 0, "FOO\r\n\r\nBAR x\r\nCAPA\r\n", NULL,
     BAD3 BAD3 BAD3 "-ERR Too many bad commands.\r\n<close>"},
    {"bad/transaction", PROTOCOL_POP3, 0, "STAT\r\nTOP 1 1\r\n", NULL,
     "-ERR Log in first.\r\n-ERR Log in first.\r\n"},
    {"bad/nul", PROTOCOL_POP3, 0, "USER a~b\r\nQUIT\r\n", NULL,
     "-ERR A NUL byte is not allowed.\r\n+OK Bye.\r\n<close>"},
    {"bad/long-command", PROTOCOL_POP3, 0, "USER " X256 "\r\nQUIT\r\n", NULL,
     "-ERR The command is too long.\r\n+OK Bye.\r\n<close>"},
    {"login/long-password", PROTOCOL_POP3, 0, "USER ann\r\nPASS " X256 X64 "\r\n", NULL,
     "+OK\r\n<PASS ann:" X256 X64 ">" FAILED},
    {"login/endless-password", PROTOCOL_POP3, 0, "USER ann\r\nPASS " X8K "\r\nQUIT\r\n", NULL,
     "+OK\r\n-ERR The password cannot be one.\r\n+OK Bye.\r\n<close>"},
    {"xclient/long", PROTOCOL_POP3, TELLS, "XCLIENT ADDR=::1 FORWARD=" X256 "\r\n", NULL,
     "<told ::1 0>+OK Noted.\r\n"},
    {"bad/endless-line", PROTOCOL_POP3, 0, "USER " X8K X8K, NULL, "-ERR The line is too long.\r\n"},
    {"bad/long-line-is-skipped", PROTOCOL_POP3, 0, "AUTH " X8K X8K "\r\nQUIT\r\n", NULL,
     "-ERR The line is too long.\r\n+OK Bye.\r\n<close>"},
    {"bad/half", PROTOCOL_POP3, 0, "USER an", NULL, ""},
};

#define IMAP_CAPS "CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE"
#define IMAP_AUTH " AUTH=PLAIN AUTH=LOGIN"
#define NO_LOGIN "LOGIN is not offered here; use AUTHENTICATE.\r\n"
#define LOGGED_IN(tag) tag " OK [CAPABILITY CAPS] Logged in.\r\n"
#define NO_AUTH " NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"
#define PRIVACY " NO [PRIVACYREQUIRED] " BAR_TEXT

static const Row imap_rows[] = {
    {"proxy/line", PROTOCOL_IMAP, 0,
     "PROXY TCP4 203.0.113.7 192.0.2.1 40000 143\r\na LOGIN ann pass\r\n", NULL,
     "* BYE No proxy is expected from your address.\r\n<close>"},
    {"capability", PROTOCOL_IMAP, CERTIFICATE, "a CAPABILITY\r\n", NULL,
     "* " IMAP_CAPS " STARTTLS" IMAP_AUTH "\r\na OK Capabilities before login listed.\r\n"},
    {"capability/barred", PROTOCOL_IMAP, CERTIFICATE | BARRED, "a capability\r\n", NULL,
     "* " IMAP_CAPS " STARTTLS LOGINDISABLED\r\na OK Capabilities before login listed.\r\n"},
    {"capability/tls", PROTOCOL_IMAP, CERTIFICATE | TLS, "a CAPABILITY\n", NULL,
     "* " IMAP_CAPS IMAP_AUTH "\r\na OK Capabilities before login listed.\r\n"},
    {"spaces-at-the-end", PROTOCOL_IMAP, 0,
     "a NOOP \r\nb NOOP  \r\nc NOOP  x\r\nd LOGIN ann sesame \r\n", NULL,
     "a OK NOOP completed.\r\nb OK NOOP completed.\r\nc BAD NOOP takes no argument.\r\n"
     "<LOGIN ann:sesame>d NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"},
    {"noop", PROTOCOL_IMAP, 0, "a NOOP\r\nb NOOP x\r\n", NULL,
     "a OK NOOP completed.\r\nb BAD NOOP takes no argument.\r\n"},
    {"id", PROTOCOL_IMAP, 0, "a ID NIL\r\nb ID (\"name\" \"t\" \"v\" NIL)\r\n", NULL,
     "* ID (\"name\" \"mailauthd\")\r\na OK ID completed.\r\n"
     "* ID (\"name\" \"mailauthd\")\r\nb OK ID completed.\r\n"},
    {"id/told", PROTOCOL_IMAP, TELLS,
     "a ID (\"x-originating-ip\" {11+}\r\n203.0.113.9 \"X-Originating-Port\" \"4711\")\r\nb "
     "NOOP\r\n",
     NULL, ID_DONE "<told 203.0.113.9 4711>b OK NOOP completed.\r\n"},
    {"id/told-nonsense", PROTOCOL_IMAP, TELLS,
     "a ID (\"x-originating-ip\" NIL)\r\na ID (\"x-originating-port\" \"25\")\r\n"
     "a ID (\"x-originating-ip\" \"::1\" \"x-originating-port\" \"99999\")\r\n",
     NULL, ID_DONE ID_DONE ID_DONE "<told ::1 0>"},
    {"id/many", PROTOCOL_IMAP, TELLS,
     "a ID (" P5 P5 P5 P5 P5
     "\"x\" NIL \"x\" NIL \"x\" NIL \"x\" NIL \"x-originating-ip\" \"::9\")\r\n"
     "a ID (" P5 P5 P5 P5 P5 P5 "\"x-originating-ip\" \"::9\")\r\n",
     NULL, ID_DONE "<told ::9 0>a BAD ID takes a list of pairs of strings, or NIL.\r\n"},
    {"id/literal", PROTOCOL_IMAP, 0, "a ID ({4+}\r\nname \"t\")\r\n", NULL,
     "* ID (\"name\" \"mailauthd\")\r\na OK ID completed.\r\n"},
    {"id/bad", PROTOCOL_IMAP, 0, "a ID (\"name\"\r\nb ID\r\n", NULL,
     "a BAD ID takes a list of pairs of strings, or NIL.\r\n"
     "b BAD ID takes a list of pairs of strings, or NIL.\r\n"},
    {"logout", PROTOCOL_IMAP, 0, "a LOGOUT\r\nb NOOP\r\n", NULL,
     "* BYE Logging out.\r\na OK LOGOUT completed.\r\n<close>"},
    {"login/atoms", PROTOCOL_IMAP, 0, "a LOGIN ann pass\r\n", NULL,
     "<LOGIN ann:pass>" LOGGED_IN("a") "<relay >"},
    {"login/pipelined", PROTOCOL_IMAP, 0, "a LOGIN ann pass\r\nb SELECT INBOX\r\n", NULL,
     "<LOGIN ann:pass>" LOGGED_IN("a") "<relay b SELECT INBOX\r\n>"},
    {"login/wrong", PROTOCOL_IMAP, 0, "a LOGIN ann no\r\nb LOGIN ann pass\r\n", NULL,
     "<LOGIN ann:no>a" NO_AUTH "<LOGIN ann:pass>" LOGGED_IN("b") "<relay >"},
    {"login/quoted", PROTOCOL_IMAP, 0, "a LOGIN \"an n\" \"p\\\\a\\\"s {5}\"\r\n", NULL,
     "<LOGIN an n:p\\a\"s {5}>a" NO_AUTH},
    {"login/empty-password", PROTOCOL_IMAP, 0, "a LOGIN ann \"\"\r\n", NULL,
     "<LOGIN ann:>a" NO_AUTH},
    {"login/unquoted-backslash", PROTOCOL_IMAP, 0, "a LOGIN CORP\\ann 50%\r\n", NULL,
     "<LOGIN CORP\\ann:50%>a" NO_AUTH},
    {"login/bad-escape", PROTOCOL_IMAP, 0, "a LOGIN ann \"p\\n\"\r\n", NULL,
     "a BAD LOGIN takes a name and a password.\r\n"},
    {"login/open-quote", PROTOCOL_IMAP, 0, "a LOGIN ann \"p\r\n", NULL,
     "a BAD LOGIN takes a name and a password.\r\n"},
    {"login/extra", PROTOCOL_IMAP, 0, "a LOGIN ann pass x\r\n", NULL,
     "a BAD LOGIN takes a name and a password.\r\n"},
    {"login/two-spaces", PROTOCOL_IMAP, 0, "a  LOGIN  ann   pass\r\n", NULL,
     "<LOGIN ann:pass>" LOGGED_IN("a") "<relay >"},
    {"login/one", PROTOCOL_IMAP, 0, "a LOGIN ann\r\nb LOGIN\r\n", NULL,
     "a BAD LOGIN takes a name and a password.\r\nb BAD LOGIN takes a name and a password.\r\n"},
    {"login/literals", PROTOCOL_IMAP, 0, "a LOGIN {3}\r\nann {4}\r\npass\r\n", NULL,
     "+ OK\r\n+ OK\r\n<LOGIN ann:pass>" LOGGED_IN("a") "<relay >"},
    {"login/literals-unasked", PROTOCOL_IMAP, 0, "a LOGIN {3+}\r\nann {4+}\r\npass\r\nX", NULL,
     "<LOGIN ann:pass>" LOGGED_IN("a") "<relay X>"},
    {"login/literal-with-lines", PROTOCOL_IMAP, 0, "a LOGIN ann {6+}\r\na\r\nb\r\n\r\n", NULL,
     "<LOGIN ann:a\r\nb\r\n>a" NO_AUTH},
    {"login/literal-empty", PROTOCOL_IMAP, 0, "a LOGIN ann {0}\r\n\r\n", NULL,
     "+ OK\r\n<LOGIN ann:>a" NO_AUTH},
    {"login/literal-nul", PROTOCOL_IMAP, 0, "a LOGIN ann {3+}\r\na~b\r\n", NULL,
     "a BAD LOGIN takes a name and a password.\r\n"},
    {"login/literal-in-line", PROTOCOL_IMAP, 0, "a LOGIN {3} {3}\r\nann\r\n", NULL,
     "+ OK\r\na BAD LOGIN takes a name and a password.\r\n"},
    {"login/literal-too-large", PROTOCOL_IMAP, 0, "a LOGIN {4097}\r\nb NOOP\r\n", NULL,
     "a BAD A literal is too large.\r\nb OK NOOP completed.\r\n"},
    {"login/literal-huge", PROTOCOL_IMAP, 0, "a LOGIN {99999999999999999999999}\r\n", NULL,
     "a BAD A literal is too large.\r\n"},
    {"login/literal-unasked-too-large", PROTOCOL_IMAP, 0,
     "a LOGIN {8192+}\r\n" X8K " pass\r\nb NOOP\r\n", NULL,
     "a BAD A literal is too large.\r\nb OK NOOP completed.\r\n"},
    {"login/literal-unasked-huge", PROTOCOL_IMAP, 0, "a LOGIN {4294967296+}\r\nb NOOP\r\n", NULL,
     "a BAD A literal is too large.\r\n* BYE [TOOBIG] A literal is too large.\r\n<close>"},
    {"barred/login", PROTOCOL_IMAP, BARRED, "a LOGIN ann pass\r\nb LOGIN \"bob\" {4}\r\n", NULL,
     "<clear-text ann>a" PRIVACY "<clear-text bob>b" PRIVACY},
    {"barred/literal", PROTOCOL_IMAP, BARRED, "a LOGIN {3}\r\nb NOOP\r\n", NULL,
     "<clear-text ?>a" PRIVACY "b OK NOOP completed.\r\n"},
    {"barred/literal-unasked", PROTOCOL_IMAP, BARRED,
     "a LOGIN {3+}\r\nann {8+}\r\nb NOOP\r\n\r\nc NOOP\r\n", NULL,
     "<clear-text ?>a" PRIVACY "c OK NOOP completed.\r\n"},
    {"barred/authenticate", PROTOCOL_IMAP, BARRED, "a AUTHENTICATE PLAIN AHVzZXIxAHBhc3M=\r\n",
     NULL, "<clear-text ?>a" PRIVACY},
    {"authenticate/plain", PROTOCOL_IMAP, 0, "a AUTHENTICATE PLAIN\r\nAHVzZXIxAHBhc3M=\r\n", NULL,
     "+ \r\n<PLAIN user1:pass>" LOGGED_IN("a") "<relay >"},
    {"authenticate/initial", PROTOCOL_IMAP, 0, "a authenticate plain AHVzZXIxAHBhc3M=\r\nX", NULL,
     "<PLAIN user1:pass>" LOGGED_IN("a") "<relay X>"},
    {"authenticate/initial-empty", PROTOCOL_IMAP, 0, "a AUTHENTICATE PLAIN =\r\n", NULL,
     "a BAD The authentication response cannot be read.\r\n"},
    {"authenticate/space", PROTOCOL_IMAP, 0, "a AUTHENTICATE PLAIN \r\nAHVzZXIxAHBhc3M=\r\n", NULL,
     "+ \r\n<PLAIN user1:pass>" LOGGED_IN("a") "<relay >"},
    {"authenticate/spaces-at-the-end", PROTOCOL_IMAP, 0,
     "a AUTHENTICATE PLAIN\r\n* \r\nb AUTHENTICATE PLAIN\r\nAHVzZXIxAHBhc3M=  \r\n", NULL,
     "+ \r\na BAD Authentication aborted.\r\n+ \r\n<PLAIN user1:pass>" LOGGED_IN("b") "<relay >"},
    {"authenticate/login", PROTOCOL_IMAP, 0, "a AUTHENTICATE LOGIN\r\ndXNlcjI=\r\ncGFzcw==\r\n",
     NULL, "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n<SASL-LOGIN user2:pass>" LOGGED_IN("a") "<relay >"},
    {"authenticate/abort", PROTOCOL_IMAP, 0, "a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n", NULL,
     "+ \r\na BAD Authentication aborted.\r\nb OK NOOP completed.\r\n"},
    {"authenticate/unknown", PROTOCOL_IMAP, 0, "a AUTHENTICATE GSSAPI\r\n", NULL,
     "a NO [CANNOT] Unsupported authentication mechanism.\r\n"},
    {"authenticate/other-identity", PROTOCOL_IMAP, 0, "a AUTHENTICATE PLAIN YgBhAHBhc3M=\r\n", NULL,
     "<PLAIN a:pass for b>" LOGGED_IN("a") "<relay >"},
    {"authenticate/nul", PROTOCOL_IMAP, 0, "a AUTHENTICATE PLAIN\r\nAHVz~\r\n", NULL,
     "+ \r\na BAD Authentication aborted.\r\n"},
    {"starttls", PROTOCOL_IMAP, CERTIFICATE | BARRED, "a STARTTLS\r\nb LOGIN evil evil\r\n",
     "c LOGIN ann pass\r\n",
     "a OK Begin TLS negotiation now.\r\n<tls><LOGIN ann:pass>" LOGGED_IN("c") "<relay >"},
    {"starttls/twice", PROTOCOL_IMAP, CERTIFICATE | TLS, "a STARTTLS\r\n", NULL,
     "a BAD TLS is active already.\r\n"},
    {"starttls/no-certificate", PROTOCOL_IMAP, 0, "a STARTTLS\r\n", NULL,
     "<no-certificate>a NO TLS is not available.\r\n"},
    {"bad/three", PROTOCOL_IMAP, 0, "a FOO\r\n\r\n+ NOOP\r\nb NOOP\r\n", NULL,
     "a BAD Unknown command.\r\n* BAD A command begins with a tag.\r\n"
     "* BAD A command begins with a tag.\r\n* BYE Too many bad commands.\r\n<close>"},
    {"bad/later", PROTOCOL_IMAP, 0, "a SELECT INBOX\r\nb UID FETCH 1 FLAGS\r\n", NULL,
     "a BAD Log in first.\r\nb BAD Log in first.\r\n"},
    {"bad/tag-only", PROTOCOL_IMAP, 0, "a\r\nb \r\n", NULL,
     "a BAD Unknown command.\r\nb BAD Unknown command.\r\n"},
    {"bad/literal-for-others", PROTOCOL_IMAP, 0,
     "a NOOP {5}\r\nb SELECT {7+}\r\nx LOGIN\r\nc NOOP\r\n", NULL,
     "a BAD NOOP takes no argument.\r\nb BAD Log in first.\r\nc OK NOOP completed.\r\n"},
    {"left-out/plus", PROTOCOL_IMAP, SCRAM | TLS | LACKS_PLUS,
     "a CAPABILITY\r\nb AUTHENTICATE SCRAM-SHA-256-PLUS\r\n", NULL,
     "* " IMAP_CAPS IMAP_AUTH " AUTH=SCRAM-SHA-256\r\na OK Capabilities before login listed.\r\n"
     "b NO [CANNOT] " UNSUPPORTED},
    {"left-out/plain", PROTOCOL_IMAP, TLS | LACKS_PLAIN,
     "a CAPABILITY\r\nb LOGIN ann pass\r\nc LOGIN {3}\r\nd AUTHENTICATE PLAIN\r\n", NULL,
     "* " IMAP_CAPS " LOGINDISABLED AUTH=LOGIN\r\na OK Capabilities before login listed.\r\n"
     "b NO [CANNOT] " NO_LOGIN "c NO [CANNOT] " NO_LOGIN "d NO [CANNOT] " UNSUPPORTED},
    {"left-out/plain-unasked-literal", PROTOCOL_IMAP, LACKS_PLAIN,
     "a LOGIN {3+}\r\nann {8+}\r\nb NOOP\r\n\r\nc NOOP\r\n", NULL,
     "a NO [CANNOT] " NO_LOGIN "c OK NOOP completed.\r\n"},
    {"scram/capability", PROTOCOL_IMAP, SCRAM | BARRED, "a CAPABILITY\r\n", NULL,
     "* " IMAP_CAPS " LOGINDISABLED AUTH=SCRAM-SHA-256\r\na OK Capabilities before login "
     "listed.\r\n"},
    {"scram/capability-tls", PROTOCOL_IMAP, SCRAM | TLS, "a CAPABILITY\r\n", NULL,
     "* " IMAP_CAPS IMAP_AUTH " AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS"
     "\r\na OK Capabilities before login listed.\r\n"},
    {"scram/never", PROTOCOL_IMAP, SCRAM | BARRED | NEVER, "a AUTHENTICATE SCRAM-SHA-256\r\n", NULL,
     "<clear-text ?>a" PRIVACY},
    {"scram/not-there", PROTOCOL_IMAP, 0, "a AUTHENTICATE SCRAM-SHA-256\r\n", NULL,
     "a NO [CANNOT] Unsupported authentication mechanism.\r\n"},
    {"scram", PROTOCOL_IMAP, SCRAM | BARRED,
     "a AUTHENTICATE SCRAM-SHA-256\r\n" SCRAM_FIRST "\r\n" SCRAM_FINAL "\r\n\r\nb NOOP\r\n", NULL,
     "+ \r\n<SCRAM-SHA-256 ann>" QUESTION "<final ann>" PROOF
     "<end ann>" LOGGED_IN("a") "<relay b NOOP\r\n>"},
    {"scram/initial", PROTOCOL_IMAP, SCRAM,
     "a AUTHENTICATE SCRAM-SHA-256 " SCRAM_FIRST "\r\n" SCRAM_FINAL "\r\n\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "<final ann>" PROOF "<end ann>" LOGGED_IN("a") "<relay >"},
    {"scram/wrong", PROTOCOL_IMAP, SCRAM,
     "a AUTHENTICATE SCRAM-SHA-256 " SCRAM_FIRST "\r\n" SCRAM_NO "\r\nb NOOP\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "<final ann>a" NO_AUTH "b OK NOOP completed.\r\n"},
    {"scram/cancel", PROTOCOL_IMAP, SCRAM,
     "a AUTHENTICATE SCRAM-SHA-256 " SCRAM_FIRST "\r\n*\r\nb NOOP\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "a BAD Authentication aborted.\r\nb OK NOOP completed.\r\n"},
    {"scram/cancel-thrice", PROTOCOL_IMAP, SCRAM,
     "a AUTHENTICATE SCRAM-SHA-256 " SCRAM_FIRST
     "\r\n*\r\nb AUTHENTICATE SCRAM-SHA-256 " SCRAM_FIRST
     "\r\n*\r\nc AUTHENTICATE SCRAM-SHA-256 " SCRAM_FIRST "\r\n*\r\n",
     NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "a BAD Authentication aborted.\r\n"
     "<SCRAM-SHA-256 ann>" QUESTION "b BAD Authentication aborted.\r\n"
     "<SCRAM-SHA-256 ann>" QUESTION "c BAD Authentication aborted.\r\n"
     "* BYE Too many bad commands.\r\n<close>"},
    {"scram/malformed-final", PROTOCOL_IMAP, SCRAM,
     "a AUTHENTICATE SCRAM-SHA-256 " SCRAM_FIRST "\r\n!\r\n", NULL,
     "<SCRAM-SHA-256 ann>" QUESTION "a BAD " UNREAD},
    {"scram/other-identity", PROTOCOL_IMAP, SCRAM,
     "a AUTHENTICATE SCRAM-SHA-256 " SCRAM_PROXY "\r\n", NULL, "<SCRAM-SHA-256 ann>" QUESTION},
    {"bad/nul", PROTOCOL_IMAP, 0, "a NO~OP\r\n~\r\n", NULL,
     "a BAD Unknown command.\r\n* BAD A command begins with a tag.\r\n"},
    {"bad/endless-line", PROTOCOL_IMAP, 0, "a LOGIN " X8K X8K, NULL,
     "a BAD The line is too long.\r\n* BYE [TOOBIG] The line is too long.\r\n<close>"},
    {"bad/long-command", PROTOCOL_IMAP, 0, "a ID (\"x\" {4096+}\r\n" X1K X1K X1K X1K " " X8K "\r\n",
     NULL, "a BAD The command is too long.\r\n* BYE [TOOBIG] The command is too long.\r\n<close>"},
    {"bad/long-response", PROTOCOL_IMAP, 0, "a AUTHENTICATE PLAIN\r\n" X8K X8K, NULL,
     "+ \r\na BAD The line is too long.\r\n* BYE [TOOBIG] The line is too long.\r\n<close>"},
};

typedef struct {
  const Row *row;
  const MachineOps *ops;
  Machine *machine;
  Surroundings surroundings;
  GString *trace;
} Talk;

/* What the client is asked, or what comes of what it has answered. */
static Step go_on_with_scram(Talk *talk, const Credentials *credentials) {
  CredentialsKind kind = credentials->kind;
  gboolean wrong = kind == CREDENTIALS_SCRAM_FINAL &&
                   strstr((const char *)credentials->password.bytes, "r=no,") != NULL;
  const char *said = kind == CREDENTIALS_SCRAM_FIRST ? "question" : "proof";
  g_string_append_printf(talk->trace, "<%s %s>",
                         kind == CREDENTIALS_SCRAM_FIRST   ? credentials->mechanism
                         : kind == CREDENTIALS_SCRAM_FINAL ? "final"
                                                           : "end",
                         credentials->user);
  g_assert_true(talk->ops->is_in_exchange(talk->machine) == (kind != CREDENTIALS_SCRAM_END));
  const MachineAnswer answer = {wrong ? OUTCOME_BAD_PASSWORD : OUTCOME_OK, "CAPS", {0}};
  if (wrong || kind == CREDENTIALS_SCRAM_END)
    return talk->ops->answer(talk->machine, &answer, talk->trace);
  talk->ops->challenge(talk->machine, (const guint8 *)said, strlen(said), talk->trace);
  return STEP_READ;
}

/* The steps that a session takes for a machine. FALSE: the conversation is over. */
static gboolean take_step(Talk *talk, Step step, const char *rest, gsize rest_size) {
  const Credentials *credentials = talk->ops->get_credentials(talk->machine);
  if (step == STEP_LOGIN && credentials->kind != CREDENTIALS_PASSWORD) {
    step = go_on_with_scram(talk, credentials);
  } else if (step == STEP_LOGIN) {
    const char *password =
        credentials->password.size == 0 ? "" : (const char *)credentials->password.bytes;
    g_string_append_printf(talk->trace, "<%s %s:%s%s%s>", credentials->mechanism, credentials->user,
                           password, credentials->identity != NULL ? " for " : "",
                           credentials->identity != NULL ? credentials->identity : "");
    Outcome outcome = strcmp(password, "pass") == 0 ? OUTCOME_OK : OUTCOME_BAD_PASSWORD;
    step = talk->ops->answer(talk->machine, &(MachineAnswer){outcome, "CAPS", {0}}, talk->trace);
  } else if (step == STEP_CLEAR_TEXT) {
    g_string_append_printf(talk->trace, "<clear-text %s>",
                           credentials->user == NULL ? "?" : credentials->user);
    step = talk->ops->answer(talk->machine, &(MachineAnswer){.outcome = OUTCOME_CLEAR_TEXT},
                             talk->trace);
  } else if (step == STEP_NO_CERTIFICATE) {
    g_string_append(talk->trace, "<no-certificate>");
    step = talk->ops->answer(talk->machine, &(MachineAnswer){.outcome = OUTCOME_NO_CERTIFICATE},
                             talk->trace);
  } else if (step == STEP_TOLD) {
    const ToldClient *told = talk->ops->get_told(talk->machine);
    g_autofree char *address = client_address_format(&told->address);
    g_string_append_printf(talk->trace, "<told %s %u>", address, told->port);
    talk->ops->take_told(talk->machine, talk->surroundings.may_tell, talk->trace);
    step = STEP_READ;
  }
  if (step == STEP_RELAY) {
    g_string_append(talk->trace, "<relay ");
    g_string_append_len(talk->trace, rest, (gssize)rest_size);
    g_string_append_c(talk->trace, '>');
  } else if (step == STEP_CLOSE) {
    g_string_append(talk->trace, "<close>");
  }
  return step == STEP_READ;
}

/* Feeds one fragment after the other; @fragment: the size of each, 0: random.
 * FALSE: the rest is not for the machine. */
static gboolean feed_all(Talk *talk, GString *bytes, gsize fragment) {
  gsize at = 0;
  while (at < bytes->len) {
    gsize wanted = fragment > 0 ? fragment : (gsize)g_test_rand_int_range(1, 40);
    gsize size = MIN(bytes->len - at, wanted);
    while (size > 0) {
      const guint8 *input = (const guint8 *)bytes->str + at;
      gsize before = size;
      Step step = talk->ops->feed(talk->machine, &talk->surroundings, &input, &size, talk->trace);
      at += before - size;
      g_assert_true(step != STEP_READ || size == 0);
      if (step == STEP_START_TLS) {
        g_string_append(talk->trace, "<tls>");
        talk->ops->tls_started(talk->machine);
        talk->surroundings = (Surroundings){.in_tls = TRUE, .takes_passwords = TRUE};
        return TRUE;
      }
      if (!take_step(talk, step, bytes->str + at, bytes->len - at))
        return FALSE;
    }
  }
  return TRUE;
}

static GString *unescape(const char *text) {
  GString *bytes = g_string_new(text);
  for (gsize i = 0; i < bytes->len; i++)
    if (bytes->str[i] == '~')
      bytes->str[i] = '\0';
  return bytes;
}

static void run_row(const Row *row, gsize fragment) {
  const MachineOps *ops = machine_get_ops(row->protocol);
  g_autoptr(GString) trace = g_string_new(NULL);
  g_autoptr(GString) input = unescape(row->input);
  Talk talk = {.row = row, .ops = ops, .machine = ops->create(), .trace = trace};
  talk.surroundings.in_tls = (row->around & TLS) != 0;
  talk.surroundings.offers_tls = (row->around & CERTIFICATE) != 0 && !talk.surroundings.in_tls;
  talk.surroundings.takes_passwords = (row->around & BARRED) == 0;
  talk.surroundings.takes_proofs = (row->around & NEVER) == 0;
  talk.surroundings.has_scram = (row->around & SCRAM) != 0;
  if ((row->around & LACKS_PLUS) != 0)
    talk.surroundings.left_out |= MECHANISM_BIT(MECHANISM_SCRAM_PLUS);
  if ((row->around & LACKS_PLAIN) != 0)
    talk.surroundings.left_out |= MECHANISM_BIT(MECHANISM_PLAIN);
  talk.surroundings.may_tell = (row->around & TELLS) != 0;
  gboolean open = feed_all(&talk, input, fragment);
  if (open && row->in_tls != NULL) {
    g_autoptr(GString) in_tls = unescape(row->in_tls);
    feed_all(&talk, in_tls, fragment);
  }
  g_assert_cmpstr(trace->str, ==, row->outcome);
  ops->free(talk.machine);
}

static void test_row(gconstpointer data) {
  run_row(data, G_MAXSIZE);
  run_row(data, 1);
  for (guint i = 0; i < 20; i++)
    run_row(data, 0);
}

static void test_greetings(void) {
  const struct {
    Protocol protocol;
    Surroundings surroundings;
    const char *greeting;
  } rows[] = {
      {PROTOCOL_POP3, {.offers_tls = TRUE}, GREETING},
      {PROTOCOL_POP3, {.may_tell = TRUE}, "+OK [XCLIENT] POP3 server ready.\r\n"},
      {PROTOCOL_IMAP,
       {.offers_tls = TRUE},
       "* OK [" IMAP_CAPS " STARTTLS LOGINDISABLED] IMAP server ready.\r\n"},
      {PROTOCOL_IMAP,
       {.in_tls = TRUE, .takes_passwords = TRUE},
       "* OK [" IMAP_CAPS IMAP_AUTH "] IMAP server ready.\r\n"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    const MachineOps *ops = machine_get_ops(rows[i].protocol);
    g_autoptr(GString) out = g_string_new(NULL);
    ops->greet(&rows[i].surroundings, out);
    g_assert_cmpstr(out->str, ==, rows[i].greeting);
  }
}

static void add_rows(const char *group, const Row *rows, gsize count) {
  for (gsize i = 0; i < count; i++) {
    g_autofree char *path = g_strconcat("/", group, "/", rows[i].name, NULL);
    g_test_add_data_func(path, &rows[i], test_row);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  add_rows("pop3", pop3_rows, G_N_ELEMENTS(pop3_rows));
  add_rows("imap", imap_rows, G_N_ELEMENTS(imap_rows));
  g_test_add_func("/greetings", test_greetings);
  return g_test_run();
}
