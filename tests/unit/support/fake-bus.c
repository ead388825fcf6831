/* SPDX-License-Identifier: MIT */
/* A dbus-daemon of the test's own, which ends with it. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/fake-registry.h"

#define CONFIGURATION                                                                              \
  "<busconfig><listen>%s</listen><auth>EXTERNAL</auth><policy context='default'>"                  \
  "<allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/>"        \
  "<allow user='*'/></policy></busconfig>"

struct FakeBus {
  char *directory;
  char *configuration;
  char *address;
  GPid pid;
};

static void die_with_the_test(gpointer data) {
  (void)data;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void fake_bus_restart(FakeBus *bus) {
  g_autoptr(GError) error = NULL;
  g_autofree char *option = g_strconcat("--config-file=", bus->configuration, NULL);
  char program[] = "dbus-daemon", nofork[] = "--nofork", print[] = "--print-address=1";
  char *arguments[] = {program, option, nofork, print, NULL};
  gint output = -1;
  char line[256];
  g_spawn_async_with_pipes(NULL, arguments, NULL,
                           G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                               G_SPAWN_STDERR_TO_DEV_NULL,
                           die_with_the_test, NULL, &bus->pid, NULL, &output, NULL, &error);
  g_assert_no_error(error);
  /* It prints its address when it listens. */
  g_assert_cmpint(read(output, line, sizeof line), >, 0);
  close(output);
}

FakeBus *fake_bus_start(void) {
  FakeBus *bus = g_new0(FakeBus, 1);
  bus->directory = g_dir_make_tmp("regd-test-XXXXXX", NULL);
  g_assert_nonnull(bus->directory);
  bus->configuration = g_build_filename(bus->directory, "bus.conf", NULL);
  bus->address = g_strconcat("unix:path=", bus->directory, "/bus", NULL);
  g_autofree char *text = g_strdup_printf(CONFIGURATION, bus->address);
  g_assert_true(g_file_set_contents(bus->configuration, text, -1, NULL));
  fake_bus_restart(bus);
  return bus;
}

void fake_bus_stop(FakeBus *bus) {
  kill(bus->pid, SIGKILL);
  waitpid(bus->pid, NULL, 0);
  g_spawn_close_pid(bus->pid);
  bus->pid = 0;
}

void fake_bus_freeze(FakeBus *bus) {
  kill(bus->pid, SIGSTOP);
}

void fake_bus_thaw(FakeBus *bus) {
  kill(bus->pid, SIGCONT);
}

void fake_bus_free(FakeBus *bus) {
  if (bus->pid != 0)
    fake_bus_stop(bus);
  g_autofree char *socket = g_build_filename(bus->directory, "bus", NULL);
  g_unlink(socket);
  g_unlink(bus->configuration);
  g_rmdir(bus->directory);
  g_free(bus->configuration);
  g_free(bus->directory);
  g_free(bus->address);
  g_free(bus);
}

const char *fake_bus_get_address(const FakeBus *bus) {
  return bus->address;
}
