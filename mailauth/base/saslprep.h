/* SPDX-License-Identifier: MIT */
/* SASLprep (RFC 4013): prepares names and passwords, so that strings that look alike become
 * one. Pure. */
#ifndef MAILAUTH_BASE_SASLPREP_H
#define MAILAUTH_BASE_SASLPREP_H

#include "mailauth/base/secret.h"

/* Appends what @text comes to. FALSE, and nothing is appended: it is no UTF-8, comes to
 * nothing, or holds a character that the profile prohibits. Of the profile two rules are left
 * out: that of text in both directions, and that of code points that Unicode 3.2 did not have. */
gboolean saslprep_try(const char *text, gsize size, Secret *prepared);

/* The same of a password; one that can't be prepared is appended as it is: clients that know
 * no SASLprep send it so, and the others refuse it by themselves. */
void saslprep_append(const char *password, gsize size, Secret *prepared);

#endif
