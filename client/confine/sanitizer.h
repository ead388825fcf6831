/* SPDX-License-Identifier: MIT */
/* Whether this build runs under AddressSanitizer, which keeps memory of its own,
 * traces the process and reads /proc when the process ends: IS_SANITIZED is
 * defined then, and nothing else is. */
#ifndef CLIENT_CONFINE_SANITIZER_H
#define CLIENT_CONFINE_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#endif
