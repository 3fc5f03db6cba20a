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
struct in6_addr;
struct sockaddr;

/* Reads a list of words (base/text.h). NULL when one of them is no network; then fault is a
 * sentence that names it and says what would be right. */
struct networks *networks_new(const char *text, char *fault, size_t fault_size);
void networks_free(struct networks *networks);

bool networks_contain(const struct networks *networks, const struct sockaddr *address);

/* The same for "10.1.2.3", "::1" or "unix"; what is no address lies in no network. */
bool networks_contain_text(const struct networks *networks, const char *address);

/* The longest text of an IPv6 address, and a NUL. */
#define NETWORKS_TEXT_SIZE 46u

/* Whether it stands for an IPv4 address, in its last four octets: mapped (::ffff:0:0/96), or
 * written by who translates for servers that have IPv6 alone (64:ff9b::/96, RFC 7755). */
bool address_has_v4(const struct in6_addr *address);

/* The same for all that one customer has: an IPv4 address, or the /64 of an IPv6 address, in which
 * a client chooses its own. */
void networks_customer(const char *address, char customer[NETWORKS_TEXT_SIZE]);

/* Whether an address is of the Internet at large, and not this machine, its network, a group or one
 * that is reserved (RFC 6890 and IANA's registries of special purposes). IPv4 addresses inside of
 * IPv6 ones (mapped, NAT64, 6to4) count as what they are. */
bool public_address_is(const struct sockaddr *address);

/* The same of a text as inet_pton() reads it; false for what is none. */
bool public_address_is_text(const char *address);

#endif
