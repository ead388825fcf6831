/* SPDX-License-Identifier: MIT */
/* See sql-package.h. */
#include "mailauth/sql/sql-package.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/base/name.h"
#include "mailauth/base/stand-in.h"
#include "mailauth/hashes/hash.h"
#include "mailauth/package/proof.h"
#include "mailauth/package/survey.h"
#include "mailauth/protocol/scram-keys.h"

/* Who is asked about instead of a name that no account can have. The domain can't exist (RFC
 * 2606). */
#define NOBODY "nobody.invalid"

typedef struct {
  Package package;
  SqlServants *servants;
  const RegistryView *accounts;
  Workers *prover;
  GHashTable *lookups; /* a set of Lookup */
  StandIns *stand_ins; /* the kinds of hashes that rows had */
  guint8 spare[SURVEY_KEY_BYTES];
} Sql;

/* A login, until its row is there. */
typedef struct {
  Sql *sql;
  Settings *settings;
  gboolean exists; /* FALSE: a name that no account can have */
  char *account;
  PackageIdentity *identity; /* the login's; NULL: @account is who they are */
  Secret *given;             /* where the password came from */
  Proof *proof;
} Lookup;

static void lookup_free(gpointer data) {
  Lookup *lookup = data;
  settings_unref(lookup->settings);
  proof_free(lookup->proof);
  g_free(lookup->account);
  g_free(lookup);
}

/* ---- what is proved ---- */

/* A kind that one account of many has must stand in for one name of many: an answer that took its
 * time would else tell that there is no such account. @hash NULL: the account has none. */
static void note_kind(const Lookup *lookup, const char *hash) {
  StandIns *stand_ins = lookup->sql->stand_ins;
  g_autofree char *kind = hash != NULL ? hash_dup_kind(hash) : NULL;
  g_autofree char *dummy = kind != NULL ? hash_dup_dummy(hash) : NULL;
  if (kind == NULL || stand_ins_count(stand_ins) < MAX_SQL_STAND_INS)
    stand_ins_set(stand_ins, lookup->account, kind, dummy);
}

static const char *choose_dummy(const Lookup *lookup) {
  const Sql *sql = lookup->sql;
  const guint8 *kept = survey_get_kept_key(sql->accounts);
  return stand_ins_choose(sql->stand_ins, kept != NULL ? kept : sql->spare, sizeof sql->spare,
                          lookup->account);
}

static void submit(Lookup *lookup) {
  proof_submit(g_steal_pointer(&lookup->proof), lookup->sql->prover);
}

static void prove_nobody(Lookup *lookup) {
  note_kind(lookup, NULL);
  proof_set_nobody(lookup->proof, choose_dummy(lookup));
  submit(lookup);
}

static void fail(Lookup *lookup, Outcome outcome, const char *detail) {
  Proof *proof = g_steal_pointer(&lookup->proof);
  proof->answer(outcome, detail, proof->data);
  proof_free(proof);
}

static void prove_row(Lookup *lookup, const SqlAnswer *answer) {
  const char *hash = sql_answer_get(answer, SQL_PASSWORD);
  const char *directory = sql_answer_get(answer, SQL_MAIL_DIRECTORY);
  if (lookup->identity != NULL) {
    g_free(lookup->identity->mail_directory);
    gboolean is_own = directory != NULL && *directory != '\0';
    lookup->identity->mail_directory = is_own ? g_strdup(directory) : NULL;
  }
  note_kind(lookup, hash);
  proof_set_account(lookup->proof, hash, sql_answer_is_disabled(answer), choose_dummy(lookup));
  submit(lookup);
}

/* ---- whose row it is ---- */

/* The login asks again with that account, since it may be held back; the row is then found by the
 * name that was asked for first. */
static void tell_account(Lookup *lookup, char *account) {
  PackageIdentity *identity = lookup->identity;
  identity->account = account;
  identity->entry = g_strdup(lookup->account);
  secret_move(lookup->given, &lookup->proof->password);
  fail(lookup, OUTCOME_BROKER_FAILED, NULL);
}

static void take_row(Lookup *lookup, const SqlAnswer *answer) {
  const char *user = sql_answer_get(answer, SQL_USER);
  if (user == NULL || lookup->identity == NULL) {
    prove_row(lookup, answer);
    return;
  }
  char *account = name_get_account(user, settings_get_domains(lookup->settings));
  if (account == NULL)
    fail(lookup, OUTCOME_BROKER_FAILED, "the column 'user' has a name that no account can have");
  else if (!g_str_equal(account, lookup->account) && lookup->identity->entry == NULL)
    tell_account(lookup, g_steal_pointer(&account));
  else if (!g_str_equal(account, lookup->account))
    fail(lookup, OUTCOME_BROKER_FAILED, "the column 'user' has changed between two questions");
  else
    prove_row(lookup, answer);
  g_free(account);
}

static void on_answered(SqlAnswer *answer, gpointer data) {
  Lookup *lookup = data;
  g_hash_table_steal(lookup->sql->lookups, lookup);
  if (answer->status == SQL_UNREACHABLE)
    fail(lookup, OUTCOME_BROKER_UNREACHABLE, answer->problem);
  else if (answer->status == SQL_FAILED)
    fail(lookup, OUTCOME_BROKER_FAILED, answer->problem);
  else if (answer->status == SQL_NO_ROW || !lookup->exists)
    prove_nobody(lookup);
  else
    take_row(lookup, answer);
  lookup_free(lookup);
}

/* ---- the package ---- */

static void prove(Package *package, const PackageRequest *request, OutcomeAnswer answer,
                  gpointer data) {
  Sql *sql = (Sql *)package;
  Lookup *lookup = g_new0(Lookup, 1);
  gboolean is_new = FALSE;
  lookup->sql = sql;
  lookup->settings = settings_ref(request->settings);
  lookup->exists = request->account != NULL;
  lookup->account = g_strdup(lookup->exists ? request->account : NOBODY);
  lookup->identity = request->identity;
  lookup->given = request->password;
  lookup->proof = proof_new(request, answer, data);
  g_hash_table_add(sql->lookups, lookup);
  const char *entry = request->identity != NULL ? request->identity->entry : NULL;
  sql_pool_ask(sql_servants_find(sql->servants, request->settings, &is_new),
               entry != NULL ? entry : lookup->account, package_request_get_timeout(request),
               on_answered, lookup);
}

static void ignore_answer(G_GNUC_UNUSED SqlAnswer *answer, G_GNUC_UNUSED gpointer data) {
}

/* Connections to a database that is set no longer are closed; one that has just been set is tried,
 * so that what is wrong is known before anybody logs in. */
static void take_settings(Package *package, const Settings *settings) {
  const Sql *sql = (const Sql *)package;
  gboolean is_new = FALSE;
  if (*settings->package == '\0' || !settings->chosen.exists ||
      !g_str_equal(settings->chosen.type, package->name) ||
      settings_find_scope(settings, SCOPE_BROKER) != NULL)
    return;
  SqlPool *pool = sql_servants_find(sql->servants, settings, &is_new);
  if (is_new)
    sql_pool_ask(pool, NOBODY, settings->chosen.timeout, ignore_answer, NULL);
}

static char *dup_problem(const Package *package, const Settings *settings) {
  const Sql *sql = (const Sql *)package;
  return g_strdup(sql_servants_get_problem(sql->servants, settings));
}

static void sql_package_free(Package *package) {
  Sql *sql = (Sql *)package;
  g_hash_table_unref(sql->lookups);
  stand_ins_free(sql->stand_ins);
  explicit_bzero(sql->spare, sizeof sql->spare);
  g_free(sql);
}

Package *sql_package_new(SqlKind kind, SqlServants *servants, const RegistryView *accounts,
                         Workers *prover) {
  Sql *sql = g_new0(Sql, 1);
  sql->package = (Package){.name = sql_kind_get_name(kind),
                           .prove = prove,
                           .free = sql_package_free,
                           .has_hashes = TRUE,
                           .take_settings = take_settings,
                           .dup_problem = dup_problem};
  sql->servants = servants;
  sql->accounts = accounts;
  sql->prover = prover;
  sql->lookups = g_hash_table_new_full(NULL, NULL, lookup_free, NULL);
  sql->stand_ins = stand_ins_new();
  scram_keys_make_decoy(sql->spare);
  return &sql->package;
}

void sql_package_add_all(Packages *packages, SqlServants *servants, const RegistryView *accounts,
                         Workers *prover) {
  for (guint kind = 0; kind < N_SQL_KINDS; kind++)
    packages_add(packages, sql_package_new((SqlKind)kind, servants, accounts, prover));
}
