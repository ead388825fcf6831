/* SPDX-License-Identifier: MIT */
/* See screen.h. */
#include "client/terminal/screen.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_COLUMNS 80U

static gboolean wants_colors(const char *colors, gboolean is_terminal) {
  if (colors != NULL && strcmp(colors, "auto") != 0)
    return strcmp(colors, "always") == 0;
  const char *none = g_getenv("NO_COLOR");
  return is_terminal && (none == NULL || *none == '\0') && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
}

Screen screen_find(const char *colors) {
  struct winsize size = {0};
  Screen screen = {.is_terminal = isatty(STDOUT_FILENO), .columns = DEFAULT_COLUMNS};
  screen.colors = wants_colors(colors, screen.is_terminal);
  if (screen.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    screen.columns = size.ws_col;
  return screen;
}

void screen_begin(const Screen *screen, Paint paint, GString *out) {
  static const char *const codes[] = {
      [PAINT_KEY] = "\x1b[1;34m", [PAINT_TYPE] = "\x1b[36m",    [PAINT_SECRET] = "\x1b[35m",
      [PAINT_ADDED] = "\x1b[32m", [PAINT_REMOVED] = "\x1b[31m", [PAINT_HEAD] = "\x1b[33m",
  };
  if (screen->colors)
    g_string_append(out, codes[paint]);
}

void screen_end(const Screen *screen, GString *out) {
  if (screen->colors)
    g_string_append(out, "\x1b[0m");
}

void screen_paint(const Screen *screen, Paint paint, const char *text, GString *out) {
  screen_begin(screen, paint, out);
  g_string_append(out, text);
  screen_end(screen, out);
}

static guint measure_character(gunichar character) {
  if (g_unichar_iszerowidth(character))
    return 0;
  return g_unichar_iswide(character) ? 2 : 1;
}

guint screen_measure(const char *text) {
  guint columns = 0;
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at))
    columns += measure_character(g_utf8_get_char(at));
  return columns;
}

char *screen_cut(const char *text, guint columns) {
  guint taken = 0;
  const char *fits = text; /* up to here there is room for the ellipsis */
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
    if (taken < columns)
      fits = at;
    taken += measure_character(g_utf8_get_char(at));
    if (taken > columns)
      return g_strdup_printf("%.*s%s", (int)(fits - text), text, columns > 0 ? ELLIPSIS : "");
  }
  return g_strdup(text);
}
