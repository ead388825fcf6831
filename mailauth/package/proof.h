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
  HashResult result;
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

/* What was found of an account. @hash NULL or empty: BAD_PASSWORD; locked by ! or *:
 * LOCKED; not accepted: UNUSABLE_HASH; each with a detail that says so. @dummy is what is
 * proved against then. */
void proof_set_account(Proof *proof, const char *hash, gboolean disabled, const char *dummy);
/* No such account. */
void proof_set_nobody(Proof *proof, const char *dummy);

/* Proves, by the memory of what was right or else by the hash, then answers; frees
 * @proof. On the loop's thread. */
void proof_submit(Proof *proof, Workers *prover);

#endif
