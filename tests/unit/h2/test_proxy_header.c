/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "h2/origin.h"
#include "support/test.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb"
#define V6                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"         \
    "\xdc\x04\x01\xbb"
#define ZEROS_72                                                                                   \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                     \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define UNIX_BLOCK ZEROS_72 ZEROS_72 ZEROS_72

#define BYTES(text) (text), sizeof(text) - 1

/* A copy without a byte behind it, so that a sanitizer sees what is read there. */
static ssize_t parse(const char *data, size_t length, struct h2_proxy_header *header)
{
    char *copy = mem_alloc(length > 0 ? length : 1);

    memcpy(copy, data, length);
    ssize_t result = h2_proxy_header_parse(copy, length, header);
    free(copy);
    return result;
}

static const char *peer_text(const union h2_peer *peer)
{
    static char text[80];
    char address[INET6_ADDRSTRLEN] = "";

    switch (peer->any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &peer->v4.sin_addr, address, sizeof(address));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &peer->v6.sin6_addr, address, sizeof(address));
        break;
    default:
        return peer->any.sa_family == AF_UNIX ? "unix" : "none";
    }
    snprintf(text, sizeof(text), "%s %u", address, ntohs(peer->v4.sin_port));
    return text;
}

/* Every beginning of a header needs more, and whatever follows it is not its own. */
static void assert_header(const char *data, size_t length, const char *peer)
{
    struct h2_proxy_header header;
    char *longer = mem_alloc(length + 5);

    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(parse(data, cut, &header), 0);
    assert_int_equal(parse(data, length, &header), length);
    assert_string_equal(peer_text(&header.peer), peer);
    memcpy(longer, data, length);
    memcpy(longer + length, "\x16\x03\x01\r\n", 5);
    assert_int_equal(parse(longer, length + 5, &header), length);
    assert_string_equal(peer_text(&header.peer), peer);
    free(longer);
}

static void headers(void **state)
{
    static const struct {
        const char *data;
        size_t length;
        const char *peer;
    } rows[] = {
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"), "192.0.2.1 56324"},
        {BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
         "255.255.255.255 65535"},
        {BYTES("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0 0"},
        {BYTES("PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n"), "2001:db8::7 56324"},
        {BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535"},
        {BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "::ffff:192.0.2.1 1"},
        {BYTES("PROXY UNKNOWN\r\n"), "none"},
        {BYTES("PROXY UNKNOWN \r\n"), "none"},
        {BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
         "none"}, /* 107 octets */
        {BYTES(SIGNATURE "\x21\x11\x00\x0c" V4), "192.0.2.1 56324"},
        {BYTES(SIGNATURE "\x21\x21\x00\x24" V6), "2001:db8::7 56324"},
        {BYTES(SIGNATURE "\x21\x31\x00\xd8" UNIX_BLOCK), "unix"},
        {BYTES(SIGNATURE "\x21\x00\x00\x00"), "none"},
        {BYTES(SIGNATURE "\x21\x00\x00\x04\x04\x00\x01x"), "none"},
        {BYTES(SIGNATURE "\x21\x12\x00\x0c" V4), "none"},
        {BYTES(SIGNATURE "\x21\x22\x00\x24" V6), "none"},
        {BYTES(SIGNATURE "\x21\x32\x00\xd8" UNIX_BLOCK), "none"},
        {BYTES(SIGNATURE "\x20\x00\x00\x00"), "none"},
        {BYTES(SIGNATURE "\x20\x11\x00\x0c" V4), "none"},
        {BYTES(SIGNATURE "\x20\xff\x00\x03???"), "none"},
        {BYTES(SIGNATURE "\x21\x11\x00\x10" V4 "\x04\x00\x01x"), "192.0.2.1 56324"},
        {BYTES(SIGNATURE "\x21\x11\x00\x12" V4 "\xea\x00\x00\x05\x00\x00"), "192.0.2.1 56324"},
        {BYTES(SIGNATURE "\x21\x11\x00\x1f" V4 "\x03\x00\x04\x49\xc4\x31\xdb\x02\x00\x09localhost"),
         "192.0.2.1 56324"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_header(rows[i].data, rows[i].length, rows[i].peer);
}

/* What is none is refused with the octet that makes it one, and remains so. */
static void not_headers(void **state)
{
    static const struct {
        const char *data;
        size_t length;
        size_t last_hope; /* so many octets could still become a header */
    } rows[] = {
        {BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 0}, /* TLS */
        {BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 2},
        {BYTES("GET / HTTP/1.1\r\n"), 0},
        {BYTES("proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n"), 0},
        {BYTES("PROXY\tTCP4 192.0.2.1 198.51.100.7 1 2\r\n"), 5},
        {BYTES("PROXY TCP4\n"), 10},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n"), 37},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\r\n"), 38},
        {BYTES("PROXY TCP4 192.0.2.1\0 198.51.100.7 1 2\r\n"), 20},
        {BYTES("PROXY \r\n"), 7},
        {BYTES("PROXY UNKNOWNS\r\n"), 15},
        {BYTES("PROXY TCP5 192.0.2.1 198.51.100.7 1 2\r\n"), 38},
        {BYTES("PROXY TCP 192.0.2.1 198.51.100.7 1 2\r\n"), 37},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n"), 36},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n"), 40},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n"), 39},
        {BYTES("PROXY  TCP4 192.0.2.1 198.51.100.7 1 2\r\n"), 39},
        {BYTES("PROXY TCP4 192.0.2.1  198.51.100.7 1 2\r\n"), 39},
        {BYTES("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"), 39},
        {BYTES("PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n"), 38},
        {BYTES("PROXY TCP4 192.0.2.01 198.51.100.7 1 2\r\n"), 39},
        {BYTES("PROXY TCP4 192.0.2 198.51.100.7 1 2\r\n"), 36},
        {BYTES("PROXY TCP4 192.0.2.1 localhost 1 2\r\n"), 35},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 65536 2\r\n"), 42},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 65536\r\n"), 42},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 -1 2\r\n"), 39},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n"), 39},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 100000\r\n"), 43},
        {BYTES("PROXY TCP6 fe80::1%lo ::1 1 2\r\n"), 30},
        {BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 \r\n"),
         105}, /* 108 octets */
        {BYTES("\r\n\r\nGET / HTTP/1.1\r\n"), 4},
        {BYTES("\r\n\r\n\0\r\nQUIT\r\n"), 11},
        {BYTES(SIGNATURE "\x11\x11\x00\x0c" V4), 12},
        {BYTES(SIGNATURE "\x22\x11\x00\x0c" V4), 12},
        {BYTES(SIGNATURE "\x21\x13\x00\x0c" V4), 15},
        {BYTES(SIGNATURE "\x21\x10\x00\x0c" V4), 15},
        {BYTES(SIGNATURE "\x21\x41\x00\x0c" V4), 15},
        {BYTES(SIGNATURE "\x21\x11\x00\x0b" V4), 15},
        {BYTES(SIGNATURE "\x21\x21\x00\x0c" V4), 15},
        {BYTES(SIGNATURE "\x21\x31\x00\xd7" UNIX_BLOCK), 15},
        {BYTES(SIGNATURE "\x21\x11\x0f\xf1" V4), 15}, /* 4097 octets */
        {BYTES(SIGNATURE "\x21\x11\xff\xff" V4), 15},
        {BYTES(SIGNATURE "\x20\x00\xff\xff"), 15},
        {BYTES(SIGNATURE "\x21\x11\x00\x0d" V4 "\x04"), 28},
        {BYTES(SIGNATURE "\x21\x11\x00\x0e" V4 "\x04\x00"), 29},
        {BYTES(SIGNATURE "\x21\x11\x00\x0f" V4 "\x04\x00\x01"), 30},
        {BYTES(SIGNATURE "\x21\x11\x00\x10" V4 "\x02\x00\x01\x1f"), 31},
        {BYTES(SIGNATURE "\x21\x11\x00\x10" V4 "\x02\x00\x01\xff"), 31},
        {BYTES(SIGNATURE "\x21\x11\x00\x10" V4 "\x02\x00\x01\0"), 31},
        {BYTES(SIGNATURE "\x21\x11\x00\x12" V4 "\x03\x00\x03\x00\x00\x00"), 33},
        {BYTES(SIGNATURE "\x21\x11\x00\x13" V4 "\x03\x00\x04\x00\x00\x00\x00"), 34},
        {BYTES(SIGNATURE "\x21\x11\x00\x1f" V4 "\x03\x00\x04\x49\xc4\x31\xdb\x02\x00\x09localhosT"),
         46},
        {BYTES(SIGNATURE "\x21\x11\x00\x13" V4 "\x20\x00\x04\x01\x00\x00\x00"), 34},
        {BYTES(SIGNATURE "\x21\x11\x00\x16" V4 "\x20\x00\x07\x01\x00\x00\x00\x00\x21\x00"), 37},
        {BYTES(SIGNATURE "\x21\x11\x00\x17" V4 "\x20\x00\x08\x01\x00\x00\x00\x00\x21\x00\x01"), 38},
        {BYTES(SIGNATURE "\x21\x11\x00\x18" V4 "\x20\x00\x09\x01\x00\x00\x00\x00\x21\x00\x01\n"),
         39},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct h2_proxy_header header;

        for (size_t cut = 0; cut <= rows[i].length; cut++)
            assert_int_equal(parse(rows[i].data, cut, &header),
                             cut <= rows[i].last_hope ? 0 : -EPROTO);
    }
}

static void the_longest_header(void **state)
{
    static const char head[] = SIGNATURE "\x21\x11\x0f\xf0" V4 "\x04\x0f\xe1";
    char *data = mem_zalloc(H2_PROXY_HEADER_MOST);

    (void)state;
    memcpy(data, head, sizeof(head) - 1);
    assert_header(data, H2_PROXY_HEADER_MOST, "192.0.2.1 56324");
    free(data);
}

static void assert_text(const struct word *text, const char *expected)
{
    assert_int_equal(text->length, strlen(expected));
    if (text->length > 0)
        assert_memory_equal(text->text, expected, text->length);
}

/* verified: the flags, and the result of verification */
/* clang-format off */
#define SSL_TLV(verified)                                                                          \
    SIGNATURE "\x21\x11\x00\x3a" V4                                                               \
    "\x20\x00\x1f" verified                                                                        \
        "\x21\x00\x07" "TLSv1.3"                                                                   \
        "\x22\x00\x03" "Ann"                                                                       \
        "\x23\x00\x03" "AES"                                                                       \
        "\x24\x00\x01" "x"                                                                         \
    "\x02\x00\x09" "localhost"
/* clang-format on */

static void tls_facts(void **state)
{
    static const struct {
        const char *data;
        size_t length;
        bool is_tls;
        const char *client_name;
    } rows[] = {
        {BYTES(SSL_TLV("\x01\x00\x00\x00\x01")), true, ""},
        {BYTES(SSL_TLV("\x01\x00\x00\x00\x00")), true, ""}, /* no certificate came */
        {BYTES(SSL_TLV("\x03\x00\x00\x00\x00")), true, "Ann"},
        {BYTES(SSL_TLV("\x05\x00\x00\x00\x00")), true, "Ann"},
        {BYTES(SSL_TLV("\x07\x00\x00\x00\x01")), true, ""},
        {BYTES(SSL_TLV("\x07\x01\x00\x00\x00")), true, ""},
        {BYTES(SSL_TLV("\x00\x00\x00\x00\x00")), false, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct h2_proxy_header header;

        assert_header(rows[i].data, rows[i].length, "192.0.2.1 56324");
        assert_int_equal(h2_proxy_header_parse(rows[i].data, rows[i].length, &header),
                         rows[i].length);
        assert_int_equal(header.is_tls, rows[i].is_tls);
        assert_text(&header.tls_version, "TLSv1.3");
        assert_text(&header.tls_cipher, "AES");
        assert_text(&header.client_name, rows[i].client_name);
        assert_text(&header.authority, "localhost");
    }
}

static void nothing_is_said(void **state)
{
    static const char data[] = SIGNATURE "\x21\x11\x00\x0c" V4;
    struct h2_proxy_header header;

    (void)state;
    assert_true(h2_proxy_header_parse(BYTES(data), &header) > 0);
    assert_false(header.is_tls);
    assert_text(&header.tls_version, "");
    assert_text(&header.tls_cipher, "");
    assert_text(&header.client_name, "");
    assert_text(&header.authority, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(not_headers),
        cmocka_unit_test(the_longest_header),
        cmocka_unit_test(tls_facts),
        cmocka_unit_test(nothing_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
