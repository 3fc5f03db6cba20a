/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of memory in a tree like that which the kernel shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/process.h"
#include "support/test.h"

static char root[64];
static char groups[128];

static void put(const char *path, const char *text)
{
    char whole[256];
    FILE *file;

    snprintf(whole, sizeof(whole), "%s%s", root, path);
    file = fopen(whole, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void make(const char *path)
{
    char whole[256];

    snprintf(whole, sizeof(whole), "%s%s", root, path);
    assert_int_equal(mkdir(whole, 0700), 0);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/test-process-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(groups, sizeof(groups), "%s/groups", root);
    make("/slice");
    make("/slice/unit");
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r '%s'", root);
    return system(command); /* NOLINT: the test's own directory */
}

static uint64_t limit(const char *lines)
{
    put("/groups", lines);
    return process_memory_limit(groups, root);
}

static void test_no_group_leaves_the_machine(void **state)
{
    const uint64_t machine = process_memory_limit("/nowhere", root);

    (void)state;
    assert_true(machine > 1024 * 1024);
    put("/slice/unit/memory.max", "max\n");
    assert_true(limit("0::/slice/unit\n") == machine);
}

static void test_the_least_counts(void **state)
{
    (void)state;
    put("/slice/unit/memory.max", "3000000\n");
    assert_int_equal(limit("1:name=systemd:/\n0::/slice/unit\n"), 3000000);
    put("/slice/memory.max", "2000000\n");
    assert_int_equal(limit("0::/slice/unit\n"), 2000000);
    put("/slice/unit/memory.max", "max\n");
    assert_int_equal(limit("0::/slice/unit\n"), 2000000);
}

/* A container's own group is mounted as the root. */
static void test_a_container(void **state)
{
    (void)state;
    put("/memory.max", "1000000\n");
    assert_int_equal(limit("0::/\n"), 1000000);
    assert_int_equal(limit("0::/system.slice/of-the-host\n"), 1000000);
}

static void test_this_process_has_memory(void **state)
{
    size_t resident = 0, shared = 0;

    (void)state;
    assert_true(process_memory(&resident, &shared));
    assert_true(resident > 100 * 1024);
    assert_true(shared <= resident);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_group_leaves_the_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_least_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_container, set_up, tear_down),
        cmocka_unit_test(test_this_process_has_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
