/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/proxy_header.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
    struct in6_addr ignored;
    in_port_t ignored_port;

    if (strcmp(fields[0], "TCP4") == 0) {
        peer->v4.sin_family = AF_INET;
        if (inet_pton(AF_INET, fields[1], &peer->v4.sin_addr) != 1 ||
            inet_pton(AF_INET, fields[2], &ignored) != 1)
            return -EPROTO;
    } else if (strcmp(fields[0], "TCP6") == 0) {
        peer->v6.sin6_family = AF_INET6;
        if (inet_pton(AF_INET6, fields[1], &peer->v6.sin6_addr) != 1 ||
            inet_pton(AF_INET6, fields[2], &ignored) != 1)
            return -EPROTO;
    } else {
        return -EPROTO;
    }
    /* sin_port and sin6_port lie at the same place. */
    if (read_port(fields[3], &peer->v4.sin_port) != 0 || read_port(fields[4], &ignored_port) != 0)
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

static int read_text(struct span value, struct h2_proxy_text *text)
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
    struct h2_proxy_text name = {NULL, 0};
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

static void read_v4(const uint8_t *block, union h2_peer *peer)
{
    peer->v4.sin_family = AF_INET;
    memcpy(&peer->v4.sin_addr, block, 4);
    memcpy(&peer->v4.sin_port, block + 8, 2);
}

static void read_v6(const uint8_t *block, union h2_peer *peer)
{
    peer->v6.sin6_family = AF_INET6;
    memcpy(&peer->v6.sin6_addr, block, 16);
    memcpy(&peer->v6.sin6_port, block + 32, 2);
}

static void read_unix(const uint8_t *block, union h2_peer *peer)
{
    (void)block; /* a path says nothing about who is behind it */
    peer->any.sa_family = AF_UNIX;
}

/* What is no stream is of no known kind, as the specification wants it. */
static void read_nothing(const uint8_t *block, union h2_peer *peer)
{
    (void)block;
    (void)peer;
}

static const struct family {
    unsigned code;
    size_t block; /* octets of addresses and ports */
    void (*read)(const uint8_t *block, union h2_peer *peer);
} families[] = {
    {0x00, 0, read_nothing},   /* unspecified */
    {0x11, 12, read_v4},       /* TCP over IPv4 */
    {0x12, 12, read_nothing},  /* UDP */
    {0x21, 36, read_v6},       /* TCP over IPv6 */
    {0x22, 36, read_nothing},  /* UDP */
    {0x31, 216, read_unix},    /* unix stream */
    {0x32, 216, read_nothing}, /* unix datagram */
};

static const struct family *find_family(unsigned code)
{
    for (size_t i = 0; i < COUNT(families); i++) {
        if (families[i].code == code)
            return &families[i];
    }
    return NULL;
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
    const struct family *family = find_family(is_local ? 0 : input.data[13]);
    size_t length = number16(input.data + 14);
    if (!family || family->block > length || length > H2_PROXY_HEADER_MOST - V2_HEAD)
        return -EPROTO;
    if (input.length < V2_HEAD + length)
        return 0;
    const struct span whole = {input.data, V2_HEAD + length};
    const struct span tlvs = {input.data + V2_HEAD + family->block, length - family->block};
    if (is_local) /* about the proxy, and all of it to be skipped */
        return (ssize_t)whole.length;
    family->read(input.data + V2_HEAD, &header->peer);
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
