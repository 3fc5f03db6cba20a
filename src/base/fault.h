/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H
/*
 * Places where a crash would be hardest to get over, for the tests that crash there: with
 * FAULT_POINT=<name>:<n> in the environment, the n-th pass of the point with this name, by whatever
 * thread, kills the process as kill -9 would.
 *
 * Only in builds with the CMake option SSE_SERVER_FAULTS. In all others a point costs nothing, and
 * the environment is not looked at.
 */

#ifdef SSE_SERVER_FAULTS
void fault_point(const char *name);
#else
static inline void fault_point(const char *name)
{
    (void)name;
}
#endif

#endif
