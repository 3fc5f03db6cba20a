/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/static.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/text.h"
#include "h2/request.h"
#include "h2/stream.h"

#define ETAG_SIZE  96u
#define OWN_FIELDS 4u

#define WEIGHT_MAX   1000 /* of "q=1"; weights have three decimals (RFC 9110 12.4.2) */
#define WEIGHT_UNSET (-1)

const char *const h2_coding_names[H2_CODINGS] = {"br", "gzip", "identity"};

static const char space[] = " \t";

static bool is_word(struct word word, const char *text)
{
    return word.length == strlen(text) && strncasecmp(word.text, text, word.length) == 0;
}

/* "0", "1", "0.123", "1.000". WEIGHT_UNSET when it is nothing of the kind. */
static int parse_weight(struct word word)
{
    int weight = 0;
    int unit = WEIGHT_MAX / 10;

    if (word.length == 0 || word.length > 5 || (word.text[0] != '0' && word.text[0] != '1') ||
        (word.length > 1 && word.text[1] != '.'))
        return WEIGHT_UNSET;
    weight = (word.text[0] - '0') * WEIGHT_MAX;
    for (size_t i = 2; i < word.length; i++, unit /= 10) {
        if (word.text[i] < '0' || word.text[i] > '9')
            return WEIGHT_UNSET;
        weight += (word.text[i] - '0') * unit;
    }
    return weight <= WEIGHT_MAX ? weight : WEIGHT_UNSET;
}

/* What the parameters of an item, from text to end, say of its weight; none say 1. */
static int item_weight(const char *text, const char *end)
{
    int weight = WEIGHT_MAX;

    while (text < end) {
        const char *next = memchr(text + 1, ';', (size_t)(end - text - 1));
        struct word parameter = h2_request_word(text + 1, (size_t)((next ? next : end) - text - 1));

        if (parameter.length >= 2 && strncasecmp(parameter.text, "q=", 2) == 0)
            weight = parse_weight((struct word){parameter.text + 2, parameter.length - 2});
        text = next ? next : end;
    }
    return weight;
}

/* The weight of each coding, and of "*" behind them. */
static void read_weights(const char *field, int weights[H2_CODINGS + 1])
{
    for (size_t i = 0; i <= H2_CODINGS; i++)
        weights[i] = WEIGHT_UNSET;
    while (*field) {
        const char *end = field + strcspn(field, ",");
        const char *semicolon = memchr(field, ';', (size_t)(end - field));
        struct word name = h2_request_word(field, (size_t)((semicolon ? semicolon : end) - field));
        int weight = semicolon ? item_weight(semicolon, end) : WEIGHT_MAX;

        if (is_word(name, "*"))
            weights[H2_CODINGS] = weight;
        else if (is_word(name, "x-gzip"))
            weights[H2_CODING_GZIP] = weight;
        for (size_t i = 0; i < H2_CODINGS; i++)
            if (is_word(name, h2_coding_names[i]))
                weights[i] = weight;
        field = *end ? end + 1 : end;
    }
}

enum h2_coding h2_negotiate_coding(const char *field, const bool available[H2_CODINGS])
{
    enum h2_coding best = H2_CODING_IDENTITY;
    int weights[H2_CODINGS + 1];
    int highest = 0;

    if (!field)
        return best;
    read_weights(field, weights);
    for (size_t i = 0; i < H2_CODINGS; i++) {
        int weight = weights[i] == WEIGHT_UNSET ? weights[H2_CODINGS] : weights[i];

        if (available[i] && weight > highest) {
            highest = weight;
            best = (enum h2_coding)i;
        }
    }
    return best;
}

const char *h2_negotiate_etag(const char *etag, enum h2_coding coding, char *buffer, size_t size)
{
    size_t length = strlen(etag);

    if (coding == H2_CODING_IDENTITY)
        snprintf(buffer, size, "%s", etag);
    else
        snprintf(buffer, size, "%.*s-%s\"", (int)length - 1, etag, h2_coding_names[coding]);
    return buffer;
}

bool h2_negotiate_is_match(const char *if_none_match, const char *etag)
{
    const char *text = if_none_match + strspn(if_none_match, space);
    size_t length = strlen(etag);

    if (*text == '*')
        return text[1 + strspn(text + 1, space)] == '\0';
    for (;;) {
        const char *close;

        text += strspn(text, " \t,");
        if (strncmp(text, "W/", 2) == 0)
            text += 2;
        if (*text != '"' || !(close = strchr(text + 1, '"')))
            return false;
        if ((size_t)(close + 1 - text) == length && memcmp(text, etag, length) == 0)
            return true;
        text = close + 1;
    }
}

void h2_static_respond(struct h2_stream *stream, const struct h2_asset *asset,
                       const char *cache_control, const struct h2_field *extra, size_t extra_count)
{
    const struct h2_request *request = h2_stream_request(stream);
    struct h2_field fields[OWN_FIELDS + H2_STATIC_MAX_EXTRA];
    struct h2_response response = {.status = 200, .fields = fields};
    bool available[H2_CODINGS];
    enum h2_coding coding;
    const char *if_none_match;
    char etag[ETAG_SIZE];

    if (!request)
        return;
    assert(extra_count <= H2_STATIC_MAX_EXTRA);
    for (size_t i = 0; i < H2_CODINGS; i++)
        available[i] = asset->forms[i] != NULL;
    coding = h2_negotiate_coding(h2_request_header(request, "accept-encoding"), available);
    h2_negotiate_etag(asset->etag, coding, etag, sizeof(etag));
    fields[response.field_count++] = (struct h2_field){"etag", etag};
    fields[response.field_count++] = (struct h2_field){"cache-control", cache_control};
    fields[response.field_count++] = (struct h2_field){"vary", "accept-encoding"};
    for (size_t i = 0; i < extra_count; i++)
        fields[response.field_count++] = extra[i];
    if_none_match = h2_request_header(request, "if-none-match");
    if (if_none_match && h2_negotiate_is_match(if_none_match, etag)) {
        response.status = 304;
    } else {
        if (coding != H2_CODING_IDENTITY)
            fields[response.field_count++] =
                (struct h2_field){"content-encoding", h2_coding_names[coding]};
        response.content_type = asset->content_type;
        response.body = bytes_ref(asset->forms[coding]);
    }
    h2_stream_respond(stream, &response);
}
