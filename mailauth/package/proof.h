/* SPDX-License-Identifier: MIT */
/* One password against one hash, on the prover's threads: what the packages that
 * keep hashes share. */
#ifndef MAILAUTH_PACKAGE_PROOF_H
#define MAILAUTH_PACKAGE_PROOF_H

#include "client/threads/workers.h"
#include "mailauth/hashes/hash.h"
#include "mailauth/package/package.h"

typedef struct {
  Secret password;
  char *hash;
  char *state;       /* as VerifiedClaim's; NULL: "" */
  Outcome otherwise; /* OUTCOME_OK if the hash decides; else what comes of it in any case */
  char *detail;      /* for administrators, or NULL */
  HashResult result; /* of the account's own */
  GPtrArray *apps;   /* of App: other passwords of the account; NULL: it has none */
  const struct App *right_app;
  Verified *verified; /* NULL: neither asked nor told */
  guint64 era;
  char *owner;
  OutcomeAnswer answer;
  gpointer data;
} Proof;

/* Takes the request's password. */
Proof *proof_new(const PackageRequest *request, OutcomeAnswer answer, gpointer data);
void proof_free(Proof *proof);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Proof, proof_free)

/* What comes of @hash, whatever the password is: OK, if that decides. *@detail (owned, or NULL)
 * says why. A fault of the server's is no wrong password; a lock is the administrator's wish. */
Outcome proof_judge_hash(const char *hash, char **detail);

/* One more password of the account, which is tried before its own. It does not help an account
 * that is disabled, locked or not there. @refusal: NULL if it lets this client in, else why not
 * (static). Nothing is added if @hash can't be proved. */
void proof_add_app(Proof *proof, const char *label, const char *hash, const char *refusal);

/* What was found of an account. @hash NULL or empty: BAD_PASSWORD; locked by ! or *:
 * LOCKED; not accepted: UNUSABLE_HASH; each with a detail that says so. @dummy (a line for each
 * password of the account that stands in) is what is proved against then. */
void proof_set_account(Proof *proof, const char *hash, gboolean disabled, const char *dummy);
/* No such account. */
void proof_set_nobody(Proof *proof, const char *dummy);

/* Proves, by the memory of what was right or else by the hash, then answers; frees
 * @proof. On the loop's thread. */
void proof_submit(Proof *proof, Workers *prover);

#endif
