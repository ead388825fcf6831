/* SPDX-License-Identifier: MIT */
/* The packages by name: see packages.h. */
#include "mailauth/package/packages.h"

#include "mailauth/package/ldap.h"
#include "mailauth/package/pam.h"
#include "mailauth/package/sam.h"
#include "mailauth/package/sqlite.h"

struct Packages {
  Package *all[MAX_PACKAGES];
  guint count;
};

guint32 package_request_get_timeout(const PackageRequest *request) {
  gint64 spent = request->identity != NULL ? request->identity->spent / 1000 : 0;
  return (guint32)MAX((gint64)request->settings->chosen.timeout - spent, 1);
}

void packages_add(Packages *packages, Package *package) {
  g_assert(packages->count < MAX_PACKAGES);
  packages->all[packages->count++] = package;
}

Packages *packages_new(const RegistryView *accounts, Workers *lookups, Workers *prover,
                       PamPool *pam, Dialer *dialer) {
  Packages *packages = g_new0(Packages, 1);
  packages_add(packages, sam_new(accounts, prover));
  packages_add(packages, pam_new(pam));
  packages_add(packages, sqlite_new(accounts, lookups, prover));
  packages_add(packages, ldap_new(dialer));
  return packages;
}

void packages_free(Packages *packages) {
  if (packages == NULL)
    return;
  for (guint i = 0; i < packages->count; i++)
    packages->all[i]->free(packages->all[i]);
  g_free(packages);
}

void packages_touch(const Packages *packages, const char *account) {
  for (guint i = 0; i < packages->count; i++)
    if (packages->all[i]->touch != NULL)
      packages->all[i]->touch(packages->all[i], account);
}

void packages_take_settings(const Packages *packages, const Settings *settings) {
  for (guint i = 0; i < packages->count; i++)
    if (packages->all[i]->take_settings != NULL)
      packages->all[i]->take_settings(packages->all[i], settings);
}

Package *packages_find(const Packages *packages, const char *name) {
  for (guint i = 0; i < packages->count; i++)
    if (g_str_equal(packages->all[i]->name, name))
      return packages->all[i];
  return NULL;
}

char *packages_dup_problem(const Packages *packages, const Settings *settings) {
  gboolean native = *settings->package == '\0';
  const Package *package =
      packages_find(packages, native ? settings->native_source : settings->chosen.type);
  return package != NULL && package->dup_problem != NULL ? package->dup_problem(package, settings)
                                                         : NULL;
}
