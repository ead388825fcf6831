/* SPDX-License-Identifier: MIT */
/* SASLprep (RFC 4013): prepares passwords for SASL mechanisms that hash them at both
 * ends, so that strings that look alike become one. Pure. */
#ifndef MAILAUTH_PROTOCOL_SASLPREP_H
#define MAILAUTH_PROTOCOL_SASLPREP_H

#include "mailauth/base/secret.h"

/* Appends what @password comes to. One that is no UTF-8, that comes to nothing,
 * or that holds a character that the profile prohibits, is appended as it is:
 * clients that know no SASLprep send it so, and the others refuse it by
 * themselves. Of the profile two rules are left out: that of text in both
 * directions, and that of code points that Unicode 3.2 did not have. */
void saslprep_append(const char *password, gsize size, Secret *prepared);

#endif
