/* SPDX-License-Identifier: MIT */
/* Native accounts: see sam.h. Accounts that this server's user may not read, or whose
 * key is missing, are the subject of article Q255269. */
#include "mailauth/package/sam.h"

#include "mailauth/hashes/hash.h"
#include "mailauth/hashes/unusable.h"
#include "mailauth/package/app-passwords.h"
#include "mailauth/package/proof.h"
#include "mailauth/package/survey.h"

typedef struct {
  Package package;
  const RegistryView *accounts;
  Workers *prover;
  Survey *survey; /* of their hashes */
  /* As the accounts stood at that revision. */
  gboolean are_hidden; /* sam_examine() */
  gboolean is_looked_at;
  guint64 revision;
} Sam;

Outcome sam_get_state(const RegistryView *accounts, char **detail) {
  const GError *problem = registry_view_get_problem(accounts);
  *detail = NULL;
  switch (registry_view_get_state(accounts)) {
  case REGISTRY_VIEW_READY:
    return OUTCOME_OK;
  case REGISTRY_VIEW_MISSING:
    *detail = g_strdup("the key " ACCOUNTS_PATH " is not there; 'mailauthctl repair' makes it");
    return OUTCOME_ACCOUNTS_MISSING;
  case REGISTRY_VIEW_DENIED:
    *detail = g_strdup("this server's user may not read " ACCOUNTS_PATH
                       "; 'mailauthctl repair' gives it the right");
    return OUTCOME_ACCOUNTS_DENIED;
  case REGISTRY_VIEW_WAITING:
    *detail = g_strdup(ACCOUNTS_PATH ": the registry can't be reached");
    return OUTCOME_BAD_SETTING;
  case REGISTRY_VIEW_FAILED:
    break;
  }
  *detail = g_strdup_printf(ACCOUNTS_PATH ": %s",
                            problem != NULL ? problem->message : "it can't be read");
  return OUTCOME_BAD_SETTING;
}

static gboolean shows_secret(const RegistryView *accounts, const char *subkey) {
  static const char *const names[] = {"Password", SCRAM_KEYS_VALUE, DECOY_KEY_VALUE};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    if (registry_view_get(accounts, subkey, names[i]) != NULL)
      return TRUE;
  return FALSE;
}

/* Secrets that may not be read are left out of what is read, as if they were not there. */
static gboolean are_secrets_hidden(const RegistryView *accounts) {
  g_auto(GStrv) names = registry_view_list_keys(accounts, "");
  gboolean found = shows_secret(accounts, "");
  /* Through all of them, as one that can be seen lets them all be asked. */
  for (guint i = 0; names != NULL && names[i] != NULL && !found; i++)
    found = shows_secret(accounts, names[i]);
  return names != NULL && names[0] != NULL && !found;
}

static char *describe_hidden(void) {
  return g_strdup("of no account in " ACCOUNTS_PATH " can the password be read: none has one, or "
                  "this server's user has no right of its own, which 'mailauthctl repair' gives "
                  "(everyone's does not go for secrets)");
}

Outcome sam_examine(const RegistryView *accounts, char **detail) {
  Outcome state = sam_get_state(accounts, detail);
  if (state != OUTCOME_OK || !are_secrets_hidden(accounts))
    return state;
  *detail = describe_hidden();
  return OUTCOME_ACCOUNTS_DENIED;
}

static char *read_hash(const RegistryView *accounts, const char *account) {
  static const char *const names[] = {"Password", NULL};
  return registry_view_get_string(accounts, account, names, NULL);
}

char *sam_find_unusable(const RegistryView *accounts) {
  g_auto(GStrv) names = registry_view_list_keys(accounts, "");
  Unusable unusable = {0};
  for (char **name = names; name != NULL && *name != NULL; name++) {
    g_autofree char *hash = read_hash(accounts, *name);
    unusable_note(&unusable, *name, hash);
    app_passwords_note_unusable(accounts, *name, &unusable);
  }
  return unusable_end(&unusable, "mailauthctl user passwd NAME");
}

/* Of all its passwords: each takes its time at a login. */
static char *read_kind(const RegistryView *accounts, const char *account, char **sample) {
  g_autoptr(GPtrArray) apps = app_passwords_read(accounts, account);
  g_autoptr(SecretText) hash = read_hash(accounts, account);
  char *kind = hash != NULL ? hash_dup_kind(hash) : NULL;
  *sample = kind != NULL ? hash_dup_dummy(hash) : NULL;
  for (guint i = 0; kind != NULL && i < apps->len; i++) {
    const AppPassword *app = apps->pdata[i];
    g_autofree char *shorter = kind;
    g_autofree char *shorter_sample = *sample;
    kind = g_strdup_printf("%s %s", shorter, app->kind);
    g_autofree char *dummy = hash_dup_dummy(app->hash);
    *sample = g_strdup_printf("%s\n%s", shorter_sample, dummy);
  }
  return kind;
}

/* Once a revision, as there may be many accounts. */
static void look_at_accounts(Sam *sam, gboolean has_hashes) {
  guint64 revision = registry_view_get_revision(sam->accounts);
  if (sam->is_looked_at && sam->revision == revision)
    return;
  sam->are_hidden = !has_hashes && are_secrets_hidden(sam->accounts);
  sam->is_looked_at = TRUE;
  sam->revision = revision;
}

/* As sam_examine(). */
static Outcome examine(Sam *sam, gboolean has_hashes, char **detail) {
  Outcome state = sam_get_state(sam->accounts, detail);
  if (state != OUTCOME_OK)
    return state;
  look_at_accounts(sam, has_hashes);
  if (!sam->are_hidden)
    return OUTCOME_OK;
  *detail = describe_hidden();
  return OUTCOME_ACCOUNTS_DENIED;
}

static void add_apps(const Sam *sam, Proof *proof, const PackageRequest *request) {
  g_autoptr(GPtrArray) apps = app_passwords_read(sam->accounts, request->account);
  for (guint i = 0; i < apps->len; i++) {
    const AppPassword *app = apps->pdata[i];
    proof_add_app(proof, app->label, app->hash,
                  app_password_find_refusal(app, request->service, g_get_real_time()));
  }
}

static void prove(Package *package, const PackageRequest *request, OutcomeAnswer answer,
                  gpointer data) {
  static const char *const names[] = {"Disabled", NULL};
  Sam *sam = (Sam *)package;
  Proof *proof = proof_new(request, answer, data);
  const char *account = request->account;
  /* For everybody, needed or not. Every name that no account can have is the same. */
  const char *dummy = survey_choose(sam->survey, account != NULL ? account : "");
  proof->otherwise = examine(sam, dummy != NULL, &proof->detail);
  if (proof->otherwise != OUTCOME_OK) {
    /* Nothing to prove, and nothing to hide: the same for every name. */
    proof->hash = g_strdup("");
  } else if (account == NULL || !registry_view_has_key(sam->accounts, account)) {
    proof_set_nobody(proof, dummy);
  } else {
    guint32 disabled = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(SecretText) hash = read_hash(sam->accounts, account);
    /* A `Disabled` that can't be read must not let anybody in. */
    if (!registry_view_get_uint32(sam->accounts, account, names, &disabled, &error))
      disabled = !g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_VALUE_NOT_FOUND);
    proof_set_account(proof, hash, disabled != 0, dummy);
    add_apps(sam, proof, request);
  }
  proof_submit(proof, sam->prover);
}

static void touch(Package *package, const char *account) {
  survey_touch(((Sam *)package)->survey, account);
}

static void sam_free(Package *package) {
  Sam *sam = (Sam *)package;
  survey_free(sam->survey);
  g_free(sam);
}

Package *sam_new(const RegistryView *accounts, Workers *prover) {
  Sam *sam = g_new0(Sam, 1);
  sam->package = (Package){
      .name = "SAM", .prove = prove, .free = sam_free, .touch = touch, .has_hashes = TRUE};
  sam->survey = survey_new(accounts, read_kind);
  sam->accounts = accounts;
  sam->prover = prover;
  return &sam->package;
}
