/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H
/*
 * Places where a crash would be hardest to get over, for the tests that crash there: with
 * FAULT_POINT=<name>:<n> in the environment, the n-th pass of the point with this name, by whatever
 * thread, kills the process as kill -9 would.
 *
 * And allocations that are refused: FAULT_MEMORY names a file that the process maps, which has for
 * each area three numbers of 64 bits. The first counts its allocations, by whatever thread; those
 * from the second up to (without) the third are refused. A test sets these while the process runs.
 *
 * And threads that hang: with FAULT_STALL=<name>:<file>, whoever passes the point with this name
 * stays there as long as the file is there.
 *
 * And operations that fail: FAULT_FAILURES names a directory. While it has a file with the name of
 * a point, whoever passes that point fails.
 *
 * And FAULT_PATIENCE=<n>: what the end of a stop may take by the kernel's clock is so many times as
 * long. A build with sanitizers on a busy machine is slow, and nothing hangs in it.
 *
 * Only in builds with the CMake option SSE_SERVER_FAULTS. In all others a point costs nothing, and
 * the environment is not looked at.
 */

#include <stdbool.h>

/* Whose memory: that of a library, or our own (base/mem.h). */
enum fault_area {
    FAULT_OWN,
    FAULT_JSON,  /* jansson, */
    FAULT_TLS,   /* OpenSSL, */
    FAULT_H2,    /* nghttp2, */
    FAULT_STORE, /* SQLite, */
    FAULT_HTTP,  /* libcurl */
    FAULT_AREAS
};

#ifdef SSE_SERVER_FAULTS
void fault_point(const char *name);
void fault_stall(const char *name);
bool fault_failure(const char *name);
/* Whether this allocation is to be refused. */
bool fault_allocation(enum fault_area area);
unsigned fault_patience(void);
#else
#define fault_point(name)      ((void)(name))
#define fault_stall(name)      ((void)(name))
#define fault_failure(name)    ((void)(name), false)
#define fault_allocation(area) ((void)(area), false)
#define fault_patience()       1u
#endif

#endif
