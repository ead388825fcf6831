/* SPDX-License-Identifier: MIT */
/* The parser of command lines by a table of its own, and the names near a mistyped one.
 * How regctl's options are read is in client/regctl/session/test-options.c. */
#include "client/cli/command-line.h"

#include <string.h>

#include "client/cli/near.h"
#include "client/cli/usage.h"

enum { OPTION_DIR, OPTION_COUNT, OPTION_KIND, OPTION_FLAG, OPTION_SHARE, N_OPTIONS };

static const char *const kinds[] = {"red", "green", NULL};
static const OptionRow rows[N_OPTIONS] = {
    [OPTION_DIR] = {.name = "dir", .argument = "DIR", .help = "a directory"},
    [OPTION_COUNT] =
        {.name = "count", .letter = 'n', .argument = "N", .highest = 9, .help = "a number"},
    [OPTION_KIND] = {.name = "kind", .argument = "KIND", .words = kinds, .help = "red or green"},
    [OPTION_FLAG] = {.name = "flag", .letter = 'f', .help = "a flag"},
    [OPTION_SHARE] = {.name = "share",
                      .argument = "SHARE",
                      .optional = TRUE,
                      .help = "all, or so many"},
};
static const OptionTable table = {
    .program = "program", .hint = "that is all", .rows = rows, .count = N_OPTIONS};

/* Words separated by blanks, after the program's name. */
static CommandLine *parse(const char *text, GStrv *words, GError **error) {
  g_autofree char *whole = g_strconcat("program ", text, NULL);
  *words = g_strsplit(whole, " ", -1);
  return command_line_parse(&table, (int)g_strv_length(*words), *words, error);
}

static void test_repeated(void) {
  g_auto(GStrv) words = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(CommandLine) line = parse("--dir=a x --dir b -f --dir= -n0", &words, &error);
  g_assert_no_error(error);
  const char *const expected[] = {"a", "b", "", NULL};
  g_assert_true(g_strv_equal(command_line_get_texts(line, OPTION_DIR), expected));
  g_assert_cmpstr(line->texts[OPTION_DIR], ==, "");
  g_assert_null(command_line_get_texts(line, OPTION_KIND));
  g_assert_null(command_line_get_texts(line, OPTION_FLAG));
  g_assert_true(line->given[OPTION_FLAG] && line->given[OPTION_COUNT]);
  g_assert_cmpuint(line->numbers[OPTION_COUNT], ==, 0);
  g_assert_cmpuint(line->n_operands, ==, 1);
}

/* What may be left out never is the next word. */
static void test_optional(void) {
  const struct {
    const char *text, *argument;
    guint operands;
  } given[] = {{"--share x", NULL, 1}, {"--share=90% x", "90%", 1}, {"--share= x", "", 1}};
  for (gsize i = 0; i < G_N_ELEMENTS(given); i++) {
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(CommandLine) line = parse(given[i].text, &words, &error);
    g_assert_no_error(error);
    g_assert_true(line->given[OPTION_SHARE]);
    g_assert_cmpstr(line->texts[OPTION_SHARE], ==, given[i].argument);
    g_assert_cmpuint(line->n_operands, ==, given[i].operands);
  }
}

static const struct {
  const char *text, *said;
} refused[] = {
    {"--fla", "--fla: no such option (did you mean \"--flag\"?); that is all"},
    {"--knd=red", "(did you mean \"--kind\"?)"},
    {"--zzzzzz", "--zzzzzz: no such option; that is all"},
    {"-x", "-x: no such option; that is all"},
    {"-fx", "-fx: no such option"},
    {"--kind=blue", "--kind: \"blue\" is none of red or green"},
    {"-n10", "--count: 10 is no number from 0 to 9"},
    {"-n", "-n, --count=N: nothing follows it"},
    {"--flag=", "--flag=: nothing may follow this option"},
};

static void test_refused(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(CommandLine) line = parse(refused[i].text, &words, &error);
    g_assert_null(line);
    g_assert_nonnull(error);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, refused[i].said));
  }
}

static const struct {
  const char *name, *candidate;
  gboolean near;
} pairs[] = {
    {"stauts", "status", TRUE},    {"st", "status", TRUE},
    {"s", "status", FALSE},        {"lss", "ls", TRUE},
    {"statusquo", "status", TRUE}, {"get", "set", TRUE},
    {"got", "set", FALSE},         {"", "set", FALSE},
    {"export", "import", TRUE},    {"backup", "status", FALSE},
};

static void test_near(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
    g_autoptr(GString) near = g_string_new(NULL);
    g_test_message("%s %s", pairs[i].name, pairs[i].candidate);
    near_note(pairs[i].name, "", pairs[i].candidate, near);
    g_assert_cmpint(near->len > 0, ==, pairs[i].near);
  }
  g_autoptr(GString) list = g_string_new(NULL);
  near_note("gat", "-", "get", list);
  near_note("gat", "-", "cat", list);
  g_assert_cmpstr(list->str, ==, "\"-get\", \"-cat\"");
}

static void test_usage(void) {
  g_autoptr(GString) out = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  usage_print_options(
      &table, OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_FLAG) | OPTION_BIT(OPTION_SHARE), out);
  g_assert_cmpstr(out->str, ==,
                  "  -n, --count=N               a number\n"
                  "  -f, --flag                  a flag\n"
                  "  --share[=SHARE]             all, or so many\n");
  g_assert_true(usage_check_operands("v", "program v A", 1, 1, 2, NULL));
  g_assert_false(usage_check_operands("v", "program v A", 0, 1, 2, &error));
  g_assert_cmpstr(error->message, ==, "v: too few operands; usage: program v A");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/cli/command-line/repeated", test_repeated);
  g_test_add_func("/cli/command-line/optional", test_optional);
  g_test_add_func("/cli/command-line/refused", test_refused);
  g_test_add_func("/cli/near", test_near);
  g_test_add_func("/cli/usage", test_usage);
  return g_test_run();
}
