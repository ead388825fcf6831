/* SPDX-License-Identifier: MIT */
/* Logins by PAM: see pam.h. Passwords that must not be shown to a module are refused
 * here. */
#include "mailauth/package/pam.h"

#include "mailauth/base/limits.h"

typedef struct {
  Package package;
  PamPool *pool;
} Pam;

/* An answer that is known already. */
typedef struct {
  Outcome outcome;
  const char *detail; /* static */
  OutcomeAnswer answer;
  gpointer data;
} Refusal;

static gboolean on_refused(gpointer data) {
  g_autofree Refusal *refusal = data;
  refusal->answer(refusal->outcome, refusal->detail, refusal->data);
  return G_SOURCE_REMOVE;
}

static void refuse(Outcome outcome, const char *detail, OutcomeAnswer answer, gpointer data) {
  const Refusal refusal = {outcome, detail, answer, data};
  g_idle_add(on_refused, g_memdup2(&refusal, sizeof refusal));
}

/* Services often let accounts without a password in; here none is. A module would see a
 * password with a NUL as what stands before it. */
static void prove(Package *package, const PackageRequest *request, OutcomeAnswer answer,
                  gpointer data) {
  PamPool *pool = ((Pam *)package)->pool;
  const PamPoolQuestion question = {
      .service = request->settings->pam_service,
      .account = request->account,
      .password = request->password,
      .address = request->address != NULL ? request->address : "",
      .timeout = request->settings->pam_timeout,
  };
  gboolean unfit = request->password->size == 0 || secret_has_nul(request->password);
  if (request->account != NULL && unfit)
    refuse(OUTCOME_BAD_PASSWORD,
           "PAM: the password is empty or holds a NUL, and is not shown to it", answer, data);
  else if (pam_pool_count_waiting(pool) >= MAX_PAM_WAITING)
    refuse(OUTCOME_ACCOUNTS_MISSING, "PAM: too many logins wait for its modules", answer, data);
  else
    pam_pool_ask(pool, &question, answer, data);
}

static void pam_free(Package *package) {
  g_free(package);
}

Package *pam_new(PamPool *pool) {
  Pam *pam = g_new0(Pam, 1);
  pam->package = (Package){.name = "PAM", .prove = prove, .free = pam_free};
  pam->pool = pool;
  return &pam->package;
}
