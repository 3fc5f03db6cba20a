/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas in trees like those that the kernel shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/processors.h"
#include "support/test.h"

static char root[64];
static char groups[128];

static void put(const char *path, const char *text)
{
    char whole[512];
    FILE *file;

    snprintf(whole, sizeof(whole), "%s%s", root, path);
    for (char *slash = strchr(whole + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        char command[600];

        *slash = '\0';
        snprintf(command, sizeof(command), "mkdir -p '%s'", whole);
        if (access(whole, F_OK) != 0)
            assert_int_equal(system(command), 0); /* NOLINT: the test's own directory */
        *slash = '/';
    }
    file = fopen(whole, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/test-processors-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(groups, sizeof(groups), "%s/groups", root);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r '%s'", root);
    return system(command); /* NOLINT: the test's own directory */
}

static size_t quota(const char *lines)
{
    put("/groups", lines);
    return processors_quota(&(struct processors_paths){groups, root});
}

static void test_no_quota(void **state)
{
    (void)state;
    assert_int_equal(processors_quota(&(struct processors_paths){"/nowhere/at/all", root}), 0);
    assert_int_equal(quota(""), 0);
    assert_int_equal(quota("0::/\n"), 0);
    assert_int_equal(quota("nonsense\n::\n4:cpu\n4:cpuset:/a\n"), 0);
    put("/cpu.max", "max 100000\n");
    assert_int_equal(quota("0::/\n"), 0);
}

static void test_version_2(void **state)
{
    (void)state;
    put("/cpu.max", "200000 100000\n");
    assert_int_equal(quota("0::/\n"), 2);
    put("/cpu.max", "150000 100000\n");
    assert_int_equal(quota("0::/\n"), 2);
    put("/cpu.max", "1000 100000\n");
    assert_int_equal(quota("0::/\n"), 1);
    put("/cpu.max", "max 100000\n");
    put("/kubepods/pod1/app/cpu.max", "400000 100000\n");
    assert_int_equal(quota("0::/kubepods/pod1/app\n"), 4);
    put("/kubepods/pod1/cpu.max", "300000 100000\n"); /* the tighter one above it counts */
    assert_int_equal(quota("0::/kubepods/pod1/app\n"), 3);
    assert_int_equal(quota("0::/not/in/this/container\n"), 0);
    put("/cpu.max", "500000 100000\n");
    assert_int_equal(quota("0::/not/in/this/container\n"), 5);
}

static void test_version_1(void **state)
{
    (void)state;
    put("/cpu,cpuacct/docker/a/cpu.cfs_quota_us", "250000\n");
    put("/cpu,cpuacct/docker/a/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota("4:cpu,cpuacct:/docker/a\n3:cpuset:/docker/a\n0::/\n"), 3);
    put("/cpu,cpuacct/docker/a/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(quota("4:cpu,cpuacct:/docker/a\n"), 0);
    put("/cpu/cpu.cfs_quota_us", "100000\n");
    put("/cpu/cpu.cfs_period_us", "50000\n");
    assert_int_equal(quota("4:cpuacct,cpu:/docker/b\n"), 2);
}

static void test_hybrid(void **state)
{
    (void)state;
    put("/unified/a/cpu.max", "100000 100000\n");
    put("/cpu/a/cpu.cfs_quota_us", "200000\n");
    put("/cpu/a/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota("1:cpu:/a\n0::/a\n"), 1);
    assert_int_equal(quota("1:cpu:/a\n"), 2);
}

static void test_there_is_always_one(void **state)
{
    (void)state;
    assert_true(processors_usable() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_quota, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_version_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_version_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hybrid, set_up, tear_down),
        cmocka_unit_test(test_there_is_always_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
