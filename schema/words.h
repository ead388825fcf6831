/* SPDX-License-Identifier: MIT */
/* Words of a schema file: lists separated by `|`, quoted where they must be. Pure. */
#ifndef SCHEMA_WORDS_H
#define SCHEMA_WORDS_H

#include "client/registry.h"

/* Splits `bare words | "quoted \"words\""`. Bare words are taken as they are, without the
 * blanks around them; in quotes `\"` and `\\` stand for the character, every other
 * backslash is refused. Text of nothing but blanks is an empty list; an empty word must be
 * quoted. INVALID_VALUE: the message says what is wrong. Owned by the caller. */
GStrv words_parse(const char *text, GError **error);
/* As above, of a list that must be one word. */
char *words_parse_one(const char *text, GError **error);

#endif
