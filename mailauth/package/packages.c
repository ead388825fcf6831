/* SPDX-License-Identifier: MIT */
/* The packages by name: see packages.h. */
#include "mailauth/package/packages.h"

#include "mailauth/package/ldap.h"
#include "mailauth/package/pam.h"
#include "mailauth/package/sam.h"
#include "mailauth/package/sqlite.h"

#define N_PACKAGES 4U

struct Packages {
  Package *all[N_PACKAGES];
};

Packages *packages_new(const RegistryView *accounts, Workers *lookups, Workers *prover,
                       PamPool *pam, Dialer *dialer) {
  Packages *packages = g_new0(Packages, 1);
  *packages = (Packages){{sam_new(accounts, prover), pam_new(pam),
                          sqlite_new(accounts, lookups, prover), ldap_new(dialer)}};
  return packages;
}

void packages_free(Packages *packages) {
  if (packages == NULL)
    return;
  for (guint i = 0; i < N_PACKAGES; i++)
    packages->all[i]->free(packages->all[i]);
  g_free(packages);
}

void packages_touch(const Packages *packages, const char *account) {
  for (guint i = 0; i < N_PACKAGES; i++)
    if (packages->all[i]->touch != NULL)
      packages->all[i]->touch(packages->all[i], account);
}

Package *packages_find(const Packages *packages, const char *name) {
  for (guint i = 0; i < N_PACKAGES; i++)
    if (g_str_equal(packages->all[i]->name, name))
      return packages->all[i];
  return NULL;
}
