/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_NETWORKS_H
#define BASE_NETWORKS_H
/*
 * A set of IP networks, as a setting says it: "127.0.0.1, 10.0.0.0/8, ::1, fd00::/8", and "unix"
 * for clients of unix sockets. An IPv4-mapped IPv6 address (::ffff:10.0.0.1) counts as the IPv4
 * address that it is; apart from that no IPv4 address lies in an IPv6 network, not even in ::/0.
 */
#include <stdbool.h>
#include <stddef.h>

struct networks;
struct sockaddr;

/* Reads a list of words (base/words.h). NULL when one of them is no network; then fault is a
 * sentence that names it and says what would be right. */
struct networks *networks_new(const char *text, char *fault, size_t fault_size);
void networks_free(struct networks *networks);

/* Whether the first prefix bits of an address are those of a network, whose other bits are 0. */
bool networks_match(const unsigned char *address, const unsigned char *network, unsigned prefix);

size_t networks_count(const struct networks *networks);

bool networks_contain(const struct networks *networks, const struct sockaddr *address);

/* The same for "10.1.2.3", "::1" or "unix"; what is no address lies in no network. */
bool networks_contain_text(const struct networks *networks, const char *address);

#endif
