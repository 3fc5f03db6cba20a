/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_ORIGIN_H
#define H2_ORIGIN_H
/*
 * The PROXY protocol, versions 1 (text) and 2 (binary), as HAProxy's proxy-protocol.txt has it:
 * what a proxy says about its client before the client's own first octet. Anybody can write such a
 * header; whose are believed is decided elsewhere.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"
#include "h2/peer.h"

/* The longest header that is taken. Room for addresses, a client's name and some more;
 * certificates, which a proxy may add as well, do not fit. */
#define H2_PROXY_HEADER_MOST ((size_t)4096)

/* The texts lie inside of the header's octets; length 0 when it is not said. */
struct h2_proxy_header {
    union h2_peer
        peer;    /* AF_UNSPEC: not said, the connection is the proxy's own or of no known kind */
    bool is_tls; /* the client speaks TLS, and with the proxy */
    struct word tls_version; /* "TLSv1.3" */
    struct word tls_cipher;  /* "TLS_AES_128_GCM_SHA256" */
    struct word client_name; /* common name of a certificate that the proxy has verified */
    struct word authority;   /* the host that the client asked for (SNI) */
};

/* Reads the header at the beginning of data. Its length; 0 while it may become one with more
 * octets; -EPROTO as soon as it cannot. All texts are printable, UTF-8 where they may be. */
ssize_t h2_proxy_header_parse(const void *data, size_t length, struct h2_proxy_header *header);

#endif
