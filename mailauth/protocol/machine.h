/* SPDX-License-Identifier: MIT */
/* What every protocol before login is: a machine that is fed bytes, writes answers, and
 * stops at each step that its owner must take. The machines are pure: no sockets, no
 * clock, no settings but those given. */
#ifndef MAILAUTH_PROTOCOL_MACHINE_H
#define MAILAUTH_PROTOCOL_MACHINE_H

#include "mailauth/base/client-address.h"
#include "mailauth/base/kinds.h"
#include "mailauth/base/outcome.h"
#include "mailauth/base/server-code.h"
#include "mailauth/protocol/credentials.h"
#include "mailauth/protocol/transcript.h"

/* What a machine has to know about its connection; may change between feeds. */
typedef struct {
  gboolean in_tls;          /* the bytes come through TLS */
  gboolean offers_tls;      /* TLS can be begun: not in it yet, and there is a certificate */
  gboolean takes_passwords; /* a password may travel here: in TLS, or `Clear Text` lets it */
  Transcript *transcript;   /* where commands are noted; NULL: nowhere */
  gboolean takes_proofs; /* what proves a password may travel here: in TLS, or `Clear Text` is not
                            `never` */
  gboolean has_scram;    /* accounts have the keys for SCRAM-SHA-256 */
  guint left_out;        /* MECHANISM_BIT() of each that is neither announced nor taken */
  gboolean may_tell;     /* it is announced that clients may tell where their own clients are */
} Surroundings;

/* Where a client says that its own client is: by ID of IMAP, or by XCLIENT of POP3. */
typedef struct {
  ClientAddress address;
  guint16 port; /* 0 if it is not told */
} ToldClient;

/* Whether commands that carry a password themselves are left out: USER and PASS, and LOGIN
 * of IMAP. They stand and fall with PLAIN. */
static inline gboolean surroundings_lack_commands(const Surroundings *surroundings) {
  return (surroundings->left_out & MECHANISM_BIT(MECHANISM_PLAIN)) != 0;
}

/* Whether those commands may be used here. */
static inline gboolean surroundings_take_commands(const Surroundings *surroundings) {
  return surroundings->takes_passwords && !surroundings_lack_commands(surroundings);
}

/* Where a machine stops. */
typedef enum {
  STEP_READ,           /* all input is used up: feed more */
  STEP_LOGIN,          /* credentials are complete: answer with what came of them, or challenge */
  STEP_CLEAR_TEXT,     /* a password was offered that may not travel: record it, then answer */
  STEP_NO_CERTIFICATE, /* TLS was asked for and can't be had: record it, then answer */
  STEP_SETTINGS,       /* never a machine's: whether the settings are current */
  STEP_TOLD,           /* it is told where the client's client is: take_told(), then feed on */
  STEP_START_TLS,      /* send the output, drop all further input, begin TLS */
  STEP_RELAY,          /* logged in: send the output, then relay the rest of the input */
  STEP_CLOSE,          /* send the output and end the connection */
} Step;

/* What came of a login. */
typedef struct {
  Outcome outcome;
  const char *capabilities; /* what an IMAP client is told with OK; NULL or "": nothing */
  ServerWord word;          /* of BACKEND_REFUSED */
} MachineAnswer;

/* If no verifier answers, the client is told the same as for a setting that can't be
 * used: a temporary failure. */
#define OUTCOME_UNDECIDED OUTCOME_BAD_SETTING

/* One protocol before login. All functions append what is to be sent to @out. */
typedef struct Machine Machine;
typedef struct {
  Machine *(*create)(void);
  void (*free)(Machine *machine);
  /* Needs no machine. */
  void (*greet)(const Surroundings *surroundings, GString *out);
  /* Takes from *@input, of *@size bytes, and moves both on, until a step comes
   * that is not READ. What is left then is fed after the answer. */
  Step (*feed)(Machine *machine, const Surroundings *surroundings, const guint8 **input,
               gsize *size, GString *out);
  /* Goes on with a LOGIN whose credentials are of a SCRAM kind: asks the client for
   * more, which ends in another LOGIN. */
  void (*challenge)(Machine *machine, const guint8 *bytes, gsize size, GString *out);
  /* Whether a SASL exchange is under way. */
  gboolean (*is_in_exchange)(const Machine *machine);
  /* Ends LOGIN, CLEAR_TEXT or NO_CERTIFICATE with what came of it. RELAY, READ (feed on)
   * or CLOSE. */
  Step (*answer)(Machine *machine, const MachineAnswer *answer, GString *out);
  /* What TOLD is about; borrowed until the next feed. */
  const ToldClient *(*get_told)(const Machine *machine);
  /* Ends TOLD. @believed: the client may tell that. */
  void (*take_told)(Machine *machine, gboolean believed, GString *out);
  /* Forgets everything said before TLS (RFC 2595, sections 3.1 and 4). */
  void (*tls_started)(Machine *machine);
  /* The login that LOGIN stands for; for CLEAR_TEXT the user, if known. */
  Credentials *(*get_credentials)(Machine *machine);
  /* Says why the connection is ended by the server; needs no machine. */
  void (*say_goodbye)(const char *why, GString *out);
} MachineOps;

#endif
