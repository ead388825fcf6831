/* SPDX-License-Identifier: MIT */
/* The name of the service that answers as regd does, and does nothing for it (echo.c). */
#ifndef TESTS_BENCH_ECHO_H
#define TESTS_BENCH_ECHO_H

#define ECHO_NAME "org.regd.Bench1.Echo"

#endif
