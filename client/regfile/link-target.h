/* SPDX-License-Identifier: MIT */
/* A link of a .reg file: where its data leads. Pure. */
#ifndef CLIENT_REGFILE_LINK_TARGET_H
#define CLIENT_REGFILE_LINK_TARGET_H

#include "client/registry.h"

/* The path that @value, of type 6, names; the kernel's names of roots made ours. NULL with the
 * *@reason, static: it is none. The caller's. */
char *link_target_dup(const RegistryValue *value, const char **reason);

#endif
