/* SPDX-License-Identifier: MIT */
/* IMAP before login. The first byte says what the connection is like. */
#include "tests/fuzz/conversation.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  fuzz_conversation(PROTOCOL_IMAP, data, size);
  return 0;
}
