/* SPDX-License-Identifier: MIT */
/* See empty-hive.h. Offsets of cells count from the first bin, where the base block ends. */
#include "client/hive/empty-hive.h"

#include <string.h>

#define BLOCK_BYTES 4096U /* of the base block, and of a bin */
#define ROOT_CELL 0x20U
#define ROOT_CELL_BYTES 0x60U
#define SECURITY_CELL (ROOT_CELL + ROOT_CELL_BYTES)
#define SECURITY_CELL_BYTES 0x80U
#define FREE_CELL (SECURITY_CELL + SECURITY_CELL_BYTES)
#define NOWHERE 0xFFFFFFFFU
#define CHECKSUM_AT 0x1FCU

/* A self-relative security descriptor (MS-DTYP 2.4.6). */
static const guint8 security[] = {
    /* revision, control: self-relative, with a DACL; owner, group, no SACL, DACL */
    1, 0, 0x04, 0x80, 0x14, 0, 0, 0, 0x24, 0, 0, 0, 0, 0, 0, 0, 0x30, 0, 0, 0,
    /* owner: S-1-5-32-544, administrators */
    1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 2, 0, 0,
    /* group: S-1-5-18, the system */
    1, 1, 0, 0, 0, 0, 0, 5, 0x12, 0, 0, 0,
    /* an access list of 52 bytes with two entries, both inherited by sub-keys */
    2, 0, 0x34, 0, 2, 0, 0, 0,
    /* administrators: full control */
    0, 2, 0x18, 0, 0x3F, 0, 0x0F, 0, 1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 2, 0, 0,
    /* S-1-1-0, everyone: reading */
    0, 2, 0x14, 0, 0x19, 0, 0x02, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};

static const guint8 base_magic[] = {'r', 'e', 'g', 'f'};
static const guint8 bin_magic[] = {'h', 'b', 'i', 'n'};
static const guint8 root_name[] = {'R', 'O', 'O', 'T'};

static void put32(guint8 *at, guint32 number) {
  number = GUINT32_TO_LE(number);
  memcpy(at, &number, sizeof number);
}

static guint32 sum(const guint8 *block) {
  guint32 checksum = 0, word;
  for (gsize at = 0; at < CHECKSUM_AT; at += sizeof word) {
    memcpy(&word, block + at, sizeof word);
    checksum ^= GUINT32_FROM_LE(word);
  }
  return checksum;
}

static void make_base_block(guint8 *block) {
  memcpy(block, base_magic, sizeof base_magic);
  put32(block + 0x04, 1); /* both sequence numbers: it was written to its end */
  put32(block + 0x08, 1);
  put32(block + 0x14, 1); /* version 1.3 */
  put32(block + 0x18, 3);
  put32(block + 0x20, 1); /* laid out for memory */
  put32(block + 0x24, ROOT_CELL);
  put32(block + 0x28, BLOCK_BYTES); /* of all bins */
  put32(block + 0x2C, 1);
  put32(block + CHECKSUM_AT, sum(block));
}

/* A cell that is in use has a negative size. */
static guint8 *begin_cell(guint8 *bin, guint32 offset, guint32 size, const char *signature) {
  put32(bin + offset, 0U - size);
  bin[offset + 4] = (guint8)signature[0];
  bin[offset + 5] = (guint8)signature[1];
  return bin + offset;
}

static void make_bin(guint8 *bin) {
  memcpy(bin, bin_magic, sizeof bin_magic);
  put32(bin + 0x08, BLOCK_BYTES);

  guint8 *root = begin_cell(bin, ROOT_CELL, ROOT_CELL_BYTES, "nk");
  root[0x06] = 0x2C; /* a root, not to be deleted, with an 8-bit name */
  put32(root + 0x14, NOWHERE);
  put32(root + 0x20, NOWHERE); /* sub-keys, volatile ones, values */
  put32(root + 0x24, NOWHERE);
  put32(root + 0x2C, NOWHERE);
  put32(root + 0x30, SECURITY_CELL);
  put32(root + 0x34, NOWHERE); /* class */
  root[0x4C] = sizeof root_name;
  memcpy(root + 0x50, root_name, sizeof root_name);

  guint8 *descriptor = begin_cell(bin, SECURITY_CELL, SECURITY_CELL_BYTES, "sk");
  put32(descriptor + 0x08, SECURITY_CELL); /* a ring of one */
  put32(descriptor + 0x0C, SECURITY_CELL);
  put32(descriptor + 0x10, 1); /* used by one key */
  put32(descriptor + 0x14, sizeof security);
  memcpy(descriptor + 0x18, security, sizeof security);

  put32(bin + FREE_CELL, BLOCK_BYTES - FREE_CELL);
}

GByteArray *empty_hive_new(void) {
  GByteArray *hive = g_byte_array_new();
  g_byte_array_set_size(hive, 2 * BLOCK_BYTES);
  memset(hive->data, 0, hive->len);
  make_base_block(hive->data);
  make_bin(hive->data + BLOCK_BYTES);
  return hive;
}
