/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "h1/parser.h"

#define MOST_SIZE_DIGITS 15u

static const char version[] = "HTTP/1.";

static bool is_one_of(char c, const char *others)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(others, c));
}

/* RFC 9110 5.6.2 */
static bool is_token(char c)
{
    return is_one_of(c, "!#$%&'*+-.^_`|~");
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

void h1_scan_expect(struct h1_scan *scan, enum h1_scan_state first, size_t most)
{
    h1_scan_go_on(scan, first);
    scan->octets = 0;
    scan->most = most;
}

void h1_scan_go_on(struct h1_scan *scan, enum h1_scan_state first)
{
    scan->state = first;
    scan->position = 0;
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

/* Behind the states that take one CR or LF. */
static const enum h1_scan_state after[] = {
    [H1_SCAN_START_LF] = H1_SCAN_METHOD_FIRST, [H1_SCAN_VERSION_CR] = H1_SCAN_LINE_LF,
    [H1_SCAN_LINE_LF] = H1_SCAN_FIELD,         [H1_SCAN_LAST_LF] = H1_SCAN_DONE,
    [H1_SCAN_DATA_CR] = H1_SCAN_DATA_LF,       [H1_SCAN_DATA_LF] = H1_SCAN_DONE,
};

static void take_cr(struct h1_scan *scan, char c)
{
    if (c == '\r')
        scan->state = after[scan->state];
    else
        refuse(scan, 400, "A line of the request ends with CR and LF, and with nothing else");
}

static void take_lf(struct h1_scan *scan, char c)
{
    if (c == '\n')
        scan->state = after[scan->state];
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

static void (*const takes[])(struct h1_scan *scan, char c) = {
    [H1_SCAN_START] = take_start,         [H1_SCAN_START_LF] = take_lf,
    [H1_SCAN_METHOD_FIRST] = take_method, [H1_SCAN_METHOD] = take_method,
    [H1_SCAN_TARGET_FIRST] = take_target, [H1_SCAN_TARGET] = take_target,
    [H1_SCAN_VERSION] = take_version,     [H1_SCAN_VERSION_CR] = take_cr,
    [H1_SCAN_LINE_LF] = take_lf,          [H1_SCAN_FIELD] = take_field,
    [H1_SCAN_NAME] = take_name,           [H1_SCAN_VALUE] = take_value,
    [H1_SCAN_LAST_LF] = take_lf,          [H1_SCAN_SIZE_FIRST] = take_size,
    [H1_SCAN_SIZE] = take_size,           [H1_SCAN_EXTENSION] = take_extension,
    [H1_SCAN_DATA_CR] = take_cr,          [H1_SCAN_DATA_LF] = take_lf,
};

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
        takes[scan->state](scan, data[i]);
        count(scan);
        if (scan->fault)
            break;
    }
    return i;
}

static size_t skip_scheme(const char *text, size_t length)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t scheme = strlen(schemes[i]);

        if (length > scheme && strncasecmp(text, schemes[i], scheme) == 0)
            return scheme;
    }
    return 0;
}

bool h1_target_parse(struct h1_target *target, const char *text, size_t length)
{
    size_t begin;
    size_t end;

    *target = (struct h1_target){.path = text, .path_length = length};
    if (length > 0 && (text[0] == '/' || (length == 1 && text[0] == '*')))
        return true;
    begin = end = skip_scheme(text, length);
    while (end < length && text[end] != '/' && text[end] != '?')
        end++;
    if (begin == 0 || end == begin)
        return false;
    target->authority = text + begin;
    target->authority_length = end - begin;
    target->path = text + end;
    target->path_length = length - end;
    target->lacks_slash = end == length || text[end] == '?';
    return true;
}

static bool is_port(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return length <= 5;
}

/* A comma is allowed by RFC 3986, and what two host fields become where they are joined. */
bool h1_target_is_host(const char *text, size_t length)
{
    const bool is_address = length > 0 && text[0] == '[';
    size_t host = is_address ? 1 : 0;

    while (host < length && is_one_of(text[host], is_address ? ":." : "-._~%!$&'()*+;="))
        host++;
    if (is_address && (host == 1 || host == length || text[host++] != ']'))
        return false;
    if (host == length)
        return true;
    return host > 0 && text[host] == ':' && is_port(text + host + 1, length - host - 1);
}
