/* SPDX-License-Identifier: Apache-2.0 */
#include "h1/scan.h"

#include <string.h>

#define MOST_SIZE_DIGITS 15u

static const char version[] = "HTTP/1.";

/* RFC 9110 5.6.2 */
static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Of ASCII, and seen. */
static bool is_visible(char c)
{
    return c > 0x20 && c < 0x7f; /* others are negative where char is signed */
}

/* RFC 9110 5.5: visible, obs-text, and the two spaces. */
static bool is_text(char c)
{
    const unsigned char octet = (unsigned char)c;

    return octet == '\t' || (octet >= 0x20 && octet != 0x7f);
}

static void refuse(struct h1_scan *scan, int status, const char *text)
{
    scan->fault = status;
    scan->text = text;
}

static void expect(struct h1_scan *scan, enum h1_scan_state state, size_t most)
{
    scan->state = state;
    scan->position = 0;
    scan->octets = 0;
    scan->most = most;
}

void h1_scan_expect_request(struct h1_scan *scan, size_t most)
{
    expect(scan, H1_SCAN_START, most);
}

void h1_scan_expect_trailers(struct h1_scan *scan, size_t most)
{
    expect(scan, H1_SCAN_FIELD, most);
}

void h1_scan_expect_chunk(struct h1_scan *scan, size_t most_extensions, bool is_first)
{
    const size_t before = is_first ? 0 : scan->octets;

    expect(scan, H1_SCAN_SIZE_FIRST, most_extensions);
    scan->octets = before;
}

void h1_scan_expect_data_end(struct h1_scan *scan)
{
    scan->state = H1_SCAN_DATA_CR;
}

bool h1_scan_has_begun(const struct h1_scan *scan)
{
    return scan->state != H1_SCAN_START || scan->octets > 0;
}

static void take_method(struct h1_scan *scan, char c)
{
    if (c == ' ' && scan->state == H1_SCAN_METHOD)
        scan->state = H1_SCAN_TARGET_FIRST;
    else if (!is_token(c))
        refuse(scan, 400,
               "A request begins with its method, a space, its target, a space, and "
               "HTTP/1.1");
    else
        scan->state = H1_SCAN_METHOD;
}

static void take_target(struct h1_scan *scan, char c)
{
    if (c == ' ' && scan->state == H1_SCAN_TARGET)
        scan->state = H1_SCAN_VERSION;
    else if ((c == '\r' || c == '\n') && scan->state == H1_SCAN_TARGET)
        refuse(scan, 400,
               "The request line names no version; HTTP/0.9 is not spoken here, use "
               "HTTP/1.1");
    else if (!is_visible(c))
        refuse(scan, 400,
               "The request's target holds a character that is not ASCII, a second "
               "space or a control character; send it percent-encoded");
    else
        scan->state = H1_SCAN_TARGET;
}

static void take_version(struct h1_scan *scan, char c)
{
    const unsigned at = scan->position++;
    const bool is_digit = c >= '0' && c <= '9';

    if (at < sizeof(version) - 1 && c == version[at])
        return;
    if (at == sizeof(version) - 1 && (c == '0' || c == '1'))
        scan->state = H1_SCAN_VERSION_CR;
    else if (is_digit && (at == sizeof(version) - 1 || at == sizeof(version) - 3))
        refuse(scan, 505,
               "This version of HTTP is not spoken here; use HTTP/1.1, HTTP/1.0, or "
               "HTTP/2 with its preface");
    else
        refuse(scan, 400, "The request line ends with its version: HTTP/1.1 or HTTP/1.0");
}

static void take_cr(struct h1_scan *scan, char c, enum h1_scan_state next)
{
    if (c == '\r')
        scan->state = next;
    else
        refuse(scan, 400, "A line of the request ends with CR and LF, and with nothing else");
}

static void take_lf(struct h1_scan *scan, char c, enum h1_scan_state next)
{
    if (c == '\n')
        scan->state = next;
    else
        refuse(scan, 400, "A CR stands before a LF alone, and ends the line with it");
}

static void take_field(struct h1_scan *scan, char c)
{
    if (c == '\r')
        scan->state = H1_SCAN_LAST_LF;
    else if (c == ' ' || c == '\t')
        refuse(scan, 400, "A header field goes on in a second line (folded); send it in one");
    else if (is_token(c))
        scan->state = H1_SCAN_NAME;
    else
        refuse(scan, 400, "A header field begins with its name, in letters, digits and -");
}

static void take_name(struct h1_scan *scan, char c)
{
    if (c == ':')
        scan->state = H1_SCAN_VALUE;
    else if (c == ' ' || c == '\t')
        refuse(scan, 400, "A space stands before the colon of a header field; send none");
    else if (!is_token(c))
        refuse(scan, 400, "The name of a header field holds a character that names have not");
}

static void take_value(struct h1_scan *scan, char c)
{
    if (c == '\r')
        scan->state = H1_SCAN_LINE_LF;
    else if (c == '\n')
        refuse(scan, 400, "A line of the request ends with LF alone; send CR LF");
    else if (!is_text(c))
        refuse(scan, 400, "The value of a header field holds a control character");
}

static void take_size(struct h1_scan *scan, char c)
{
    if (is_hex(c) && scan->position < MOST_SIZE_DIGITS) {
        scan->state = H1_SCAN_SIZE;
        scan->position++;
    } else if (is_hex(c)) {
        refuse(scan, 400, "The size of a chunk has too many digits");
    } else if (scan->state == H1_SCAN_SIZE && c == ';') {
        scan->state = H1_SCAN_EXTENSION;
    } else if (scan->state == H1_SCAN_SIZE && c == '\r') {
        scan->state = H1_SCAN_DATA_LF;
    } else {
        refuse(scan, 400, "A chunk begins with its size in hexadecimal digits, CR and LF");
    }
}

static void take_extension(struct h1_scan *scan, char c)
{
    if (c == '\r')
        scan->state = H1_SCAN_DATA_LF;
    else if (!is_text(c))
        refuse(scan, 400, "A chunk's extension holds a control character");
    else if (++scan->octets > scan->most)
        refuse(scan, 400, "The extensions of the request's chunks are too long; send none");
}

static void take_start(struct h1_scan *scan, char c)
{
    if (c == '\r' && scan->octets == 0)
        scan->state = H1_SCAN_START_LF;
    else
        take_method(scan, c);
}

static void take(struct h1_scan *scan, char c)
{
    switch (scan->state) {
    case H1_SCAN_START:
        take_start(scan, c);
        return;
    case H1_SCAN_START_LF:
        take_lf(scan, c, H1_SCAN_METHOD_FIRST);
        return;
    case H1_SCAN_METHOD_FIRST:
    case H1_SCAN_METHOD:
        take_method(scan, c);
        return;
    case H1_SCAN_TARGET_FIRST:
    case H1_SCAN_TARGET:
        take_target(scan, c);
        return;
    case H1_SCAN_VERSION:
        take_version(scan, c);
        return;
    case H1_SCAN_VERSION_CR:
        take_cr(scan, c, H1_SCAN_LINE_LF);
        return;
    case H1_SCAN_LINE_LF:
        take_lf(scan, c, H1_SCAN_FIELD);
        return;
    case H1_SCAN_FIELD:
        take_field(scan, c);
        return;
    case H1_SCAN_NAME:
        take_name(scan, c);
        return;
    case H1_SCAN_VALUE:
        take_value(scan, c);
        return;
    case H1_SCAN_SIZE_FIRST:
    case H1_SCAN_SIZE:
        take_size(scan, c);
        return;
    case H1_SCAN_EXTENSION:
        take_extension(scan, c);
        return;
    case H1_SCAN_DATA_CR:
        take_cr(scan, c, H1_SCAN_DATA_LF);
        return;
    case H1_SCAN_LAST_LF:
    case H1_SCAN_DATA_LF:
        take_lf(scan, c, H1_SCAN_DONE);
        return;
    case H1_SCAN_DONE:
        return;
    }
}

/* Octets of the head and of trailers count; those of chunk lines are counted where they come. */
static void count(struct h1_scan *scan)
{
    if (scan->state <= H1_SCAN_LAST_LF && ++scan->octets > scan->most)
        refuse(scan, 431,
               "The request's header fields, or its trailers, are too long "
               "(limits.headerListBytes)");
}

size_t h1_scan_take(struct h1_scan *scan, const char *data, size_t length)
{
    size_t i = 0;

    for (; i < length && scan->state != H1_SCAN_DONE; i++) {
        take(scan, data[i]);
        count(scan);
        if (scan->fault)
            break;
    }
    return i;
}
