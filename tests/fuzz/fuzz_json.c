/* SPDX-License-Identifier: Apache-2.0 */
/* A text that was taken is written again and taken again as the same value; a fault says where. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_fault fault = {0};
    json_t *value = json_parse((const char *)data, size, &fault);
    json_t *again;
    char *text;

    if (!value) {
        assert(fault.line > 0 && fault.column > 0 && fault.message[0] != '\0');
        return 0;
    }
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    assert(text);
    again = json_parse(text, strlen(text), &fault);
    assert(again && json_equal(value, again));
    free(text);
    json_decref(again);
    json_decref(value);
    return 0;
}
