/* SPDX-License-Identifier: MIT */
/* What the rows of test-conversations.c say more than once. */
#ifndef TESTS_UNIT_SUPPORT_CONVERSATION_WORDS_H
#define TESTS_UNIT_SUPPORT_CONVERSATION_WORDS_H

#define GREETING "+OK POP3 server ready.\r\n"
#define CAPA_HEAD                                                                                  \
  "+OK Capability list follows.\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n"
#define CAPA_PASSWORDS "USER\r\nSASL PLAIN LOGIN\r\n"
#define FAILED "-ERR [AUTH] Authentication failed.\r\n"
#define BAR_TEXT "A password is not taken without TLS here; begin TLS first.\r\n"
/* n,,n=ann,r=abc; a final message, one for another nonce, and one with a channel
 * binding; then what a verifier of the test's own says. */
#define SCRAM_FIRST "biwsbj1hbm4scj1hYmM="
#define SCRAM_FINAL                                                                                \
  "Yz1iaXdzLHI9YWJjZGVmLHA9ZEh6YlphcFdJazRqVWhOK1V0ZTl5dGFnOXpqZk1IZ3NxbW1pejdBbmRWUT0="
#define SCRAM_NO "Yz1iaXdzLHI9bm8scD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ=="
#define SCRAM_PROXY "bixhPWJvYixuPWFubixyPWFiYw=="         /* n,a=bob,n=ann,r=abc */
#define SCRAM_BOUND "cD10bHMtZXhwb3J0ZXIsLG49YW5uLHI9YWJj" /* p=tls-exporter,,n=ann,r=abc */
#define BOUND_FINAL                                                                                \
  "Yz1jRDEwYkhNdFpYaHdiM0owWlhJc0xBPT0scj1hYmNkZWYscD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3" \
  "FtbWl6N0FuZFZRPQ=="
#define QUESTION "+ cXVlc3Rpb24=\r\n"
#define PROOF "+ cHJvb2Y=\r\n"
#define UNREAD "The authentication response cannot be read.\r\n"
#define UNSUPPORTED "Unsupported authentication mechanism.\r\n"
#define NO_USER "USER and PASS are not offered here; log in by AUTH.\r\n"
#define XCLIENT_TAKES "-ERR XCLIENT takes ADDR=, an address by number, and PORT=.\r\n"
#define ID_DONE "* ID (\"name\" \"mailauthd\")\r\na OK ID completed.\r\n"
#define P5 "\"x\" \"\xff\x01\xfe\" \"x\" NIL \"\" \"\" \"x\" NIL \"x\" NIL "
#define BAD3 "-ERR Unknown command.\r\n"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X64 X64 X64 X64
#define X1K X256 X256 X256 X256
#define X8K X1K X1K X1K X1K X1K X1K X1K X1K

#endif
