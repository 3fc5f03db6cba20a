/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUNNING_H
#define CLI_RUNNING_H
/* How a server is found by its settings. */
#include <stddef.h>

/* Where a listener is asked on its own machine: all addresses are also that machine's. */
void cli_write_host(const char *address, char *to, size_t size);

#endif
