/* SPDX-License-Identifier: MIT */
#include "host/exports/demand.h"

#include <string.h>

#include "host/exports/export_table.h"

#define FAMILIES 450u

/*
 * How many families have all of their imports among the first Names rows, in tenths of a percent:
 * counted with the import tables, which are not in the repository.
 */
static const struct {
    size_t Names;
    unsigned Permille;
} Covered[] = {{25, 87},   {50, 204},  {75, 300},  {100, 358}, {150, 438}, {200, 560},
               {250, 644}, {300, 713}, {400, 842}, {500, 929}, {600, 989}};

/*
 * Of the families that the first N names complete, those may not be whole that import one of these
 * N that is not provided: at most as many as import it. The best N gives the bound.
 */
void DemandCompute(DEMAND_FIGURES *Out)
{
    unsigned Lost = 0;
    size_t Point = 0;

    *Out = (DEMAND_FIGURES){.Names = DemandRowCount, .Families = FAMILIES};
    for (size_t i = 0; i < DemandRowCount; i++) {
        const EXPORT_ROW *Row = ExportFind(DemandRows[i].Name);
        if (Row == NULL) {
            Lost += DemandRows[i].Families;
        } else if (strcmp(Row->Status, "implemented") == 0) {
            Out->Implemented++;
        } else if (strcmp(Row->Status, "partial") == 0) {
            Out->Partial++;
        } else {
            Out->Stubs++;
            Lost += DemandRows[i].Families;
        }
        if (Point < sizeof(Covered) / sizeof(Covered[0]) && i + 1 == Covered[Point].Names) {
            unsigned Complete = FAMILIES * Covered[Point++].Permille / 1000;
            if (Complete > Lost && Complete - Lost > Out->WholeAtLeast) {
                Out->WholeAtLeast = Complete - Lost;
            }
        }
    }
}
