/* SPDX-License-Identifier: MIT */
/* Passwords that were right a short while ago (`Verified Seconds`): a good hash is slow
 * on purpose, and mail clients come back every few minutes with the same password. It
 * keeps no password, only a digest under a key of this process's own: over the owner,
 * the hash that is stored, and the password. So it only saves the hashing: the account
 * is read first, as always, and another stored hash gives another digest. Any other
 * change of an account is told to it, or is part of the state that the account's package
 * gives. Only for the loop's thread. It reads no clock and logs nothing. */
#ifndef MAILAUTH_PACKAGE_VERIFIED_H
#define MAILAUTH_PACKAGE_VERIFIED_H

#include "mailauth/settings/settings.h"

typedef struct Verified Verified;

typedef struct {
  const char *owner; /* of verified_name_owner() */
  const char *hash;  /* as it is stored now */
  const char *state; /* differs after a change of anything else; "" if that is told */
  const char *password;
  gsize size;
} VerifiedClaim;

/* Remembers nothing until verified_renew(). It never does if the system has neither
 * random bytes nor memory for the key. */
Verified *verified_new(void);
/* The key is wiped. NULL is fine. */
void verified_free(Verified *verified);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Verified, verified_free)

/* Whose password: the package, the broker ("" for none) and the account. One in
 * another case is the same. UTF-8, owned by the caller. */
char *verified_name_owner(const char *package, const char *broker, const char *account);

/* Forgets everything, and remembers for @seconds from now on; 0: not at all. */
void verified_renew(Verified *verified, guint32 seconds);
/* The same by the settings as they stand now: any change of them empties it, whether or not it
 * concerns passwords. TRUE if they have changed. */
gboolean verified_take_settings(Verified *verified, Settings *settings);
/* Whether it may be asked by a login that @settings decide. */
gboolean verified_serves(const Verified *verified, const Settings *settings);
/* A number that each verified_renew() and verified_forget_changed() changes: what began
 * before it is neither recalled nor learnt after it. */
guint64 verified_get_era(const Verified *verified);

/* @now, here and below: in µs, of verified_get_time() or another clock that never
 * goes back. Takes as long for a claim that is not known, whatever its owner. */
gboolean verified_recall(Verified *verified, guint64 era, const VerifiedClaim *claim, gint64 now);
/* The claim has just been proved by its hash. Recalling it does not prolong it. */
void verified_learn(Verified *verified, guint64 era, const VerifiedClaim *claim, gint64 now);
/* The account can't be logged in to any more. */
void verified_forget(Verified *verified, const char *owner);
/* Something of the account has been changed. */
void verified_forget_changed(Verified *verified, const char *owner);
/* The same of a native account; NULL: of any may have been. */
void verified_forget_native(Verified *verified, const char *account);

/* In µs since the system started, its sleep included. */
gint64 verified_get_time(void);

/* Accounts with a cached password at @now; evicts those that have expired. */
guint verified_count(Verified *verified, gint64 now);
/* How often a claim was known since the start. */
guint64 verified_get_recalled(const Verified *verified);

#endif
