/* SPDX-License-Identifier: MIT */
/* Preloaded into mailauthd: says on standard error by which method and cost each password
 * is hashed. */
#include <crypt.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

typedef char *(*Crypt)(const char *, const char *, struct crypt_data *);

EXPORTED char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data);

char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data) {
  Crypt hash = (Crypt)(void (*)(void))dlsym(RTLD_NEXT, "crypt_r");
  int has_rounds = strncmp(setting + 3, "rounds=", 7) == 0;
  int length = has_rounds ? (int)strcspn(setting + 3, "$") + 4 : 3;
  fprintf(stderr, "hashed by <%.*s>\n", length, setting);
  fflush(stderr);
  return hash(phrase, setting, data);
}
