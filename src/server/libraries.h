/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_LIBRARIES_H
#define SERVER_LIBRARIES_H
/* Where the libraries get their memory from: before any of them is used. In builds with
 * SSE_SERVER_FAULTS it may be refused them (base/fault.h): OpenSSL and SQLite have allocators
 * of ours there. */
#include "base/json.h"

#ifdef SSE_SERVER_FAULTS
void libraries_prepare(void);
#else
static inline void libraries_prepare(void)
{
    json_init();
}
#endif

#endif
