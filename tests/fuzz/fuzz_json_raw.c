/* SPDX-License-Identifier: Apache-2.0 */
/* What is passed on token by token is what the other parser reads, where that can read it; and is
 * the same when it is passed on again. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_raw.h"
#include "base/text.h"
#include "fuzz/fuzz.h"

#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL)

/* Numbers that are too large for it, keys with NUL, halves of surrogates. */
static bool is_beyond_jansson(const json_error_t *error)
{
    return json_error_code(error) == json_error_numeric_overflow ||
           json_error_code(error) == json_error_null_byte_in_key || strstr(error->text, "Unicode");
}

static void check_text(const char *raw, size_t length, const json_t *value)
{
    char *text = malloc(length);
    const size_t written = json_raw_text(raw, length, text);

    assert(utf8_is_valid(text, written));
    if (json_is_string(value))
        assert(json_string_length(value) == written &&
               memcmp(json_string_value(value), text, written) == 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char *compact = malloc(size + 1), *again = malloc(size + 1);
    const bool is_value = json_raw_is_value(text, size);
    size_t at = 0, written = 0, again_at = 0, again_written = 0;
    json_error_t error;
    json_t *value = json_loadb(text, size, FLAGS, &error);
    const char *wrong = json_raw_read(text, size, &at, compact, &written);

    assert(at <= size && written <= at);
    if (is_value) {
        json_t *same = json_loadb(compact, written, FLAGS, NULL);

        assert(!wrong && (value || is_beyond_jansson(&error)));
        assert(!value || json_equal(value, same));
        assert(!json_raw_read(compact, written, &again_at, again, &again_written));
        assert(again_at == written && again_written == written &&
               memcmp(compact, again, written) == 0);
        assert(!memchr(compact, '\n', written) && !memchr(compact, '\r', written));
        if (compact[0] == '"')
            check_text(compact, written, value);
        json_decref(same);
    } else if (value && !memchr(text, 0, size)) { /* which it takes for the end */
        assert(wrong && strstr(wrong, "levels"));
    }
    json_decref(value);
    free(compact);
    free(again);
    return 0;
}
