/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "cli/credentials.h"
#include "support/test.h"

static const char *read_back(FILE *file, char text[256])
{
    rewind(file);
    text[fread(text, 1, 255, file)] = '\0';
    fclose(file);
    return text;
}

static int hash(const char *input, size_t length, char text[256])
{
    FILE *from = tmpfile();
    FILE *to = tmpfile();
    struct config_fault fault;
    int rc;

    assert_non_null(from);
    assert_non_null(to);
    fwrite(input, 1, length, from);
    rewind(from);
    rc = make_key_hash(from, to, &fault);
    fclose(from);
    read_back(to, text);
    return rc;
}

static void a_key_and_its_hash_belong_together(void **state)
{
    FILE *to = tmpfile();
    struct config_fault fault;
    char text[256], again[256], key[64];

    (void)state;
    assert_non_null(to);
    assert_int_equal(make_key(to, &fault), 0);
    assert_int_equal(sscanf(read_back(to, text), "key %63s", key), 1);
    assert_int_equal(strlen(key), 48);
    assert_int_equal(hash(key, strlen(key), again), 0);
    assert_string_equal(strchr(text, '\n') + 1, again);
}

static void only_one_line_without_white_space_is_a_key(void **state)
{
    static const char *const wrong[] = {"", "\n", " key\n", "two words", "key\r\n"};
    static const char expected[] =
        "hash sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
    char longest[513], text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(hash(wrong[i], strlen(wrong[i]), text), -EINVAL);
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(hash(longest, 513, text), -EINVAL);
    assert_int_equal(hash(longest, 512, text), 0);
    assert_int_equal(hash("abc", 3, text), 0);
    assert_string_equal(text, expected);
    assert_int_equal(hash("abc\n", 4, text), 0);
    assert_string_equal(text, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_and_its_hash_belong_together),
        cmocka_unit_test(only_one_line_without_white_space_is_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
