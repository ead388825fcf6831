/* SPDX-License-Identifier: MIT */
/* Certificates and their private keys: only root may read keys, so the parent opens
 * the files that the verifier names, and passes them to the front. Nothing is kept:
 * the verifier asks again for a new front. */
#ifndef MAILAUTH_PARENT_KEY_FILES_H
#define MAILAUTH_PARENT_KEY_FILES_H

#include "mailauth/parent/child.h"

/* CERTIFICATE: opens the pair for @front, or tells @verifier why it can't. */
void key_files_pass(Child *front, Child *verifier, const Message *message);

#endif
