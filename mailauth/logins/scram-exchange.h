/* SPDX-License-Identifier: MIT */
/* SCRAM exchanges in the verifier, up to the client's proof: what a client is asked, by
 * the account as it stands once every write answered before has been read. Nothing is
 * decided here: that is for the login that begins with the proof, by the settings of
 * that time (login.h). */
#ifndef MAILAUTH_LOGINS_SCRAM_EXCHANGE_H
#define MAILAUTH_LOGINS_SCRAM_EXCHANGE_H

#include "mailauth/package/sam-scram.h"
#include "mailauth/protocol/scram.h"
#include "mailauth/settings/live-settings.h"

typedef struct Exchanges Exchanges;
typedef struct Exchange Exchange;

/* @question: what the client is to be sent; borrowed. NULL: there can be no
 * exchange now. */
typedef void (*ExchangeAsked)(const char *question, gpointer data);

/* Both borrowed. */
Exchanges *exchanges_new(Views *views, SamScram *accounts);
/* When no exchange is left. */
void exchanges_free(Exchanges *exchanges);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Exchanges, exchanges_free)

/* Takes @scram, what the client has said first. @asked is called once, never
 * from inside, unless the exchange is freed before. */
Exchange *exchange_begin(Exchanges *exchanges, Scram *scram, ExchangeAsked asked, gpointer data);
/* NULL is fine. */
void exchange_free(Exchange *exchange);
/* Frees it, too. The caller's; NULL if the client has not been asked yet. */
Scram *exchange_take_scram(Exchange *exchange);

/* A client's proof. Borrowed. */
typedef struct {
  SamScram *accounts;
  Scram *scram;
  const char *account, *user; /* as sam_scram_find() has them */
  const Secret *response;
} ExchangeProof;

/* What comes of it. *@proof is the server's, if it is right; *@detail is for administrators, or
 * NULL. Both are the caller's. */
Outcome exchange_prove(const ExchangeProof *client, char **proof, char **detail);

/* regd has answered, or has not in time: until then exchanges wait for it. */
void exchanges_stop_waiting(Exchanges *exchanges);

#endif
