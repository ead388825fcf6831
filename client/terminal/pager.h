/* SPDX-License-Identifier: MIT */
/* A pager between standard output and the terminal, as git runs one. */
#ifndef CLIENT_TERMINAL_PAGER_H
#define CLIENT_TERMINAL_PAGER_H

#include <glib.h>

/* 0: there is none. */
typedef struct {
  GPid pid;
} Pager;

/* Starts $PAGER, or less, and makes its input standard output. Nothing happens if it is empty,
 * `cat`, or one word that is no program. less ends by itself if all fits the window, unless LESS
 * says otherwise. */
void pager_start(Pager *pager);
/* Ends its input and waits until the reader leaves it. Nothing can be written to standard output
 * afterwards. */
void pager_finish(Pager *pager);

#endif
