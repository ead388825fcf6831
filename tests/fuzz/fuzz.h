/* SPDX-License-Identifier: MIT */
/* What every fuzz target defines. Bytes from a stranger go in; whatever comes
 * out, the target asserts what must hold. The same source is linked with
 * libFuzzer, which makes inputs up, and with driver.c, which takes them from
 * the corpus and damages them. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <glib.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

#endif
