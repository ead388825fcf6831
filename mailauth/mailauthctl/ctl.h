/* SPDX-License-Identifier: MIT */
/* One run of mailauthctl: what its command line says, its connection, and what
 * is printed. The verbs are written with these. */
#ifndef MAILAUTH_MAILAUTHCTL_CTL_H
#define MAILAUTH_MAILAUTHCTL_CTL_H

#include <dbus/dbus.h>

#include "client/base/error.h"
#include "client/base/json.h"
#include "client/registry.h"
#include "mailauth/base/secret.h"

typedef struct {
  const char *bus; /* NULL: the default */
  gboolean json, follow, metrics, all, first, pam;
  guint count;                          /* --count */
  guint64 session;                      /* --session; 0: not given */
  const char *broker;                   /* --broker, or NULL */
  const char *comment;                  /* --comment, or NULL */
  const char *protocol;                 /* --protocol, or NULL */
  const char *protocols, *expires;      /* of app passwords, or NULL */
  const char *backend, *mail_directory; /* of an account, "" for none, or NULL */
  char **operands;                      /* NULL-terminated; the verb is the first */
  guint n_operands;
  RegistryConnection *connection; /* NULL until it is needed */
  Json output;                    /* its text goes to standard output, JSON or not */
  ExitCode exit_code;             /* of a verb that did what it was asked */
} Ctl;

/* What follows a verb's name. */
const char *ctl_get_operand(const Ctl *ctl, guint index);

/* UNREACHABLE: there is no such bus. Borrowed. */
RegistryConnection *ctl_connect(Ctl *ctl, GError **error);
const char *ctl_get_bus(const Ctl *ctl);

/* What is printed. */
GString *ctl_out(Ctl *ctl);
/* Hands it to standard output. */
gboolean ctl_flush(Ctl *ctl, GError **error);
/* A line on standard error that is no error. */
void ctl_note(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Sends @call, which it consumes, to regd or mailauthd and waits. NULL and what
 * was answered, or UNREACHABLE naming who can't be reached. */
DBusMessage *ctl_call(Ctl *ctl, DBusMessage *call, GError **error);
/* A call of org.regd.MailAuth1. Never NULL. */
DBusMessage *ctl_new_mailauth_call(const char *member);

/* A password from the terminal, without echo (twice for a @fresh one), or one
 * line of standard input. */
gboolean ctl_ask_password(const char *user, gboolean fresh, Secret *password, GError **error);

/* The account that @name means, in lower case; INVALID_VALUE if it can be none. Owned by
 * the caller. */
char *ctl_get_account(const char *name, GError **error);
/* Notes it if no client reaches the account of exactly that name, as `Domain` stands. */
void ctl_note_unreachable(Ctl *ctl, const char *account);

/* Whether @key is there; KEY_NOT_FOUND, saying @what, or why it can't be asked. */
gboolean ctl_need_key(Ctl *ctl, const char *key, const char *what, GError **error);
/* The same of a native account. */
gboolean ctl_need_account(Ctl *ctl, const char *account, GError **error);

/* A REG_SZ, or @fallback if it is not set. NULL and an error if it can't be read. Owned
 * by the caller. */
char *ctl_get_setting(Ctl *ctl, const char *key, const char *name, const char *fallback,
                      GError **error);

/* @time (µs since 1970) as local time to the second; "?" for one that no calendar has. */
char *ctl_dup_time(gint64 time);

/* ---- verbs: FALSE with @error set where they fail ---- */

gboolean verb_status(Ctl *ctl, GError **error);
gboolean verb_events(Ctl *ctl, GError **error);
gboolean verb_test(Ctl *ctl, GError **error);
gboolean verb_who(Ctl *ctl, GError **error);
gboolean verb_kick(Ctl *ctl, GError **error);
gboolean verb_held(Ctl *ctl, GError **error);
gboolean verb_release(Ctl *ctl, GError **error);
gboolean verb_reload_certificate(Ctl *ctl, GError **error);
gboolean verb_user(Ctl *ctl, GError **error);
gboolean verb_member(Ctl *ctl, GError **error);
gboolean verb_repair(Ctl *ctl, GError **error);

#endif
