/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_VERSION_H
#define SERVER_VERSION_H
/* The version of the program, as CMakeLists.txt says it. */

extern const char server_version[];
extern const char server_agent[]; /* what it calls itself to other servers */

#endif
