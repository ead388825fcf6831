/* SPDX-License-Identifier: MIT */
/* See landlock.h. The library has no functions for these calls, and its headers
 * may be older than the kernel: the rights are named here. */
#include "client/confine/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/base/error.h"

/* Rights that came after the first version (linux/landlock.h). */
#define RIGHT_MOVE (G_GUINT64_CONSTANT(1) << 13)
#define RIGHT_TRUNCATE (G_GUINT64_CONSTANT(1) << 14)
#define RIGHT_DEVICES (G_GUINT64_CONSTANT(1) << 15)
#define RIGHT_BIND (G_GUINT64_CONSTANT(1) << 0)
#define RIGHT_CONNECT (G_GUINT64_CONSTANT(1) << 1)
#define SCOPE_ABSTRACT_SOCKETS (G_GUINT64_CONSTANT(1) << 0)
#define SCOPE_SIGNALS (G_GUINT64_CONSTANT(1) << 1)
/* All of the first version: from running a file to making a symbolic link. */
#define FIRST_RIGHTS ((G_GUINT64_CONSTANT(1) << 13) - 1)

/* A rule for a port (Linux 6.7). */
#define RULE_PORT 2
typedef struct {
  guint64 rights;
  guint64 port;
} PortRule;

/* As the newest of these versions has it; older ones are told a shorter one. */
typedef struct {
  guint64 files;
  guint64 network;
  guint64 scope;
} Ruleset;

guint landlock_get_version(void) {
  long version =
      syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? (guint)version : 0;
}

/* Everything that this version can take. */
static guint64 get_handled_rights(guint version) {
  guint64 rights = FIRST_RIGHTS;
  if (version >= LANDLOCK_VERSION_MOVES)
    rights |= RIGHT_MOVE;
  if (version >= 3)
    rights |= RIGHT_TRUNCATE;
  if (version >= 5)
    rights |= RIGHT_DEVICES;
  return rights;
}

static guint64 get_allowed_rights(FileRights files) {
  static const struct {
    FileRights files;
    guint64 rights;
  } rows[] = {
      {FILES_READ, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR},
      {FILES_CHANGE, LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                         LANDLOCK_ACCESS_FS_REMOVE_FILE | RIGHT_TRUNCATE},
      {FILES_ARRANGE, LANDLOCK_ACCESS_FS_MAKE_DIR | RIGHT_MOVE},
  };
  guint64 rights = 0;
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    if ((files & rows[i].files) != 0)
      rights |= rows[i].rights;
  return rights;
}

static Ruleset make_ruleset(const LandlockRules *rules, guint version) {
  Ruleset ruleset = {.files = get_handled_rights(version)};
  if (version >= LANDLOCK_VERSION_NETWORK)
    ruleset.network = rules->no_connect ? RIGHT_BIND | RIGHT_CONNECT : RIGHT_BIND;
  if (version >= LANDLOCK_VERSION_SIGNALS)
    ruleset.scope = SCOPE_SIGNALS | (rules->no_abstract_sockets ? SCOPE_ABSTRACT_SOCKETS : 0);
  return ruleset;
}

static size_t get_ruleset_size(guint version) {
  if (version >= LANDLOCK_VERSION_SIGNALS)
    return sizeof(Ruleset);
  return version >= LANDLOCK_VERSION_NETWORK ? G_STRUCT_OFFSET(Ruleset, scope)
                                             : G_STRUCT_OFFSET(Ruleset, network);
}

static gboolean add_rule(int set, const LandlockRules *rules, guint64 handled) {
  const struct landlock_path_beneath_attr below = {
      .allowed_access = get_allowed_rights(rules->files) & handled,
      .parent_fd = rules->folder,
  };
  return rules->files == FILES_NONE ||
         syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;
}

static gboolean add_ports(int set, const LandlockRules *rules, guint64 handled) {
  for (guint i = 0; handled != 0 && i < rules->n_ports; i++) {
    const PortRule rule = {RIGHT_CONNECT, rules->ports[i]};
    if (syscall(SYS_landlock_add_rule, set, RULE_PORT, &rule, 0) != 0)
      return FALSE;
  }
  return TRUE;
}

gboolean landlock_restrict(const LandlockRules *rules, GError **error) {
  guint version = landlock_get_version();
  if (version == 0)
    return TRUE;
  const Ruleset ruleset = make_ruleset(rules, version);
  int set = (int)syscall(SYS_landlock_create_ruleset, &ruleset, get_ruleset_size(version), 0);
  gboolean done = set >= 0 && add_rule(set, rules, ruleset.files) &&
                  add_ports(set, rules, ruleset.network) &&
                  syscall(SYS_landlock_restrict_self, set, 0) == 0;
  int number = errno;
  if (set >= 0)
    close(set);
  return done || error_set(error, REGISTRY_ERROR_FAILED, "Rights can't be given up: %s",
                           g_strerror(number));
}
