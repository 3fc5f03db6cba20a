/* SPDX-License-Identifier: Apache-2.0 */
/* A header is the same however it is cut, ends where it says, and holds its texts within itself. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz/fuzz.h"
#include "h2/origin.h"

static void check_text(const struct word *text, const char *data, size_t header_length)
{
    if (text->length == 0)
        return;
    assert(text->text > data && text->text + text->length <= data + header_length);
    assert(utf8_is_valid(text->text, text->length) && !memchr(text->text, '\0', text->length));
}

/* In memory of its own, so that a sanitizer sees what is read behind its end. */
static ssize_t parse_part(const uint8_t *data, size_t length, struct h2_proxy_header *header)
{
    char *part = malloc(length > 0 ? length : 1);

    assert(part);
    memcpy(part, data, length);
    ssize_t result = h2_proxy_header_parse(part, length, header);
    if (result > 0) {
        assert((size_t)result <= length && (size_t)result <= H2_PROXY_HEADER_MOST);
        check_text(&header->tls_version, part, (size_t)result);
        check_text(&header->tls_cipher, part, (size_t)result);
        check_text(&header->client_name, part, (size_t)result);
        check_text(&header->authority, part, (size_t)result);
    }
    free(part);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h2_proxy_header whole;
    struct h2_proxy_header part;
    ssize_t result = parse_part(data, size, &whole);

    assert(result != 0 || size < H2_PROXY_HEADER_MOST);
    for (size_t cut = 0; cut < size && cut < 512; cut++) {
        ssize_t early = parse_part(data, cut, &part);

        if (early != 0) { /* what follows changes nothing */
            assert(early == result);
            assert(early < 0 || memcmp(&part.peer, &whole.peer, sizeof(part.peer)) == 0);
        } else if (result > 0) {
            assert(cut < (size_t)result);
        }
    }
    return 0;
}
