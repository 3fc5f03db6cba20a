/* SPDX-License-Identifier: Apache-2.0 */
/* What was taken, escaped octet by octet, parses to the same names and values. */
#include <string.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "h2/uri.h"

static void append_escaped(struct buf *buf, const char *text)
{
    for (; *text; text++)
        buf_printf(buf, "%%%02X", (unsigned char)*text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h2_form form, again;
    struct buf text = BUF_INIT;
    size_t at = SIZE_MAX;

    if (h2_form_parse(&form, (const char *)data, size, &at) < 0) {
        assert(at < size && form.count == 0);
        return 0;
    }
    for (size_t i = 0; i < form.count; i++) {
        append_escaped(&text, form.fields[i].name);
        buf_append_char(&text, '=');
        append_escaped(&text, form.fields[i].value);
        buf_append_char(&text, '&');
    }
    assert(h2_form_parse(&again, buf_str(&text), text.length, &at) == 0);
    assert(again.count == form.count);
    for (size_t i = 0; i < form.count; i++)
        assert(strcmp(form.fields[i].name, again.fields[i].name) == 0 &&
               strcmp(form.fields[i].value, again.fields[i].value) == 0);
    h2_form_release(&again);
    h2_form_release(&form);
    buf_release(&text);
    return 0;
}
