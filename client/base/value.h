/* SPDX-License-Identifier: MIT */
/* Values, beyond the public face (client/registry.h, "values"): makes values from data
 * that is known to be valid. */
#ifndef CLIENT_BASE_VALUE_H
#define CLIENT_BASE_VALUE_H

#include "client/registry.h"

/* What registry_value_new_bytes() does for text types, from @length bytes of
 * UTF-8 (valid, no NUL inside). @type is REG_SZ, REG_EXPAND_SZ or REG_LINK. */
RegistryValue *value_new_text(guint32 type, const char *text, gsize length);
/* The same of text whose lone surrogates are three bytes each; it is kept as the units that it
 * is made of. */
RegistryValue *value_new_units(guint32 type, const char *text, gsize length);
/* A value of type REG_DWORD or REG_DWORD_BIG_ENDIAN; cannot fail. */
RegistryValue *value_new_uint32(guint32 type, guint32 number);

/* "REG_SZ", or "type 0x2a" for a number without a name. Owned by the caller. */
char *value_dup_type_name(guint32 type);

#endif
