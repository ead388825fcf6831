/* SPDX-License-Identifier: MIT */
/* See place.h. */
#include "client/regctl/verbs/place.h"

#include "client/base/path.h"
#include "client/cli/data.h"

void place_clear(Place *place) {
  g_clear_pointer(&place->key, g_free);
}

static const char *get_verb(const Session *session) {
  return g_ptr_array_index(session->line->operands, 0);
}

static gboolean take_name(const Session *session, PlaceKind kind, Place *place, GError **error) {
  const char *literal = session->line->texts[OPTION_NAME];
  const char *operand = session_get_operand(session, 1);
  place->next = literal != NULL || operand == NULL ? 1 : 2;
  place->named = literal != NULL || operand != NULL;
  if (!place->named && kind != PLACE_NAME_OR_NOT)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: NAME is missing (@ is the default value); usage: regctl %s KEY NAME%s",
                     place->key, get_verb(session), kind == PLACE_WITH_DATA ? " DATA..." : "");
  place->name = literal;
  if (literal != NULL)
    return path_check_value_name(literal, error);
  place->name = operand != NULL ? data_parse_name(operand, error) : "";
  return place->name != NULL;
}

gboolean place_take(Session *session, PlaceKind kind, Place *place, GError **error) {
  const char *key = session_get_operand(session, 0);
  place->key = data_parse_key(key, error);
  if (place->key == NULL || !take_name(session, kind, place, error))
    return FALSE;
  const char *further = session_get_operand(session, place->next);
  if (further == NULL || kind == PLACE_WITH_DATA)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "%s %s: the name was given by --name, and \"%s\" is one too many",
                   get_verb(session), place->key, further);
}
