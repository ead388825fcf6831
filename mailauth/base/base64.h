/* SPDX-License-Identifier: MIT */
/* Strict base64 (RFC 4648, section 4), decoded into memory that is wiped: SASL
 * responses hold passwords. Pure. */
#ifndef MAILAUTH_BASE_BASE64_H
#define MAILAUTH_BASE_BASE64_H

#include "mailauth/base/secret.h"

/* Appends to @bytes what @text stands for. FALSE: @text has another character, or
 * wrong padding; @bytes may have grown then. */
gboolean base64_decode(const char *text, Secret *bytes);

#endif
