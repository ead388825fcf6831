/* Bytes that may hold a password: a growing buffer that leaves no copy behind
 * when it grows, is cut or is cleared. */
#ifndef MAILAUTH_SECRET_H
#define MAILAUTH_SECRET_H

#include <glib.h>

/* All zero is the empty secret. bytes is NULL or ends in a NUL that size does
 * not count. */
typedef struct {
  guint8 *bytes;
  gsize size;
  gsize room;
} Secret;

void secret_append(Secret *secret, gconstpointer bytes, gsize size);
/* Wipes and frees the bytes; the secret is empty then and may be used on. */
void secret_clear(Secret *secret);
/* Moves the bytes of @from, whose own are cleared, into @to. */
void secret_move(Secret *to, Secret *from);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Secret, secret_clear)

#endif
