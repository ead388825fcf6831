/* SPDX-License-Identifier: MIT */
/* The command line, by regctl's options: where options may stand, and what is refused. */
#include "client/base/error.h"
#include "client/regctl/session/options.h"

#include <string.h>

/* Words separated by blanks, after the program's name. */
static CommandLine *parse(const char *text, GStrv *words, GError **error) {
  g_autofree char *whole = g_strdup_printf("regctl%s%s", *text ? " " : "", text);
  *words = g_strsplit(whole, " ", -1);
  return command_line_parse(&regctl_options, (int)g_strv_length(*words), *words, error);
}

static const struct {
  const char *text;
  const char *operands; /* separated by blanks */
  OptionName option;    /* given; N_OPTIONS: none is asked about */
  const char *argument;
  guint64 number;
} good[] = {
    {"", "", N_OPTIONS, NULL, 0},
    {"get K N", "get K N", N_OPTIONS, NULL, 0},
    {"--json get K N", "get K N", OPTION_JSON, NULL, 0},
    {"get K N --json", "get K N", OPTION_JSON, NULL, 0},
    {"-t dword set K N 1", "set K N 1", OPTION_TYPE, "dword", 0},
    {"set K N 1 -tdword", "set K N 1", OPTION_TYPE, "dword", 0},
    {"set --type=dword K N 1", "set K N 1", OPTION_TYPE, "dword", 0},
    {"set --type dword K N 1", "set K N 1", OPTION_TYPE, "dword", 0},
    {"set K N -- -1 --json", "set K N -1 --json", N_OPTIONS, NULL, 0},
    {"set K N -- -- x", "set K N -- x", N_OPTIONS, NULL, 0},
    {"import -", "import -", N_OPTIONS, NULL, 0},
    {"rm -qr K", "rm K", OPTION_RECURSIVE, NULL, 0},
    {"rm -rq K", "rm K", OPTION_QUIET, NULL, 0},
    {"tree -d0 K", "tree K", OPTION_DEPTH, "0", 0},
    {"tree -qd 0x10 K", "tree K", OPTION_DEPTH, "0x10", 16},
    {"watch --since=18446744073709551615 K", "watch K", OPTION_SINCE, "18446744073709551615",
     G_MAXUINT64},
    {"set --comment= K", "set K", OPTION_COMMENT, "", 0},
    {"set --comment=a=b K", "set K", OPTION_COMMENT, "a=b", 0},
    {"set --comment --json K", "set K", OPTION_COMMENT, "--json", 0},
    {"--bus=a --bus=b status", "status", OPTION_BUS, "b", 0},
    {"export --format json K", "export K", OPTION_FORMAT, "json", 0},
    {"export --encoding=utf-8 K", "export K", OPTION_ENCODING, "utf-8", 0},
};

static void test_good(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = NULL;
    g_test_message("%s", good[i].text);
    g_autoptr(CommandLine) line = parse(good[i].text, &words, &error);
    g_assert_no_error(error);
    g_autofree char *operands = g_strjoinv(" ", (GStrv)line->operands->pdata);
    g_assert_cmpstr(operands, ==, good[i].operands);
    g_assert_cmpuint(line->n_operands + 1, ==, line->operands->len);
    if (good[i].option == N_OPTIONS)
      continue;
    g_assert_true(line->given[good[i].option]);
    g_assert_cmpstr(line->texts[good[i].option], ==, good[i].argument);
    g_assert_cmpuint(line->numbers[good[i].option], ==, good[i].number);
  }
}

static const struct {
  const char *text;
  const char *said;
} bad[] = {
    {"get --colour", "--colour: no such option"},
    {"get -x", "-x: no such option"},
    {"set K N -5", "stands after --"},
    {"get -qx", "-qx: no such option"},
    {"get --", NULL},
    {"get --json=yes", "nothing may follow"},
    {"set -t", "-t, --type=TYPE: nothing follows"},
    {"set --comment", "nothing follows"},
    {"get --js", "--js: no such option (did you mean \"--json\"?); data"},
    {"rm --recursiv=1 K", "--recursiv=1: no such option (did you mean \"--recursive\"?)"},
    {"tree -d x K", "--depth: x is no number from 0"},
    {"watch --count=0 K", "from 1 to 4294967295"},
    {"set --confirm-within=86401 K N 1", "from 1 to 86400"},
    {"watch --since=-1 K", "--since: -1 is no number"},
    {"export --format=xml K", "--format: \"xml\" is none of reg5"},
};

static void test_bad(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = NULL;
    g_test_message("%s", bad[i].text);
    g_autoptr(CommandLine) line = parse(bad[i].text, &words, &error);
    g_assert_cmpint(line == NULL, ==, bad[i].said != NULL);
    if (line)
      continue;
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_ARGUMENTS);
    g_assert_cmpint(error_get_exit_code(error), ==, EXIT_CODE_USAGE);
    g_assert_nonnull(strstr(error->message, bad[i].said));
  }
}

static void test_allowed(void) {
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) words = NULL;
  g_autoptr(CommandLine) line = parse("get K N --strict --json", &words, NULL);
  g_assert_true(
      command_line_check_options(line, "get", OPTIONS_OF_ALL | OPTION_BIT(OPTION_STRICT), NULL));
  g_assert_false(command_line_check_options(line, "get", OPTIONS_OF_ALL, &error));
  g_assert_nonnull(strstr(error->message, "get: it takes no option --strict"));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regctl/options/good", test_good);
  g_test_add_func("/regctl/options/bad", test_bad);
  g_test_add_func("/regctl/options/allowed", test_allowed);
  return g_test_run();
}
