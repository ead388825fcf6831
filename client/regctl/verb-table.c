/* SPDX-License-Identifier: MIT */
/* The table of verbs. */
#include "client/regctl/verb-table.h"

#include <string.h>

#include "client/cli/near.h"

#define BIT OPTION_BIT

const Verb verbs[] = {
    {"get", "KEY NAME", 2, 2, 0, FALSE, verb_get, "print a value's data, and nothing else",
     "Text is printed as it is, a multi-string one string a line, a number in decimal, and all "
     "else (data that is not what its type says, too) as hexadecimal digits."},
    {"set", "KEY NAME DATA...", 2, G_MAXUINT, BIT(OPTION_TYPE), TRUE, verb_set, "set a value",
     "Without -t the type is the one that the schema demands, else the one that the value has, "
     "else REG_SZ. A multi-string takes any number of DATA, one for each string, all other types "
     "one: a string, a number in decimal or after 0x, or pairs of hexadecimal digits. DATA that "
     "begins with - stands after --."},
    {"unset", "KEY NAME", 2, 2, 0, TRUE, verb_unset, "delete a value", NULL},
    {"ls", "[KEY]", 0, 1, 0, FALSE, verb_ls, "list sub-keys, then values; without KEY the roots",
     "A sub-key is a line with its name, a value a line with name, type and data, separated by "
     "tabs. Control characters are shown as \\x1b."},
    {"tree", "KEY", 1, 1, BIT(OPTION_DEPTH), FALSE, verb_tree, "list all keys and values below",
     "Each key is a line with its path; its values follow, indented. What may not be read is left "
     "out, and standard error says so."},
    {"info", "KEY", 1, 1, BIT(OPTION_NO_FOLLOW), FALSE, verb_info, "tell what is known of a key",
     NULL},
    {"find", "PATTERN [KEY]", 1, 2, BIT(OPTION_KEYS) | BIT(OPTION_VALUES) | BIT(OPTION_DATA), FALSE,
     verb_find_matches, "find keys, values and data",
     "PATTERN is found anywhere in a name or in data, without regard to case. Where it holds * "
     "(any characters) or ? (any one) it must fit the whole. Without --keys, --values and --data "
     "all three are looked at; without KEY, everything. A key that fits is a line with its path, a "
     "value a line with path, name, type and data, separated by tabs. Nothing found: exit code 3."},
    {"create", "KEY", 1, 1, BIT(OPTION_VOLATILE) | BIT(OPTION_LINK) | BIT(OPTION_CLASS), TRUE,
     verb_create, "create a key; one that exists is no error", NULL},
    {"rm", "KEY", 1, 1, BIT(OPTION_RECURSIVE), TRUE, verb_rm, "delete a key; of a link, the link",
     NULL},
    {"mv", "KEY NEWNAME", 2, 2, 0, TRUE, verb_mv, "give a key another name in its place", NULL},
    {"cp", "KEY KEY", 2, 2, 0, TRUE, verb_cp, "copy a key with all below it", NULL},
    {"watch", "KEY", 1, 1, BIT(OPTION_SINCE) | BIT(OPTION_COUNT), FALSE, verb_watch,
     "print what changes at and below a key, a line an event",
     "A line holds the revision, what happened, the key and, for a value, its name, separated by "
     "tabs. When regd goes, watching goes on where it ended as soon as regd is back."},
    {"acl", "KEY | KEY PRINCIPAL=LEVEL... | KEY --inherit", 1, G_MAXUINT, BIT(OPTION_INHERIT), TRUE,
     verb_acl, "show or replace who may do what",
     "PRINCIPAL is user:NAME, group:NAME (or the number) or everyone; LEVEL is none, read, write "
     "or "
     "control. The list that is given replaces the key's own; --inherit removes it, so that the "
     "next one above decides again."},
    {"validate", "[KEY]", 0, 1, 0, FALSE, verb_validate, "list what breaks the rules of a schema",
     "A line a problem. Where there is one the exit code is 5."},
    {"describe", "KEY [NAME]", 1, 2, 0, FALSE, verb_describe,
     "tell what a schema says about a key or a value", NULL},
    {"import", "FILE...", 1, G_MAXUINT,
     BIT(OPTION_DRY_RUN) | BIT(OPTION_STRICT) | BIT(OPTION_ONLY_MISSING) | BIT(OPTION_PRECHECK),
     TRUE, verb_import, "apply .reg files, each as one commit",
     "- is standard input. Lines that can't be read are left out, and standard error says how many "
     "and which the first is; with --strict the first one fails the file. With --dry-run what "
     "would "
     "be done is printed. With --only-missing nothing that is there is changed or deleted. With "
     "--precheck=FILE a file is applied where what FILE says holds: its values are equal, and what "
     "it deletes is not there."},
    {"edit", "KEY", 1, 1, BIT(OPTION_DRY_RUN), TRUE, verb_edit,
     "edit a key and all below it as text, in $VISUAL or $EDITOR",
     "What comes back is checked, applied as one commit, and the difference is shown. Lines that "
     "are deleted delete what they were about. Where somebody has changed the same values "
     "meanwhile, nothing is applied. A text that can't be applied is kept."},
    {"export", "KEY [FILE]", 1, 2,
     BIT(OPTION_FORMAT) | BIT(OPTION_ENCODING) | BIT(OPTION_AT) | BIT(OPTION_SKIP_UNREADABLE),
     FALSE, verb_export, "write a key and all below it as a .reg file",
     "Without FILE, or with -, to standard output. A FILE that exists is replaced as a whole or "
     "not "
     "at all. Classes and access lists are in the format json alone."},
    {"backup", "FILE", 1, 1, 0, FALSE, verb_backup,
     "write a copy of the whole database, while regd serves",
     "FILE, which holds everybody's secrets, is readable by its owner alone; `regd --restore=FILE` "
     "puts it back."},
    {"diff", "A B", 2, 2, 0, FALSE, verb_diff, "tell what is different between two keys or files",
     "A and B are each a key, KEY@REVISION (as it was then), or a .reg file (- is standard input). "
     "Lines of A alone begin with -, of B alone with +. Exit codes are those of diff(1): 0 alike, "
     "1 "
     "different, 2 and more trouble."},
    {"history", "KEY", 1, 1, BIT(OPTION_LIMIT), FALSE, verb_history,
     "tell what was changed at and below a key, by whom and with what; newest first",
     "A revision is a line with its number, time, user, program and comment, separated by tabs. "
     "What it changed follows, indented: what happened, the key, and for a value its name and its "
     "data before and after."},
    {"blame", "KEY NAME", 2, 2, 0, FALSE, verb_blame,
     "tell who set a value, when and with what, and before that", NULL},
    {"rollback", "KEY REVISION", 2, 2, BIT(OPTION_DRY_RUN), TRUE, verb_rollback,
     "make a key and all below it what they were at a revision",
     "The past is not lost: this is a new revision, which can be rolled back too. With --dry-run "
     "what would be done is printed. `regctl history KEY` lists revisions."},
    {"confirm", "REVISION", 1, 1, 0, FALSE, verb_confirm,
     "keep a change that was made on trial (--confirm-within)", NULL},
    {"purge", "KEY [NAME]", 1, 2, BIT(OPTION_RECURSIVE), FALSE, verb_purge,
     "make history forget what a value held before: a password set by mistake",
     "What the value holds now stays, and so does the telling of who changed it when. With -r, and "
     "without NAME, of all values at and below KEY. It is for administrators, and there is no way "
     "back."},
    {"status", "", 0, 0, BIT(OPTION_METRICS), FALSE, verb_status, "tell how the daemon is", NULL},
    {NULL, NULL, 0, 0, 0, FALSE, NULL, NULL, NULL},
};

const Verb *verb_find(const char *name) {
  for (const Verb *verb = verbs; verb->name != NULL; verb++)
    if (strcmp(verb->name, name) == 0)
      return verb;
  return NULL;
}

guint32 verb_get_options(const Verb *verb) {
  return verb->options | OPTIONS_OF_ALL | (verb->writes ? OPTIONS_OF_WRITES : 0);
}

char *verb_suggest(const char *name) {
  GString *near = g_string_new(NULL);
  for (const Verb *verb = verbs; verb->name != NULL; verb++)
    near_note(name, "", verb->name, near);
  return g_string_free(near, FALSE);
}
