/* SPDX-License-Identifier: MIT */
/* What all ways of proving a password have in common. A package is asked on the loop and
 * answers there later, without blocking it. The verifier knows packages only by this. */
#ifndef MAILAUTH_PACKAGE_PACKAGE_H
#define MAILAUTH_PACKAGE_PACKAGE_H

#include "mailauth/base/outcome.h"
#include "mailauth/base/secret.h"
#include "mailauth/package/verified.h"
#include "mailauth/settings/settings.h"

/* Who somebody is to a broker, which may know them by several names. */
typedef struct {
  char *account; /* the name that is the account, in lower case; NULL: it is what was asked for */
  char *entry;   /* where the broker has it */
  gint64 spent;  /* µs that the broker has taken to say so; they count in its `Timeout` */
  char *mail_directory; /* a pattern, as `Mail Directory`; NULL: the account has none of its own */
} PackageIdentity;

typedef struct {
  const char *account;       /* in lower case; NULL: a name that no account can have */
  Secret *password;          /* the package may take it out */
  Settings *settings;        /* what the login is decided by */
  const char *service;       /* what it is for: "pop3", "imap", "smtp"...; "" or NULL: unknown */
  const char *address;       /* the client's; "" or NULL if there is none */
  Verified *verified;        /* borrowed while the login lasts; NULL: neither asked nor told */
  PackageIdentity *identity; /* borrowed while the login lasts; NULL: @account is who they are */
} PackageRequest;

/* What is left of the chosen broker's `Timeout`, in ms, at least 1: a login that asks again by
 * another name has used some. */
guint32 package_request_get_timeout(const PackageRequest *request);

typedef struct Package Package;
struct Package {
  const char *name; /* as `Native Source` or a broker's `Type` has it */
  /* Takes the password, and copies what else it needs of @request. @answer is called exactly once,
   * never from inside: OUTCOME_OK (the detail says by which of several passwords), BAD_PASSWORD,
   * NO_SUCH_USER, DISABLED, or a fault of the server's. An unknown user and a disabled one take as
   * long as any other.
   *
   * A package that knows the user by another name than the account sets an empty @identity, puts
   * the password back and answers anything: nothing is proved yet, since the account may be held
   * back. The login asks again, with that account and identity. */
  void (*prove)(Package *package, const PackageRequest *request, OutcomeAnswer answer,
                gpointer data);
  /* When nothing is under way any more. */
  void (*free)(Package *package);
  /* A native account has been written to (NULL: any may have been); may be NULL. */
  void (*touch)(Package *package, const char *account);
  gboolean has_hashes; /* it proves by hashes, and so takes PackageRequest.verified */
  /* The settings of now, which may have changed; may be NULL. */
  void (*take_settings)(Package *package, const Settings *settings);
  /* What is known to be wrong with what @settings choose: owned, NULL for nothing. Nothing is
   * tried. May be NULL. */
  char *(*dup_problem)(const Package *package, const Settings *settings);
};

#endif
