/* One password against one hash: see proof.h. */
#include "mailauth/package/proof.h"

#include <string.h>

#include "mailauth/hash.h"

Proof *proof_new(const PackageRequest *request, PackageAnswer answer, gpointer data) {
  Proof *proof = g_new0(Proof, 1);
  proof->password = g_malloc(request->size + 1);
  memcpy(proof->password, request->password, request->size);
  proof->password[request->size] = '\0';
  proof->size = request->size;
  proof->answer = answer;
  proof->data = data;
  return proof;
}

void proof_free(Proof *proof) {
  if (proof == NULL)
    return;
  explicit_bzero(proof->password, proof->size);
  g_free(proof->password);
  g_free(proof->hash);
  g_free(proof->detail);
  g_free(proof);
}

void proof_set_account(Proof *proof, const char *hash, gboolean disabled, const char *dummy) {
  gboolean usable = hash != NULL && hash_is_accepted(hash);
  proof->hash = usable ? g_strdup(hash) : hash_dup_dummy(dummy);
  proof->otherwise = disabled ? OUTCOME_DISABLED : usable ? OUTCOME_OK : OUTCOME_BAD_PASSWORD;
  if (!usable)
    proof->detail = g_strdup("the account has no password hash of a method that is accepted");
}

void proof_set_nobody(Proof *proof, const char *dummy) {
  proof->hash = hash_dup_dummy(dummy);
  proof->otherwise = OUTCOME_NO_SUCH_USER;
}

static void prove(gpointer job) {
  Proof *proof = job;
  /* "": there is nothing to prove against. */
  proof->right = *proof->hash != '\0' && hash_prove(proof->password, proof->size, proof->hash);
}

static void answer_proof(gpointer job) {
  g_autoptr(Proof) proof = job;
  Outcome outcome = proof->right ? OUTCOME_OK : OUTCOME_BAD_PASSWORD;
  if (proof->otherwise != OUTCOME_OK)
    outcome = proof->otherwise;
  proof->answer(outcome, proof->detail, proof->data);
}

void proof_submit(Proof *proof, Prover *prover) {
  prover_submit(prover, prove, answer_proof, proof);
}
