/* SPDX-License-Identifier: MIT */
/* The first line of a .reg file: what it says of the rest, and what is wrong with it. Pure. */
#ifndef CLIENT_REGFILE_HEADER_H
#define CLIENT_REGFILE_HEADER_H

#include "client/regfile/scan.h"

typedef enum {
  HEADER_REGEDIT4,
  HEADER_REGEDIT5,
  HEADER_REGEDIT3,        /* of Windows 3.1 */
  HEADER_UNKNOWN_VERSION, /* nothing of the file is read; to Windows it is no error */
  HEADER_NONE,            /* no registry file */
} Header;

/* @has_nul: a NUL character is in the line. *@fault: why it is one of the last two, else NULL;
 * static. */
Header header_read(Slice line, gboolean has_nul, const char **fault);

#endif
