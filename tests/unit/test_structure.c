/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/fake_debugger.c tests/unit/fake_commands.c host/debugger/debugger.c host/debugger/command.c host/debugger/command_table.c host/debugger/expression.c host/debugger/target.c host/debugger/structure.c host/debugger/page_walk.c host/debugger/page_in.c host/text/text.c */
/* Variables, fields, strings and lists of a target that need not be what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/debugger/structure.h"
#include "tests/unit/fake_debugger.h"

#define BASE 0xfffffaa000000000ull
#define NODE(index) (BASE + 16 * (index))

static uint64_t Memory[64];
static DEBUGGER *Debugger;

static int Setup(void **State)
{
    Debugger = FakeDebugger();
    memset(Memory, 0, sizeof(Memory));
    FakeVirtual(BASE, Memory, sizeof(Memory));
    return 0;
}

static int Teardown(void **State)
{
    FakeFree();
    return 0;
}

/* Nodes 0 (the head) to Count - 1 in a ring. */
static void MakeRing(unsigned Count)
{
    for (unsigned i = 0; i < Count; i++) {
        Memory[2 * i] = NODE((i + 1) % Count);
        Memory[2 * i + 1] = NODE((i + Count - 1) % Count);
    }
}

static unsigned Walk(bool *Failed)
{
    LIST_WALK List = ListBegin(Debugger, NODE(0));
    unsigned Count = 0;
    while (ListNext(&List)) {
        assert_true(++Count < 1000);
        assert_int_equal(List.Entry, NODE(Count));
    }
    *Failed = List.Failed;
    return Count;
}

static void Lists(void **State)
{
    bool Failed;
    MakeRing(1);
    assert_int_equal(Walk(&Failed), 0);
    assert_false(Failed);
    MakeRing(5);
    assert_int_equal(Walk(&Failed), 4);
    assert_false(Failed);
    Memory[2 * 3] = NODE(1); /* a ring beside the head: 3 leads back to 1 */
    assert_int_equal(Walk(&Failed), 3);
    assert_true(Failed);
    assert_non_null(strstr(FakeOutput(), "Blink does not lead back"));
    MakeRing(5);
    Memory[2 * 2] = 0x1234; /* there is nothing */
    assert_int_equal(Walk(&Failed), 2);
    assert_true(Failed);
    assert_non_null(strstr(FakeOutput(), "cannot be read"));
}

static void Interrupt(void **State)
{
    bool Failed;
    int Pipe[2];
    assert_int_equal(pipe(Pipe), 0);
    assert_int_equal(write(Pipe[1], "c", 1), 1);
    Debugger->Interrupt = Pipe[0];
    MakeRing(5);
    assert_true(Walk(&Failed) < 4);
    assert_true(Failed);
    close(Pipe[0]);
    close(Pipe[1]);
}

static void Strings(void **State)
{
    char Text[STRUCTURE_NAME];
    Memory[0] = 6; /* Length */
    Memory[1] = NODE(2);
    memcpy(&Memory[4], (const uint16_t[]){'a', 0x1b, 0x263a}, 6);
    assert_true(StructureString(Debugger, BASE, Text, sizeof(Text)));
    assert_string_equal(Text, "a\\x1b?");
    Memory[0] = 0xfffe; /* longer than there is memory */
    assert_false(StructureString(Debugger, BASE, Text, sizeof(Text)));
    assert_string_equal(Text, "");
    memcpy(&Memory[8], "name\0rest", 9);
    assert_true(StructureChars(Debugger, NODE(4), 15, Text, sizeof(Text)));
    assert_string_equal(Text, "name");
    assert_false(StructureChars(Debugger, 0x10, 15, Text, sizeof(Text)));
}

static void NamesThatAreMissing(void **State)
{
    uint64_t Value;
    FakeOutput();
    assert_false(VariableRead(Debugger, "nt!Nothing", 8, &Value));
    assert_non_null(strstr(FakeOutput(), "nt!Nothing is not found"));
    assert_false(StructureRead(Debugger, BASE, "nt!_NOTHING", "Field", &Value));
    assert_non_null(strstr(FakeOutput(), "nt!_NOTHING"));
    FakeType("nt!_THING", 16);
    assert_false(StructureRead(Debugger, BASE, "nt!_THING", "Field", &Value));
    assert_non_null(strstr(FakeOutput(), "nt!_THING.Field"));
    assert_false(DATA_BLOCK_VARIABLE(Debugger, MmPfnDatabase, &Value));
    assert_non_null(strstr(FakeOutput(), "does not say where MmPfnDatabase is"));
}

/* The end of a structure may lie on a page that is out. */
static void PartOfAStructure(void **State)
{
    uint64_t Near, Far;
    FakeType("nt!_THING", 2 * sizeof(Memory));
    FakeTypeField("nt!_THING", "Near", 8, 8);
    FakeTypeField("nt!_THING", "Far", sizeof(Memory), 8);
    Memory[1] = 0x1122334455667788;
    assert_true(StructureRead(Debugger, BASE, "nt!_THING", "Near", &Near));
    assert_true(Near == Memory[1]);
    assert_false(STRUCTURE_READ(Debugger, BASE, "nt!_THING", {"Near", &Near}, {"Far", &Far}));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, Setup, Teardown)
    const struct CMUnitTest Tests[] = {TEST(Lists),   TEST(Interrupt),           TEST(Strings),
                                       TEST(NamesThatAreMissing), TEST(PartOfAStructure)};
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
