/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_ADDRESS_H
#define LOAD_ADDRESS_H

struct load_endpoint;

/* HOST:PORT or [HOST]:PORT into the endpoint; the text is borrowed as its authority. 0, or a
 * negative errno, told on stderr. */
int load_address_resolve(const char *text, struct load_endpoint *endpoint);

#endif
