/* SPDX-License-Identifier: MIT */
/* Membership brokers of type `ldap`: a directory is searched for the user, whose
 * password is then proved with a simple bind (RFC 4511, RFC 4513 section 5.1). A broker
 * has threads and connections of its own, `Pool Size` in number: one that hangs delays
 * no other. They are made by its first login, and close some time after its last one, or
 * when its settings change. */
#ifndef MAILAUTH_PACKAGE_LDAP_H
#define MAILAUTH_PACKAGE_LDAP_H

#include "mailauth/connector/dialer.h"
#include "mailauth/package/package.h"

/* @dialer: borrowed; closed before the package is freed. Its free() answers no login,
 * and waits for the threads, whose connections are cut. */
Package *ldap_new(Dialer *dialer);

#endif
