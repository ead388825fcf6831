/* SPDX-License-Identifier: MIT */
/* One password against one hash: see proof.h. */
#include "mailauth/package/proof.h"

static char *dup_owner(const PackageRequest *request) {
  const Settings *settings = request->settings;
  gboolean native = *settings->package == '\0';
  return verified_name_owner(native ? settings->native_source : settings->chosen.type,
                             native ? "" : settings->broker,
                             request->account != NULL ? request->account : "");
}

Proof *proof_new(const PackageRequest *request, OutcomeAnswer answer, gpointer data) {
  Proof *proof = g_new0(Proof, 1);
  secret_move(&proof->password, request->password);
  proof->answer = answer;
  proof->data = data;
  if (request->verified == NULL)
    return proof;
  proof->verified = request->verified;
  proof->era = verified_get_era(request->verified);
  proof->owner = dup_owner(request);
  return proof;
}

void proof_free(Proof *proof) {
  if (proof == NULL)
    return;
  secret_clear(&proof->password);
  g_free(proof->hash);
  g_free(proof->state);
  g_free(proof->detail);
  g_free(proof->owner);
  g_free(proof);
}

#define CURE "'mailauthctl user passwd' or 'member passwd' sets another"

Outcome proof_judge_hash(const char *hash, char **detail) {
  *detail = NULL;
  if (hash == NULL || *hash == '\0') {
    *detail = g_strdup("the account has no password hash");
    return OUTCOME_BAD_PASSWORD;
  }
  if (hash_is_locked(hash)) {
    *detail = g_strdup("the account's password is locked");
    return OUTCOME_LOCKED;
  }
  const char *fault = hash_find_fault(hash);
  if (fault == NULL)
    return OUTCOME_OK;
  *detail = g_strdup_printf("the hash can't be used: %s; " CURE, fault);
  return OUTCOME_UNUSABLE_HASH;
}

void proof_set_account(Proof *proof, const char *hash, gboolean disabled, const char *dummy) {
  Outcome outcome = proof_judge_hash(hash, &proof->detail);
  proof->hash = outcome == OUTCOME_OK ? g_strdup(hash) : hash_dup_dummy(dummy);
  proof->otherwise = disabled ? OUTCOME_DISABLED : outcome;
}

void proof_set_nobody(Proof *proof, const char *dummy) {
  proof->hash = hash_dup_dummy(dummy);
  proof->otherwise = OUTCOME_NO_SUCH_USER;
}

static void prove(gpointer job) {
  Proof *proof = job;
  /* "": there is nothing to prove against. */
  proof->result = *proof->hash == '\0' ? HASH_WRONG
                                       : hash_prove(secret_get_text(&proof->password),
                                                    proof->password.size, proof->hash);
}

/* ---- on the loop ---- */

static VerifiedClaim make_claim(const Proof *proof) {
  return (VerifiedClaim){proof->owner, proof->hash, proof->state != NULL ? proof->state : "",
                         secret_get_text(&proof->password), proof->password.size};
}

/* What could not be computed for want of memory is the same for every name. */
static Outcome get_outcome(const Proof *proof) {
  static const Outcome outcomes[] = {[HASH_RIGHT] = OUTCOME_OK,
                                     [HASH_WRONG] = OUTCOME_BAD_PASSWORD,
                                     [HASH_UNUSABLE] = OUTCOME_UNUSABLE_HASH,
                                     [HASH_NO_MEMORY] = OUTCOME_NO_MEMORY};
  gboolean decided = proof->otherwise != OUTCOME_OK && proof->result != HASH_NO_MEMORY;
  return decided ? proof->otherwise : outcomes[proof->result];
}

static void answer_proof(gpointer job) {
  g_autoptr(Proof) proof = job;
  proof->answer(get_outcome(proof), proof->detail, proof->data);
}

static void learn_and_answer(gpointer job) {
  const Proof *proof = job;
  const VerifiedClaim claim = make_claim(proof);
  if (proof->verified != NULL && get_outcome(proof) == OUTCOME_OK)
    verified_learn(proof->verified, proof->era, &claim, verified_get_time());
  answer_proof(job);
}

static gboolean on_recalled(gpointer job) {
  answer_proof(job);
  return G_SOURCE_REMOVE;
}

/* Looked up for every user, even if the answer is known to be no, so that the time it
 * takes tells nothing. */
static gboolean recall(const Proof *proof) {
  const VerifiedClaim claim = make_claim(proof);
  if (proof->verified == NULL)
    return FALSE;
  if (proof->otherwise != OUTCOME_OK)
    verified_forget(proof->verified, proof->owner);
  return verified_recall(proof->verified, proof->era, &claim, verified_get_time());
}

void proof_submit(Proof *proof, Workers *prover) {
  gboolean known = recall(proof);
  proof->result = known ? HASH_RIGHT : HASH_WRONG;
  if (known)
    g_idle_add_full(G_PRIORITY_DEFAULT, on_recalled, proof, NULL);
  else
    workers_submit(prover, prove, learn_and_answer, proof, NULL);
}
