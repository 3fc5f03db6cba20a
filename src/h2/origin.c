/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "h2/listener.h"
#include "h2/state.h"
#include "h2/tls.h"

/* Version 1: a line. */
#define V1_MOST   ((size_t)107) /* with its CR and LF */
#define V1_FIELDS 5u            /* behind the word PROXY */

/* Version 2: twelve octets that no other protocol begins with, four more, then the addresses. */
#define V2_SIGNATURE ((size_t)12)
#define V2_HEAD      ((size_t)16)
#define V2_LOCAL     0x20u
#define V2_PROXY     0x21u

#define TLV_HEAD        ((size_t)3)
#define TLV_AUTHORITY   0x02u
#define TLV_CRC32C      0x03u
#define TLV_SSL         0x20u
#define TLV_SSL_VERSION 0x21u
#define TLV_SSL_CN      0x22u
#define TLV_SSL_CIPHER  0x23u

#define SSL_HEAD   ((size_t)5) /* flags, and the result of verification */
#define CLIENT_SSL 0x01u
/* Its certificate came with this connection, or with the one before that it resumes. */
#define CLIENT_CERTIFICATE (0x02u | 0x04u)

static const uint8_t v1_start[] = {'P', 'R', 'O', 'X', 'Y', ' '};
static const uint8_t v2_start[V2_SIGNATURE] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                               '\n', 'Q',  'U',  'I',  'T', '\n'};

struct span {
    const uint8_t *data;
    size_t length;
};

static unsigned number16(const uint8_t *data)
{
    return (unsigned)data[0] << 8 | data[1];
}

static uint32_t number32(const uint8_t *data)
{
    return (uint32_t)number16(data) << 16 | number16(data + 2);
}

static bool begins_like(struct span input, const uint8_t *start, size_t length)
{
    return memcmp(input.data, start, input.length < length ? input.length : length) == 0;
}

/* Decimal, as proxies write it: no sign, no zeros in front. */
static int read_port(const char *text, in_port_t *port)
{
    size_t length = strlen(text);

    if (length == 0 || length > 5 || strspn(text, "0123456789") != length ||
        (text[0] == '0' && length > 1))
        return -EPROTO;
    unsigned long number = strtoul(text, NULL, 10);
    if (number > UINT16_MAX)
        return -EPROTO;
    *port = htons((uint16_t)number);
    return 0;
}

/* fields: family, source, destination, their ports. */
static int read_v1_peer(char *const fields[V1_FIELDS], union h2_peer *peer)
{
    const bool is_v4 = strcmp(fields[0], "TCP4") == 0;
    const int family = is_v4 ? AF_INET : AF_INET6;
    struct in6_addr ignored;
    in_port_t ignored_port;

    peer->any.sa_family = (sa_family_t)family;
    /* sin_port and sin6_port lie at the same place. */
    if ((!is_v4 && strcmp(fields[0], "TCP6") != 0) ||
        inet_pton(family, fields[1],
                  is_v4 ? (void *)&peer->v4.sin_addr : (void *)&peer->v6.sin6_addr) != 1 ||
        inet_pton(family, fields[2], &ignored) != 1 ||
        read_port(fields[3], &peer->v4.sin_port) != 0 || read_port(fields[4], &ignored_port) != 0)
        return -EPROTO;
    return 0;
}

/* The line between the word PROXY and its end. */
static int read_v1_line(const uint8_t *line, size_t length, union h2_peer *peer)
{
    char copy[V1_MOST + 1];
    char *rest = copy;
    char *fields[V1_FIELDS];

    memcpy(copy, line, length);
    copy[length] = '\0';
    fields[0] = strsep(&rest, " ");
    if (strcmp(fields[0], "UNKNOWN") == 0)
        return 0; /* whatever stands behind it */
    for (size_t i = 1; i < V1_FIELDS; i++) {
        fields[i] = strsep(&rest, " ");
        if (!fields[i])
            return -EPROTO;
    }
    return rest ? -EPROTO : read_v1_peer(fields, peer);
}

static ssize_t parse_v1(struct span input, struct h2_proxy_header *header)
{
    size_t at = sizeof(v1_start);

    while (at < input.length && input.data[at] >= ' ' && input.data[at] <= '~')
        at++;
    if (at + 2 > V1_MOST)
        return -EPROTO;
    if (at >= input.length || (input.data[at] == '\r' && at + 1 == input.length))
        return 0;
    if (input.data[at] != '\r' || input.data[at + 1] != '\n')
        return -EPROTO;
    if (read_v1_line(input.data + sizeof(v1_start), at - sizeof(v1_start), &header->peer) != 0)
        return -EPROTO;
    return (ssize_t)at + 2;
}

/* Reflected, polynomial 0x1EDC6F41 (RFC 4960 appendix B). Headers are short and come once. */
static uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return crc;
}

/* The sum is made as if the four octets that hold it were zero. */
static int check_sum(struct span whole, struct span sum)
{
    static const uint8_t zeros[4];
    size_t before = (size_t)(sum.data - whole.data);
    uint32_t crc = UINT32_MAX;

    if (sum.length != sizeof(zeros))
        return -EPROTO;
    crc = crc32c(crc, whole.data, before);
    crc = crc32c(crc, zeros, sizeof(zeros));
    crc = crc32c(crc, sum.data + sum.length, whole.length - before - sum.length);
    return ~crc == number32(sum.data) ? 0 : -EPROTO;
}

/* The value of the next TLV, and *rest behind it. */
static int take_tlv(struct span *rest, unsigned *type, struct span *value)
{
    if (rest->length < TLV_HEAD)
        return -EPROTO;
    *type = rest->data[0];
    value->length = number16(rest->data + 1);
    value->data = rest->data + TLV_HEAD;
    if (value->length > rest->length - TLV_HEAD)
        return -EPROTO;
    rest->data = value->data + value->length;
    rest->length -= TLV_HEAD + value->length;
    return 0;
}

static int read_text(struct span value, struct word *text)
{
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < ' ' || value.data[i] == 0x7f)
            return -EPROTO;
    }
    text->text = (const char *)value.data;
    text->length = value.length;
    return utf8_is_valid(text->text, text->length) ? 0 : -EPROTO;
}

static int read_ssl(struct span rest, struct h2_proxy_header *header)
{
    struct word name = {NULL, 0};
    int rc = 0;

    if (rest.length < SSL_HEAD)
        return -EPROTO;
    unsigned client = rest.data[0];
    bool is_verified = number32(rest.data + 1) == 0 && (client & CLIENT_CERTIFICATE);
    rest.data += SSL_HEAD;
    rest.length -= SSL_HEAD;
    header->is_tls = client & CLIENT_SSL;
    while (rc == 0 && rest.length > 0) {
        struct span value;
        unsigned type;

        rc = take_tlv(&rest, &type, &value);
        if (rc == 0 && type == TLV_SSL_VERSION)
            rc = read_text(value, &header->tls_version);
        else if (rc == 0 && type == TLV_SSL_CIPHER)
            rc = read_text(value, &header->tls_cipher);
        else if (rc == 0 && type == TLV_SSL_CN)
            rc = read_text(value, &name);
    }
    if (is_verified)
        header->client_name = name;
    return rc;
}

static int read_tlvs(struct span whole, struct span rest, struct h2_proxy_header *header)
{
    int rc = 0;

    while (rc == 0 && rest.length > 0) {
        struct span value;
        unsigned type;

        rc = take_tlv(&rest, &type, &value);
        if (rc == 0 && type == TLV_AUTHORITY)
            rc = read_text(value, &header->authority);
        else if (rc == 0 && type == TLV_SSL)
            rc = read_ssl(value, header);
        else if (rc == 0 && type == TLV_CRC32C)
            rc = check_sum(whole, value);
    }
    return rc;
}

/* Of no family are datagrams, too, as the specification wants it. */
static const struct family {
    unsigned code;
    size_t block; /* octets of addresses and ports */
    sa_family_t family;
} families[] = {
    {0x00, 0, AF_UNSPEC},   /* unspecified */
    {0x11, 12, AF_INET},    /* TCP over IPv4 */
    {0x12, 12, AF_UNSPEC},  /* UDP */
    {0x21, 36, AF_INET6},   /* TCP over IPv6 */
    {0x22, 36, AF_UNSPEC},  /* UDP */
    {0x31, 216, AF_UNIX},   /* unix stream; a path says nothing about who is behind it */
    {0x32, 216, AF_UNSPEC}, /* unix datagram */
};

static void read_peer(sa_family_t family, const uint8_t *block, union h2_peer *peer)
{
    peer->any.sa_family = family;
    if (family == AF_INET) {
        memcpy(&peer->v4.sin_addr, block, 4);
        memcpy(&peer->v4.sin_port, block + 8, 2);
    } else if (family == AF_INET6) {
        memcpy(&peer->v6.sin6_addr, block, 16);
        memcpy(&peer->v6.sin6_port, block + 32, 2);
    }
}

static ssize_t parse_v2(struct span input, struct h2_proxy_header *header)
{
    if (input.length <= V2_SIGNATURE)
        return 0;
    bool is_local = input.data[12] == V2_LOCAL;
    if (!is_local && input.data[12] != V2_PROXY)
        return -EPROTO;
    if (input.length < V2_HEAD)
        return 0;
    const struct family *family = NULL;
    for (size_t i = 0; i < COUNT(families) && !family; i++)
        if (families[i].code == (is_local ? 0 : input.data[13]))
            family = &families[i];
    size_t length = number16(input.data + 14);
    if (!family || family->block > length || length > H2_PROXY_HEADER_MOST - V2_HEAD)
        return -EPROTO;
    if (input.length < V2_HEAD + length)
        return 0;
    const struct span whole = {input.data, V2_HEAD + length};
    const struct span tlvs = {input.data + V2_HEAD + family->block, length - family->block};
    if (is_local) /* about the proxy, and all of it to be skipped */
        return (ssize_t)whole.length;
    read_peer(family->family, input.data + V2_HEAD, &header->peer);
    return read_tlvs(whole, tlvs, header) == 0 ? (ssize_t)whole.length : -EPROTO;
}

ssize_t h2_proxy_header_parse(const void *data, size_t length, struct h2_proxy_header *header)
{
    const struct span input = {data, length};

    *header = (struct h2_proxy_header){.is_tls = false};
    if (length == 0)
        return 0;
    if (begins_like(input, v1_start, sizeof(v1_start)))
        return parse_v1(input, header);
    if (begins_like(input, v2_start, sizeof(v2_start)))
        return parse_v2(input, header);
    return -EPROTO;
}

/* The texts lie behind each other in one block: few sessions have any. */
struct h2_told {
    bool is_tls;
    struct h2_tls_facts facts;
    char texts[];
};

static const char *put_text(char **at, const struct word *text)
{
    char *to = *at;

    if (text->length > 0)
        memcpy(to, text->text, text->length);
    to[text->length] = '\0';
    *at = to + text->length + 1;
    return to;
}

static struct h2_told *keep_told(const struct h2_proxy_header *header)
{
    size_t length = header->tls_version.length + header->tls_cipher.length +
                    header->client_name.length + header->authority.length;

    if (!header->is_tls && length == 0)
        return NULL;
    struct h2_told *told = mem_alloc(sizeof(*told) + length + 4);
    char *at = told->texts;
    told->is_tls = header->is_tls;
    told->facts.version = put_text(&at, &header->tls_version);
    told->facts.cipher = put_text(&at, &header->tls_cipher);
    told->facts.client_name = put_text(&at, &header->client_name);
    told->facts.server_name = put_text(&at, &header->authority);
    return told;
}

void h2_origin_release(struct h2_origin *origin)
{
    buf_release(&origin->header);
    free(origin->told);
    origin->told = NULL;
}

int h2_origin_read_header(struct h2_origin *origin, struct h2_wire *wire)
{
    const size_t before = origin->header.length;
    struct h2_proxy_header header;
    const uint8_t *data;
    ssize_t count = h2_wire_peek(wire, &data, H2_PROXY_HEADER_MOST - before);

    if (count <= 0)
        return count == 0 ? -EPIPE : (int)count;
    if (before > 0) { /* rarely: proxies send it in one piece */
        buf_append(&origin->header, data, (size_t)count);
        data = (const uint8_t *)origin->header.data;
    }
    ssize_t length = h2_proxy_header_parse(data, before + (size_t)count, &header);
    if (length < 0)
        return -EPROTO;
    if (length == 0) {
        if (before == 0)
            buf_append(&origin->header, data, (size_t)count);
        int result = h2_wire_skip(wire, (size_t)count);
        return result == 0 ? -EAGAIN : result;
    }
    origin->is_told = header.peer.any.sa_family != AF_UNSPEC;
    if (origin->is_told)
        origin->peer = header.peer;
    origin->told = keep_told(&header);
    buf_release(&origin->header);
    return h2_wire_skip(wire, (size_t)length - before);
}

const char *h2_session_peer(const struct h2_session *session, char *buffer, size_t size)
{
    return h2_peer_text(&session->origin.peer, buffer, size);
}

unsigned h2_session_role(const struct h2_session *session)
{
    return session->origin.listener->role;
}

const char *h2_session_transport_security(const struct h2_session *session)
{
    return session->origin.listener->transport_security;
}

bool h2_session_is_misdirected(const struct h2_session *session, const char *authority)
{
    return session->wire.ssl && h2_tls_is_misdirected(session->wire.ssl, authority);
}

bool h2_session_has_name(const struct h2_session *session, const char *host)
{
    return session->wire.ssl && h2_tls_has_name(session->wire.ssl, host);
}

/* A proxy that ends the client's TLS says so; one that passes it through has nothing to say, or
 * says that it speaks none itself. */
void h2_session_tls(const struct h2_session *session, struct h2_tls_facts *facts)
{
    const struct h2_told *told = session->origin.told;
    const SSL *ssl = session->wire.ssl;

    *facts = (struct h2_tls_facts){"", "", "", ""};
    if (told && told->is_tls) {
        *facts = told->facts;
    } else if (ssl) {
        facts->version = SSL_get_version(ssl);
        facts->cipher = SSL_get_cipher_name(ssl);
    }
    if (told && told->facts.server_name[0] != '\0')
        facts->server_name = told->facts.server_name;
    else if (ssl && SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))
        facts->server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
}

const char *h2_session_protocol(const struct h2_session *session)
{
    return session->protocol ? session->protocol->name : "HTTP/2";
}

bool h2_session_is_shared(const struct h2_session *session)
{
    return !session->protocol;
}

uint64_t h2_session_number(const struct h2_session *session)
{
    return session->number;
}

uint32_t *h2_session_handler_count(struct h2_session *session)
{
    return &session->handler_count;
}
