/* SPDX-License-Identifier: MIT */
/* One password against one hash: see proof.h. */
#include "mailauth/package/proof.h"

typedef struct App {
  char *label; /* NULL: of an account that is not there */
  char *hash;
  const char *refusal;
} App;

static void app_free(gpointer data) {
  App *app = data;
  g_free(app->label);
  secret_free_text(app->hash);
  g_free(app);
}

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
  secret_free_text(proof->hash);
  g_clear_pointer(&proof->apps, g_ptr_array_unref);
  g_free(proof->state);
  g_free(proof->detail);
  g_free(proof->owner);
  g_free(proof);
}

#define CURE                                                                                       \
  "'mailauthctl user passwd' or 'member passwd' sets another; in an SQL database, set it there"

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

void proof_add_app(Proof *proof, const char *label, const char *hash, const char *refusal) {
  if (hash == NULL || !hash_is_accepted(hash))
    return;
  if (proof->apps == NULL)
    proof->apps = g_ptr_array_new_with_free_func(app_free);
  App *app = g_new(App, 1);
  *app = (App){g_strdup(label), g_strdup(hash), refusal};
  g_ptr_array_add(proof->apps, app);
}

/* The account's own password is the first line. */
static char *dup_own_dummy(const char *dummy) {
  g_autofree char *own = dummy != NULL ? g_strndup(dummy, strcspn(dummy, "\n")) : NULL;
  return hash_dup_dummy(own);
}

void proof_set_account(Proof *proof, const char *hash, gboolean disabled, const char *dummy) {
  Outcome outcome = proof_judge_hash(hash, &proof->detail);
  proof->hash = outcome == OUTCOME_OK ? g_strdup(hash) : dup_own_dummy(dummy);
  proof->otherwise = disabled ? OUTCOME_DISABLED : outcome;
}

void proof_set_nobody(Proof *proof, const char *dummy) {
  g_auto(GStrv) lines = g_strsplit(dummy != NULL ? dummy : "", "\n", -1);
  proof->hash = dup_own_dummy(dummy);
  for (guint i = 1; i < g_strv_length(lines); i++) {
    g_autofree char *hash = hash_dup_dummy(lines[i]);
    proof_add_app(proof, NULL, hash, NULL);
  }
  proof->otherwise = OUTCOME_NO_SUCH_USER;
}

static HashResult prove_one(const Proof *proof, const char *hash) {
  return hash_prove(secret_get_text(&proof->password), proof->password.size, hash);
}

/* Whether one of them lets the client in, in which case the account's own need not be tried. */
static gboolean prove_apps(Proof *proof) {
  for (guint i = 0; proof->apps != NULL && i < proof->apps->len; i++) {
    const App *app = proof->apps->pdata[i];
    HashResult result = prove_one(proof, app->hash);
    if (result == HASH_NO_MEMORY)
      proof->result = result;
    if (result != HASH_RIGHT)
      continue;
    proof->right_app = app;
    if (app->refusal != NULL)
      continue;
    proof->result = HASH_WRONG;
    return TRUE;
  }
  return FALSE;
}

static void prove(gpointer job) {
  Proof *proof = job;
  /* "": there is nothing to prove against. */
  if (*proof->hash == '\0' || prove_apps(proof) || proof->result == HASH_NO_MEMORY)
    return;
  proof->result = prove_one(proof, proof->hash);
}

/* ---- on the loop ---- */

static VerifiedClaim make_claim(const Proof *proof) {
  return (VerifiedClaim){proof->owner, proof->hash, proof->state != NULL ? proof->state : "",
                         secret_get_text(&proof->password), proof->password.size};
}

/* An account that nobody may log in to, or none at all. */
static gboolean is_barred(const Proof *proof) {
  return proof->otherwise != OUTCOME_OK && proof->otherwise != OUTCOME_UNUSABLE_HASH &&
         proof->otherwise != OUTCOME_BAD_PASSWORD;
}

/* By the account's own password. What could not be computed for want of memory is the same for
 * every name. */
static Outcome get_outcome(const Proof *proof) {
  static const Outcome outcomes[] = {[HASH_RIGHT] = OUTCOME_OK,
                                     [HASH_WRONG] = OUTCOME_BAD_PASSWORD,
                                     [HASH_UNUSABLE] = OUTCOME_UNUSABLE_HASH,
                                     [HASH_NO_MEMORY] = OUTCOME_NO_MEMORY};
  gboolean decided = proof->otherwise != OUTCOME_OK && proof->result != HASH_NO_MEMORY;
  return decided ? proof->otherwise : outcomes[proof->result];
}

/* By an app password; own_outcome if none was given. *@detail is owned. */
static Outcome get_outcome_of_app(const Proof *proof, Outcome own_outcome, char **detail) {
  const App *app = proof->right_app;
  if (app == NULL || own_outcome == OUTCOME_OK || own_outcome == OUTCOME_NO_MEMORY ||
      is_barred(proof))
    return own_outcome;
  *detail = app->refusal == NULL
                ? g_strdup_printf("by the app password '%s'", app->label)
                : g_strdup_printf("the app password '%s' %s", app->label, app->refusal);
  return app->refusal == NULL ? OUTCOME_OK : OUTCOME_BAD_PASSWORD;
}

static void answer_proof(gpointer job) {
  g_autoptr(Proof) proof = job;
  g_autofree char *detail = NULL;
  Outcome outcome = get_outcome_of_app(proof, get_outcome(proof), &detail);
  const char *own_detail = outcome == OUTCOME_OK ? NULL : proof->detail;
  proof->answer(outcome, detail != NULL ? detail : own_detail, proof->data);
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
