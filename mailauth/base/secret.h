/* SPDX-License-Identifier: MIT */
/* Bytes that may hold a password: in memory that is not swapped out, if there is room
 * for it, and wiped; and a growing buffer of them that leaves no copy behind when it
 * grows, is cut or is cleared. */
#ifndef MAILAUTH_BASE_SECRET_H
#define MAILAUTH_BASE_SECRET_H

#include <glib.h>

/* Has secrets locked in memory from now on, as many as there is room for, and this
 * thread's stack. Call once, before there are other threads. It raises the limit on
 * locked memory if it may. FALSE: the limit is lower than wanted, and less, or nothing,
 * is locked. */
gboolean secret_lock_memory(void);

/* @size bytes, to be freed with secret_free(), which wipes them. */
gpointer secret_alloc(gsize size);
void secret_free(gpointer bytes, gsize size);

/* Wipes and frees a text, such as a hash; NULL is fine. */
void secret_free_text(char *text);
/* With g_autoptr. */
typedef char SecretText;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SecretText, secret_free_text)

/* All zero is the empty secret. bytes is NULL or ends in a NUL that size does
 * not count. */
typedef struct {
  guint8 *bytes;
  gsize size;
  gsize room;
} Secret;

void secret_append(Secret *secret, gconstpointer bytes, gsize size);
/* The bytes and the NUL after them, "" for the empty secret; borrowed until it changes. */
const char *secret_get_text(const Secret *secret);
gboolean secret_has_nul(const Secret *secret);
gboolean secret_is_same(const Secret *secret, const Secret *other);
/* Wipes and frees the bytes; the secret is empty then and may be used on. */
void secret_clear(Secret *secret);
/* Moves the bytes of @from, whose own are cleared, into @to. */
void secret_move(Secret *to, Secret *from);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Secret, secret_clear)

#endif
