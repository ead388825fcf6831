/* SPDX-License-Identifier: MIT */
/* This host's own certificate: its user, and when it begins and expires. */
#ifndef REGD_FLEET_ETCD_CERTIFICATE_H
#define REGD_FLEET_ETCD_CERTIFICATE_H

#include <glib.h>

typedef struct {
  char *user;          /* its CommonName, valid UTF-8; NULL: it has none */
  gint64 begins, ends; /* s since 1970 */
} Certificate;
/* The first one of @file, PEM; NULL if there is none that can be read. */
Certificate *certificate_read(const char *file);
void certificate_free(Certificate *certificate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Certificate, certificate_free)

/* How long before its end an administrator is told, s. */
#define CERTIFICATE_NOTICE_S (24 * 60 * 60)
/* What is wrong with it at @now, s since 1970, or soon will be; NULL: nothing. Owned. */
char *certificate_describe(const Certificate *certificate, gint64 now);

#endif
