/* SPDX-License-Identifier: MIT */
/* What standard output is, and how text is painted and measured for it. */
#ifndef CLIENT_TERMINAL_SCREEN_H
#define CLIENT_TERMINAL_SCREEN_H

#include <glib.h>

/* Stands for text that is left out. One column. */
#define ELLIPSIS "\xe2\x80\xa6"

typedef struct {
  gboolean is_terminal;
  gboolean colors;
  guint columns; /* of the window; 80 if it does not say */
} Screen;

/* @colors: "always", "never", or NULL for a terminal's alone, unless NO_COLOR is set or TERM is
 * dumb (no-color.org). */
Screen screen_find(const char *colors);

typedef enum { PAINT_KEY, PAINT_TYPE, PAINT_SECRET, PAINT_ADDED, PAINT_REMOVED, PAINT_HEAD } Paint;
/* Text that is appended between the two is painted; nothing happens without colours. */
void screen_begin(const Screen *screen, Paint paint, GString *out);
void screen_end(const Screen *screen, GString *out);
/* @text, painted. It must be fit for a terminal. */
void screen_paint(const Screen *screen, Paint paint, const char *text, GString *out);

/* Columns that @text takes, which is UTF-8 without control characters. */
guint screen_measure(const char *text);
/* The beginning of @text that fits @columns, with an ellipsis if it is not all. Owned by the
 * caller. */
char *screen_cut(const char *text, guint columns);

#endif
