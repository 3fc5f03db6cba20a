/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secrets.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* Pages with a router of their own put a query into the fragment. */
#define DELIMITERS "?#&;"
/* An address in a parameter of an address, and so on: so deep is looked. */
#define ENCODINGS            3u
#define CONNECTION_ID_DIGITS 56u

/* Names that hold one of these, */
static const char *const parts[] = {"token",     "secret",    "passw",   "authorization",
                                    "cookie",    "session",   "jwt",     "credential",
                                    "signature", "assertion", "apikey",  "api-key",
                                    "api_key",   "bearer",    "ssh-key", "private-key"};
/* and those that are too short to be looked for in longer ones. */
static const char *const whole[] = {"auth", "code", "key", "otp",
                                    "pin",  "sid",  "sig", "connectionid"};

static bool holds(const char *name, size_t length, const char *part)
{
    size_t size = strlen(part);

    for (; length >= size; name++, length--) {
        if (strncasecmp(name, part, size) == 0)
            return true;
    }
    return false;
}

static bool is_among(const char *name, size_t length, const char *names)
{
    struct word word;

    while (words_next(&names, &word)) {
        if (word.length == length && strncasecmp(word.text, name, length) == 0)
            return true;
    }
    return false;
}

bool secrets_is_name(const char *name, size_t length, const char *also)
{
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (holds(name, length, parts[i]))
            return true;
    }
    for (size_t i = 0; i < COUNT(whole); i++) {
        if (strlen(whole[i]) == length && strncasecmp(name, whole[i], length) == 0)
            return true;
    }
    return is_among(name, length, also);
}

/* A whole connectionId: its last 128 bits are secret (sse/connection_id.h). */
static bool is_connection_id(const char *value, size_t length)
{
    return length == CONNECTION_ID_DIGITS &&
           strspn(value, "0123456789abcdef") == CONNECTION_ID_DIGITS;
}

/* Or a JSON Web Token, which begins with {" in base64, or the value of an authorization field. */
static bool is_credential(const char *value, size_t length)
{
    static const char scheme[] = "Bearer ";
    const char *dot = memchr(value, '.', length);

    if (is_connection_id(value, length))
        return true;
    if (length >= sizeof(scheme) && strncasecmp(value, scheme, sizeof(scheme) - 1) == 0)
        return true;
    return dot && strncmp(value, "eyJ", 3) == 0 &&
           memchr(dot + 1, '.', length - (size_t)(dot + 1 - value));
}

/* Appends what a reader makes of a part of an address (RFC 3986, section 2.1; forms write a blank
 * as
 * "+"). Whether anything in it was encoded. */
static bool append_decoded(struct buf *decoded, const char *text, size_t length)
{
    bool is_encoded = false;

    for (size_t i = 0; i < length; i++) {
        char digits[3] = "";
        char c = text[i];

        if (c == '+')
            c = ' ';
        if (c == '%' && i + 2 < length)
            memcpy(digits, text + i + 1, 2);
        if (strspn(digits, "0123456789abcdefABCDEF") == 2) {
            c = (char)strtoul(digits, NULL, 16);
            i += 2;
            is_encoded = true;
        }
        if (c == '\0')
            c = ' '; /* what is behind it counts, too */
        buf_append_char(decoded, c);
    }
    return is_encoded;
}

static bool is_encoded_name(const char *name, size_t length, const char *also)
{
    struct buf decoded = BUF_INIT;
    bool is_secret;

    (void)append_decoded(&decoded, name, length);
    is_secret = secrets_is_name(buf_str(&decoded), decoded.length, also);
    buf_release(&decoded);
    return is_secret;
}

static void append_masked(struct buf *text, const char *value, const char *also, unsigned depth);

static bool would_mask(const char *value, const char *also, unsigned depth)
{
    struct buf masked = BUF_INIT;
    bool is_other;

    append_masked(&masked, value, also, depth);
    is_other = strcmp(buf_str(&masked), value) != 0;
    buf_release(&masked);
    return is_other;
}

/* "next=https%3A%2F%2Fb%2F%3Ftoken%3DS": an address within one, as logins pass it on. */
static bool hides_secret(const char *value, size_t length, const char *also, unsigned depth)
{
    struct buf query = BUF_INIT;
    bool hides;

    if (depth == 0)
        return false;
    buf_append_char(&query, '?');
    hides =
        append_decoded(&query, value, length) && (would_mask(buf_str(&query), also, depth - 1) ||
                                                  would_mask(buf_str(&query) + 1, also, depth - 1));
    buf_release(&query);
    return hides;
}

static void append_piece(struct buf *text, const char *piece, size_t length, const char *also,
                         unsigned depth)
{
    const char *equals = memchr(piece, '=', length);
    size_t before = equals ? (size_t)(equals - piece) + 1 : 0;

    if (is_credential(piece + before, length - before) ||
        (equals && is_encoded_name(piece, before - 1, also)) ||
        hides_secret(piece + before, length - before, also, depth)) {
        buf_append(text, piece, before);
        buf_append_str(text, SECRETS_MASK);
    } else {
        buf_append(text, piece, length);
    }
}

/* The user and the password of an address, "://user:password@host", are masked. */
static size_t append_authority(struct buf *text, const char *value, size_t length)
{
    const char *host = memmem(value, length, "://", 3);
    size_t before = host ? (size_t)(host - value) + 3 : 0;
    size_t authority = strcspn(value + before, "/?#");
    const char *at = host ? memrchr(value + before, '@', authority) : NULL;

    buf_append(text, value, before);
    if (!at)
        return before;
    buf_append_str(text, SECRETS_MASK);
    return (size_t)(at - value);
}

/* What stands before a query: of an address its path, with parameters (";jsessionid=…"). */
static void append_path(struct buf *text, const char *value, size_t length, const char *also,
                        unsigned depth)
{
    size_t at = append_authority(text, value, length);
    const bool is_address = at > 0 || *value == '/';

    while (at < length) {
        const size_t end = at + strcspn(value + at, is_address ? "/;?#" : "?#");
        const char *name = value + at;

        if (end > at && at > 0 && value[at - 1] == ';')
            append_piece(text, name, end - at, also, depth);
        else if (is_credential(name, end - at))
            buf_append_str(text, SECRETS_MASK);
        else
            buf_append(text, name, end - at);
        if (end < length)
            buf_append_char(text, value[end]);
        at = end + 1;
    }
}

static void append_masked(struct buf *text, const char *value, const char *also, unsigned depth)
{
    size_t length = strcspn(value, "?#");

    if (is_credential(value, length)) {
        buf_append_str(text, SECRETS_MASK);
        return;
    }
    if (hides_secret(value, length, also, depth))
        buf_append_str(text, SECRETS_MASK);
    else
        append_path(text, value, length, also, depth);
    for (value += length; *value != '\0'; value += length) {
        buf_append_char(text, *value);
        value++;
        length = strcspn(value, DELIMITERS);
        append_piece(text, value, length, also, depth);
    }
}

const char *secrets_mask_name(const char *name)
{
    return name && is_credential(name, strlen(name)) ? SECRETS_MASK : name;
}

void secrets_append_masked(struct buf *text, const char *value, const char *also)
{
    append_masked(text, value, also, ENCODINGS);
}

#define BETWEEN         " \t\"'()"
#define LEAST_OF_SCHEME 8u

static bool is_scheme(const char *word)
{
    return strcasecmp(word, "bearer") == 0 || strcasecmp(word, "basic") == 0;
}

/* Rather than a word of a language. */
static bool looks_random(const char *word)
{
    return strlen(word) >= LEAST_OF_SCHEME && strpbrk(word, "0123456789");
}

void secrets_append_words(struct buf *text, const char *sentence, const char *also)
{
    bool is_behind_scheme = false;

    while (*sentence != '\0') {
        const size_t between = strspn(sentence, BETWEEN);
        const size_t length = strcspn(sentence + between, BETWEEN);
        char *word = mem_strndup(sentence + between, length);

        buf_append(text, sentence, between);
        if (is_behind_scheme && looks_random(word))
            buf_append_str(text, SECRETS_MASK);
        else if (*word == '/' || strstr(word, "://") || strpbrk(word, "?#"))
            append_masked(text, word, also, ENCODINGS);
        else
            append_piece(text, word, length, also, ENCODINGS);
        is_behind_scheme = is_scheme(word);
        sentence += between + length;
        free(word);
    }
}

static void mask_value(json_t *owner, const char *name, json_t *value)
{
    struct buf text = BUF_INIT;

    if (secrets_is_name(name, strlen(name), "")) {
        json_object_set_new(owner, name, json_string(SECRETS_MASK));
    } else if (json_is_string(value)) {
        secrets_append_masked(&text, json_string_value(value), "");
        json_object_set_new(owner, name, json_string(buf_str(&text)));
    } else {
        secrets_mask_members(value);
    }
    buf_release(&text);
}

void secrets_mask_members(json_t *object)
{
    const char *name;
    json_t *value;
    size_t index;
    void *next;

    json_array_foreach(object, index, value)
        secrets_mask_members(value);
    json_object_foreach_safe(object, next, name, value) mask_value(object, name, value);
}
