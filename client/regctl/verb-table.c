/* SPDX-License-Identifier: MIT */
/* The table of verbs. */
#include "client/regctl/verb-table.h"

#include <string.h>

#include "client/cli/near.h"
#include "client/regctl/declare/declare-verbs.h"
#include "client/regctl/fleet/fleet-verb.h"

#define BIT OPTION_BIT

const Verb verbs[] = {
    {.name = "get",
     .operands = "KEY NAME",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_NAME),
     .run = verb_get,
     .summary = "print a value's data, and nothing else",
     .help = "Text is printed as it is, a multi-string one string a line, a number in decimal. "
             "Everything else, including data that does not match its type, is printed as "
             "hexadecimal digits."},
    {.name = "set",
     .operands = "KEY NAME DATA...",
     .fewest = 1,
     .most = G_MAXUINT,
     .options = BIT(OPTION_TYPE) | BIT(OPTION_NAME) | BIT(OPTION_FROM) | BIT(OPTION_BYTES),
     .writes = TRUE,
     .run = verb_set,
     .summary = "set a value",
     .help =
         "Without -t the type is the one that the schema demands, else the present type of the "
         "value, else REG_SZ. A multi-string takes any number of DATA, one for each string; "
         "all other types take one: a string, a number in decimal or after 0x, or pairs of "
         "hexadecimal digits. DATA that begins with - goes after --. With --from=FILE the data is "
         "what the file holds: text without its last line end, a multi-string one string a "
         "line, bytes as they are. With --bytes the data of any type is bytes."},
    {.name = "unset",
     .operands = "KEY NAME",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_NAME),
     .writes = TRUE,
     .run = verb_unset,
     .summary = "delete a value"},
    {.name = "ls",
     .operands = "[KEY]",
     .most = 1,
     .options = BIT(OPTION_SHOW_SECRETS),
     .run = verb_ls,
     .summary = "list sub-keys, then values; without KEY the roots",
     .help = "A sub-key is a line with its name, a value a line with name, type and data, "
             "separated by tabs. Control characters are shown as \\x1b."},
    {.name = "tree",
     .operands = "KEY",
     .fewest = 1,
     .most = 1,
     .options = BIT(OPTION_DEPTH) | BIT(OPTION_SHOW_SECRETS),
     .run = verb_tree,
     .summary = "list all keys and values below",
     .help = "Each key is a line with its path; its values follow, indented. Keys that may not be "
             "read are left out, and standard error says so."},
    {.name = "info",
     .operands = "KEY",
     .fewest = 1,
     .most = 1,
     .options = BIT(OPTION_NO_FOLLOW),
     .run = verb_info,
     .summary = "show what is known about a key"},
    {.name = "find",
     .operands = "PATTERN [KEY]",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_KEYS) | BIT(OPTION_VALUES) | BIT(OPTION_DATA) | BIT(OPTION_SHOW_SECRETS),
     .run = verb_find_matches,
     .summary = "find keys, values and data",
     .help = "PATTERN is found anywhere in a name or in data, without regard to case. If it holds "
             "* (any characters) or ? (any one character), it must match the whole. Without "
             "--keys, --values and --data all three are searched; without KEY, everything. A key "
             "that matches is a line with its path, a value a line with path, name, type and data, "
             "separated by tabs. If nothing is found, the exit code is 3."},
    {.name = "create",
     .operands = "KEY",
     .fewest = 1,
     .most = 1,
     .options = BIT(OPTION_VOLATILE) | BIT(OPTION_LINK) | BIT(OPTION_CLASS),
     .writes = TRUE,
     .run = verb_create,
     .summary = "create a key; one that exists is no error"},
    {.name = "rm",
     .operands = "KEY",
     .fewest = 1,
     .most = 1,
     .options = BIT(OPTION_RECURSIVE),
     .writes = TRUE,
     .run = verb_rm,
     .summary = "delete a key; of a link, the link"},
    {.name = "mv",
     .operands = "KEY NEWNAME",
     .fewest = 2,
     .most = 2,
     .writes = TRUE,
     .run = verb_mv,
     .summary = "give a key another name in its place"},
    {.name = "cp",
     .operands = "KEY KEY",
     .fewest = 2,
     .most = 2,
     .writes = TRUE,
     .run = verb_cp,
     .summary = "copy a key with all below it"},
    {.name = "watch",
     .operands = "KEY",
     .fewest = 1,
     .most = 1,
     .options = BIT(OPTION_SINCE) | BIT(OPTION_COUNT),
     .run = verb_watch,
     .summary = "print what changes at and below a key, a line an event",
     .help = "A line holds the revision, what happened, the key and, for a value, its name, "
             "separated by tabs. When regd goes away, watching continues where it ended as soon as "
             "regd is back."},
    {.name = "acl",
     .operands = "KEY | KEY PRINCIPAL=LEVEL... | KEY --inherit",
     .fewest = 1,
     .most = G_MAXUINT,
     .options = BIT(OPTION_INHERIT),
     .writes = TRUE,
     .run = verb_acl,
     .summary = "show or replace the access list of a key",
     .help = "PRINCIPAL is user:NAME, group:NAME (or the number) or everyone; LEVEL is none, read, "
             "write or control. The list that is given replaces the key's own; --inherit removes "
             "it, so that the next one above decides again."},
    {.name = "apply",
     .operands = "PATH...",
     .fewest = 1,
     .most = G_MAXUINT,
     .options = BIT(OPTION_OWNER) | BIT(OPTION_PRUNE) | BIT(OPTION_DRY_RUN) | BIT(OPTION_LOCK) |
                BIT(OPTION_STRICT) | BIT(OPTION_ENCODING),
     .writes = TRUE,
     .run = verb_apply,
     .summary = "apply .reg files, and folders of them, as one commit that an owner declares",
     .help = "Of a folder its *.reg files are taken, in the order of their bytes. With "
             "--owner=NAME what the files set, delete and name as keys is declared by that owner: "
             "`regctl drift` tells what has changed since, and applying puts it right. With "
             "--prune the values that the owner declared before and does not any more are deleted, "
             "and its keys that are empty then. With --lock=REASON the values are locked; the "
             "owner can go on changing them. Without --owner nothing is declared."},
    {.name = "declared",
     .operands = "[KEY]",
     .most = 1,
     .options = BIT(OPTION_OWNER),
     .run = verb_declared,
     .summary = "list what owners have declared at and below a key; without KEY everything",
     .help = "A declaration is a line with owner, key and name, separated by tabs, and with "
             "\"drifted\" if what is there is not what was declared. A key that is declared itself "
             "has a backslash at its end."},
    {.name = "drift",
     .operands = "[KEY]",
     .most = 1,
     .options = BIT(OPTION_OWNER) | BIT(OPTION_SHOW_SECRETS),
     .run = verb_drift,
     .summary = "show what is not as it was declared, as a difference",
     .help = "Lines that begin with - are declared, lines with + are there. The exit code is 1 if "
             "something differs."},
    {.name = "disown",
     .operands = "OWNER",
     .fewest = 1,
     .most = 1,
     .run = verb_disown,
     .summary = "forget what an owner has declared, and leave the values"},
    {.name = "lock",
     .operands = "KEY [NAME]",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_RECURSIVE) | BIT(OPTION_NAME) | BIT(OPTION_REASON),
     .writes = TRUE,
     .run = verb_lock,
     .summary = "let nobody change a value, or a key with all below it, until it is unlocked",
     .help = "NAME is the value, @ the default one; with -r, and without NAME, it is the key and "
             "everything below it, also what is not there yet. Nobody can change it then, "
             "administrators included; --reason=TEXT tells them why. It takes the right control."},
    {.name = "unlock",
     .operands = "KEY [NAME]",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_RECURSIVE) | BIT(OPTION_NAME),
     .writes = TRUE,
     .run = verb_unlock,
     .summary = "take a lock away"},
    {.name = "locks",
     .operands = "[KEY]",
     .most = 1,
     .pages = TRUE,
     .run = verb_locks,
     .summary = "list the locks at and below a key; without KEY all",
     .help =
         "A lock is a line with key, name, user, time and reason, separated by tabs. A key that "
         "is locked with everything below it has a backslash at its end, and no name."},
    {.name = "validate",
     .operands = "[KEY]",
     .most = 1,
     .run = verb_validate,
     .summary = "list what breaks the rules of schemas",
     .help = "Each problem is a line. If there is one, the exit code is 5."},
    {.name = "describe",
     .operands = "KEY [NAME]",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_NAME),
     .pages = TRUE,
     .run = verb_describe,
     .summary = "show what a schema says about a key or a value"},
    {.name = "import",
     .operands = "FILE...",
     .fewest = 1,
     .most = G_MAXUINT,
     .options = BIT(OPTION_DRY_RUN) | BIT(OPTION_STRICT) | BIT(OPTION_ONLY_MISSING) |
                BIT(OPTION_PRECHECK) | BIT(OPTION_ENCODING) | BIT(OPTION_HIVE) | BIT(OPTION_AT) |
                BIT(OPTION_SALVAGE),
     .writes = TRUE,
     .run = verb_import,
     .summary = "apply .reg files, each as one commit",
     .help =
         "- is standard input. Lines that can't be read are left out; standard error says how "
         "many, and names the first. With --strict the first such line fails the file. 8-bit text "
         "that is not UTF-8 is of the --encoding, or is guessed to be Windows-1252. Of several "
         "files the first that fails is the last that is tried. A hive of Windows is known by its "
         "first bytes; --at=KEY says "
         "what key it becomes, and --salvage takes what can be read of a damaged one. With "
         "--dry-run nothing is kept, "
         "and what would be done is printed. With --only-missing "
         "nothing that exists is changed or deleted. With --precheck=FILE a file is applied "
         "only if what FILE says holds already: its values are equal, and what it deletes does "
         "not exist."},
    {.name = "edit",
     .operands = "KEY",
     .fewest = 1,
     .most = 1,
     .options = BIT(OPTION_DRY_RUN) | BIT(OPTION_SHOW_SECRETS),
     .writes = TRUE,
     .run = verb_edit,
     .summary = "edit a key and all below it as text, in $VISUAL or $EDITOR",
     .help = "The edited text is checked and applied as one commit, and the difference is shown. "
             "Deleting a line deletes its key or value. If somebody has changed the same values "
             "meanwhile, nothing is applied. A text that can't be applied is kept."},
    {.name = "export",
     .operands = "KEY [FILE]",
     .fewest = 1,
     .most = 2,
     .options =
         BIT(OPTION_FORMAT) | BIT(OPTION_ENCODING) | BIT(OPTION_AT) | BIT(OPTION_SKIP_UNREADABLE),
     .run = verb_export,
     .summary = "write a key and all below it as a .reg file",
     .help = "Without FILE, or with -, to standard output. A FILE that exists is replaced as a "
             "whole or not at all. Only the format json holds classes and access lists."},
    {.name = "backup",
     .operands = "FILE",
     .fewest = 1,
     .most = 1,
     .run = verb_backup,
     .summary = "write a copy of the whole database, while regd serves",
     .help = "FILE holds all users' secrets, so only its owner may read it; `regd --restore=FILE` "
             "puts it back."},
    {.name = "diff",
     .operands = "A B",
     .fewest = 2,
     .most = 2,
     .options = BIT(OPTION_ENCODING) | BIT(OPTION_SHOW_SECRETS) | BIT(OPTION_HIDE_SECRETS),
     .pages = TRUE,
     .run = verb_diff,
     .summary = "show the differences between two keys or files",
     .help = "A and B are each a key, KEY@REVISION (as it was then), or a .reg file (- is standard "
             "input). Lines that only A has begin with -, lines that only B has with +. Exit codes "
             "are those of diff(1): 0 alike, 1 different, 2 and more trouble."},
    {.name = "history",
     .operands = "[KEY]",
     .most = 1,
     .options = BIT(OPTION_LIMIT) | BIT(OPTION_SHOW_SECRETS),
     .pages = TRUE,
     .run = verb_history,
     .summary = "show what was changed at and below a key, by which user and program; newest first",
     .help = "A revision is a line with its number, time, user, program and comment, separated by "
             "tabs. What it changed follows, indented: what happened, the key, and for a value its "
             "name and its data before and after. Without KEY it is that of the whole registry."},
    {.name = "blame",
     .operands = "KEY NAME",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_NAME) | BIT(OPTION_SHOW_SECRETS),
     .pages = TRUE,
     .run = verb_blame,
     .summary = "show who set a value, when, with which program, and what it was before"},
    {.name = "rollback",
     .operands = "KEY REVISION",
     .fewest = 2,
     .most = 2,
     .options = BIT(OPTION_DRY_RUN),
     .writes = TRUE,
     .run = verb_rollback,
     .summary = "make a key and all below it what they were at a revision",
     .help = "The past is not lost: this is a new revision, which can be rolled back too. With "
             "--dry-run what would be done is printed. `regctl history KEY` lists revisions."},
    {.name = "confirm",
     .operands = "REVISION",
     .fewest = 1,
     .most = 1,
     .run = verb_confirm,
     .summary = "keep a change that was made on trial (--confirm-within)"},
    {.name = "undo",
     .operands = "REVISION",
     .fewest = 1,
     .most = 1,
     .options = BIT(OPTION_DRY_RUN),
     .writes = TRUE,
     .run = verb_undo,
     .summary = "undo what one revision changed; a change on trial now, not at its deadline",
     .help = "What was changed since is left as it is, and so is a new key that holds something by "
             "now. With --dry-run what would be done is printed. `regctl rollback` undoes all that "
             "came after a revision, too."},
    {.name = "trials",
     .operands = "",
     .pages = TRUE,
     .run = verb_trials,
     .summary = "list the changes that are on trial (--confirm-within), and what they change",
     .help =
         "A trial is a line with its revision, which `regctl confirm` takes, the time, the user, "
         "the program, the time when it is undone unless it is confirmed, and its comment; its "
         "changes follow, indented, as history shows them."},
    {.name = "purge",
     .operands = "KEY [NAME]",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_RECURSIVE) | BIT(OPTION_NAME),
     .run = verb_purge,
     .summary = "remove a value's old data from history, as a password that was set by mistake",
     .help = "The present data stays, and history still shows who changed the value and when. With "
             "-r, and without NAME, it is done for all values at and below KEY. Only "
             "administrators may do it, and it can't be undone."},
    {.name = "status",
     .operands = "",
     .options = BIT(OPTION_METRICS),
     .run = verb_status,
     .summary = "show the state of the daemon, and how many trials, locks and drifted values there "
                "are"},
    {.name = "fleet",
     .operands =
         "status|init|join|leave|hosts|wait [COMMIT]|forget HOST|verify|resync|reseal|problems",
     .fewest = 1,
     .most = 2,
     .options = BIT(OPTION_FROM_LOCAL) | BIT(OPTION_REPLACE) | BIT(OPTION_DROP) |
                BIT(OPTION_FORCE) | BIT(OPTION_DRY_RUN) | BIT(OPTION_BEHIND) | BIT(OPTION_HOSTS) |
                BIT(OPTION_TIMEOUT) | BIT(OPTION_CLEAR),
     .run = verb_fleet,
     .summary =
         "share keys with other hosts: show how that stands, or begin, join or leave a fleet",
     .help =
         "Settings come first: Enabled and the others below "
         "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters\\Fleet. init "
         "makes the fleet on its first host, with --from-local of what is below the mounts "
         "already; join makes this host a member, with --replace in place of what it has there. "
         "leave makes the keys this host's own again, and with --drop deletes them. hosts lists "
         "the "
         "hosts of the fleet, with --behind only those that lack something or are gone. wait "
         "waits until all of them, or --hosts=SHARE (12 or 90%), have COMMIT, by default the "
         "newest of this host; "
         "after --timeout the exit code is 1, and those that are missing are named. forget drops a "
         "host that is gone from that list, with --force although it gives signs of life. verify "
         "compares "
         "this host with the cluster and says each difference. resync "
         "compares everything with the cluster once more, with --dry-run only to tell. problems "
         "lists the fleet's records that can't be used or were not written by regd; if there is "
         "one, "
         "the exit code is 1. --clear acknowledges those that were not written by regd. reseal "
         "seals all secret values anew."},
    {.name = "help", .operands = "[VERB]", .most = 1, .summary = "explain a verb, or list them"},
    {.name = NULL},
};

const Verb *verb_find(const char *name) {
  for (const Verb *verb = verbs; verb->name != NULL; verb++)
    if (strcmp(verb->name, name) == 0)
      return verb;
  return NULL;
}

guint64 verb_get_options(const Verb *verb) {
  return verb->options | OPTIONS_OF_ALL | (verb->writes ? OPTIONS_OF_WRITES : 0);
}

/* What the verbs are called by reg.exe, git and the shell. */
static const struct {
  const char *theirs, *ours;
} other_words[] = {
    {"add", "set"},     {"annotate", "blame"}, {"chmod", "acl"},    {"copy", "cp"},
    {"del", "rm"},      {"del", "unset"},      {"delete", "rm"},    {"delete", "unset"},
    {"dir", "ls"},      {"grep", "find"},      {"list", "ls"},      {"load", "import"},
    {"log", "history"}, {"merge", "import"},   {"mkdir", "create"}, {"monitor", "watch"},
    {"move", "mv"},     {"query", "get"},      {"query", "ls"},     {"read", "get"},
    {"remove", "rm"},   {"remove", "unset"},   {"rename", "mv"},    {"revert", "rollback"},
    {"save", "export"}, {"search", "find"},    {"show", "get"},     {"show", "info"},
    {"write", "set"},
};

char *verb_suggest(const char *name) {
  GString *near = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(other_words); i++)
    if (g_str_equal(other_words[i].theirs, name))
      near_note(other_words[i].ours, "", other_words[i].ours, near);
  if (near->len > 0)
    return g_string_free(near, FALSE);
  for (const Verb *verb = verbs; verb->name != NULL; verb++)
    near_note(name, "", verb->name, near);
  return g_string_free(near, FALSE);
}
