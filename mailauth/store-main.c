/* SPDX-License-Identifier: MIT */
/* mailauthd-store: the store role, as a program of its own. It splits off a process for
 * each Maildir, and what that takes grows with the libraries that are mapped: here they are
 * a quarter of mailauthd's. */
#include "client/base/error.h"
#include "client/cli/output.h"
#include "mailauth/mailbox/store.h"
#include "mailauth/process/role.h"

int main(G_GNUC_UNUSED int argc, char **argv) {
  static const RolePart part = {.run = store_run};
  RoleStart start;
  output_keep_numbers();
  output_escape_errors();
  if (role_parse_arguments(argv, &start) && start.role == ROLE_STORE)
    return role_run(&start, &part);
  g_printerr("mailauthd-store: mailauthd starts it; it is not run by hand\n");
  return EXIT_CODE_USAGE;
}
