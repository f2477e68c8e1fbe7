/* SPDX-License-Identifier: MIT */
/* sources: host/exports/demand.c host_demand.c host/exports/export_table.c host/text/near_names.c host/text/bug_check_names.c host/text/status_names.c host_exports.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/exports/demand.h"
#include "host/exports/export_table.h"
#include "host/text/near_names.h"

static void EveryRowIsWhole(void **State)
{
    const EXPORT_ROW *const *Rows = ExportsByName();
    char Irql[40], Rule[64];
    assert_true(ExportRowCount > 500);
    for (size_t i = 0; i < ExportRowCount; i++) {
        assert_true(i == 0 || strcmp(Rows[i - 1]->Name, Rows[i]->Name) < 0);
        assert_ptr_equal(ExportFind(Rows[i]->Name), Rows[i]);
        assert_true(Rows[i]->IrqlMin <= Rows[i]->IrqlMax && Rows[i]->IrqlMax <= 15);
        assert_true(ExportIrqlText(Rows[i], Irql)[0] != 0);
        ExportIrqlRule(Rows[i], Rule);
        /* What is partial says what is missing. */
        assert_true(strcmp(Rows[i]->Status, "partial") != 0 || Rows[i]->Note[0] != 0);
    }
    assert_null(ExportFind("MissingFrobnicate"));
}

/* Each name once; the bound is one: no more families are lost than import what is missing. */
static void DemandIsCounted(void **State)
{
    DEMAND_FIGURES Figures;
    unsigned Lost = 0;
    size_t There = 0;
    DemandCompute(&Figures);
    assert_true(DemandRowCount > 600);
    for (size_t i = 0; i < DemandRowCount; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(DemandRows[k].Name, DemandRows[i].Name);
        }
        assert_true(DemandRows[i].Families > 0 && DemandRows[i].Families <= Figures.Families);
        bool Provided = ExportFind(DemandRows[i].Name) != NULL;
        There += Provided;
        Lost += Provided ? 0 : DemandRows[i].Families;
    }
    assert_int_equal(Figures.Names, DemandRowCount);
    assert_int_equal(Figures.Implemented + Figures.Partial + Figures.Stubs, There);
    assert_true(Figures.WholeAtLeast <= Figures.Families);
    assert_true(Figures.WholeAtLeast + Lost >= Figures.Families * 98 / 100); /* of 600 names */
}

static void IrqlsAreWords(void **State)
{
    char Irql[40], Rule[64];
    const EXPORT_ROW *Row = ExportFind("MmPageEntireDriver");
    assert_string_equal(ExportIrqlText(Row, Irql), "<= APC_LEVEL");
    ExportIrqlRule(Row, Rule);
    assert_string_equal(Rule, "IrqlMmApcLte");
    assert_string_equal(ExportIrqlText(ExportFind("ZwClose"), Irql), "= PASSIVE_LEVEL");
    assert_string_equal(ExportIrqlText(ExportFind("KeReleaseSpinLock"), Irql), "= DISPATCH_LEVEL");
    assert_string_equal(ExportIrqlText(ExportFind("DbgPrint"), Irql), "any");
    EXPORT_ROW Odd = {.Kind = "function", .Rules = "SpinLock Irql", .IrqlMin = 1, .IrqlMax = 2};
    assert_string_equal(ExportIrqlText(&Odd, Irql), "APC_LEVEL to DISPATCH_LEVEL");
    ExportIrqlRule(&Odd, Rule);
    assert_string_equal(Rule, "Irql");
    Odd.Kind = "data";
    assert_string_equal(ExportIrqlText(&Odd, Irql), "-");
}

static void ImportsAreBoundByDll(void **State)
{
    assert_non_null(ExportOfImport("ntoskrnl.exe", "KeSetEvent"));
    assert_non_null(ExportOfImport("HAL.dll", "KeGetCurrentIrql"));
    assert_null(ExportOfImport("fltmgr.sys", "KeSetEvent"));
    assert_null(ExportOfImport("ntoskrnl.exe", "keSetEvent"));
    assert_null(ExportOfImport("storport.sys", "KeSetEvent"));
}

static NEAR_NAMES Near(const char *Typed, const char *const *Names, unsigned Limit)
{
    NEAR_NAMES Result = {.Count = 0};
    for (size_t i = 0; Names[i] != NULL; i++) {
        NearNamesOffer(&Result, Typed, Names[i], i, Limit);
    }
    return Result;
}

static void TheNearestComeFirst(void **State)
{
    static const char *const Names[] = {"KeResetEvent", "KeSetEvent", "ZwSetEvent", "KeGetEvent",
                                        "KeSetTimer", NULL};
    char Long[2 * NEAR_NAMES_LENGTH];
    NEAR_NAMES Result = Near("kesetevnt", Names, 3);
    assert_int_equal(Result.Count, 3);
    assert_int_equal(Result.Index[0], 1);
    assert_int_equal(Result.Distance[0], 1);
    assert_true(Result.Distance[1] <= Result.Distance[2]);
    assert_int_equal(Near("Timer", Names, 0).Index[0], 4);
    assert_int_equal(Near("Unheard", Names, 2).Count, 0);
    assert_int_equal(Near("", Names, 200).Count, 0);
    memset(Long, 'K', sizeof(Long) - 1);
    Long[sizeof(Long) - 1] = 0;
    assert_int_equal(Near(Long, Names, 2000).Count, 0);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(EveryRowIsWhole),
        cmocka_unit_test(DemandIsCounted),
        cmocka_unit_test(IrqlsAreWords),
        cmocka_unit_test(ImportsAreBoundByDll),
        cmocka_unit_test(TheNearestComeFirst),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
