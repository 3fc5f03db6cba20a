/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PUBLIC_ADDRESS_H
#define BASE_PUBLIC_ADDRESS_H
/*
 * Whether an address is of the Internet at large, and not this machine, its network, a group or one
 * that is reserved (RFC 6890 and IANA's registries of special purposes). IPv4 addresses inside of
 * IPv6 ones (mapped, NAT64, 6to4) count as what they are.
 */
#include <stdbool.h>

struct sockaddr;

bool public_address_is(const struct sockaddr *address);

/* The same of a text as inet_pton() reads it; false for what is none. */
bool public_address_is_text(const char *address);

#endif
