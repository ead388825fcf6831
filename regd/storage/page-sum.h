/* SPDX-License-Identifier: MIT */
/* The checksum of a page of a database. It lies in the last bytes of the page, which SQLite leaves
 * alone ("reserved bytes"):
 *
 *     bytes 4080 to 4087   the database's own number, little-endian, never 0
 *     bytes 4088 to 4095   the checksum of the bytes before it, little-endian
 *
 * The page's number is part of the sum, so a page in another one's place does not pass, and a page
 * of zeros has none. The own number differs between a database and each of its backups.
 *
 * It tells an accident, no forgery: whoever can write the file can compute it. Any change within
 * eight bytes is seen for certain, any other with a probability of 1 - 2^-64. */
#ifndef REGD_STORAGE_PAGE_SUM_H
#define REGD_STORAGE_PAGE_SUM_H

#include <glib.h>

#define PAGE_SUM_PAGE 4096
#define PAGE_SUM_RESERVED 16

/* @page: PAGE_SUM_PAGE bytes; @number: from 1 on. */
guint64 page_sum_compute(const guint8 *page, guint32 number);
guint64 page_sum_get_database(const guint8 *page);
guint64 page_sum_get(const guint8 *page);
/* Writes the last bytes. */
void page_sum_set(guint8 *page, guint32 number, guint64 database);
gboolean page_sum_is_right(const guint8 *page, guint32 number);

#endif
