/* SPDX-License-Identifier: MIT */
/* Windows-1252: one table, read in both directions. */
#include "client/regfile/windows-1252.h"

#define TABLE_START 0x80

static const guint16 table[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

static gboolean is_in_table(guint16 number) {
  return number >= TABLE_START && number < TABLE_START + G_N_ELEMENTS(table);
}

guint16 windows_1252_decode(guint8 byte) {
  return is_in_table(byte) ? table[byte - TABLE_START] : byte;
}

gboolean windows_1252_encode(guint16 unit, guint8 *byte) {
  if (unit <= 0xFF && !is_in_table(unit)) {
    *byte = (guint8)unit;
    return TRUE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    if (table[i] == unit) {
      *byte = (guint8)(TABLE_START + i);
      return TRUE;
    }
  }
  return FALSE;
}
