/* SPDX-License-Identifier: MIT */
#include "host/timeline/budget.h"

#include <stdio.h>
#include <string.h>

#include "host/text/text.h"

static const char *const BudgetNames[] = {"nonpaged", "pageable", "locked", "resident"};

const char *BudgetKindName(BUDGET_KIND Kind)
{
    return BudgetNames[Kind];
}

const char *BudgetParse(BUDGET *Budget, const char *Text)
{
    const char *Equals = strrchr(Text, '=');
    size_t Word = strcspn(Text, ":=");

    *Budget = (BUDGET){.Kind = BudgetKinds};
    for (BUDGET_KIND Kind = 0; Kind < BudgetKinds; Kind++) {
        if (strlen(BudgetNames[Kind]) == Word && strncmp(Text, BudgetNames[Kind], Word) == 0) {
            Budget->Kind = Kind;
        }
    }
    if (Budget->Kind == BudgetKinds || Equals == NULL) {
        return "a budget is nonpaged, pageable, locked or resident, perhaps :SECTION, and =SIZE";
    }
    if (Text[Word] == ':') {
        size_t Length = (size_t)(Equals - Text) - Word - 1;
        if (Text + Word > Equals || Length == 0 || Length >= sizeof(Budget->Section)) {
            return "the name of a section has 1 to 8 characters";
        }
        memcpy(Budget->Section, Text + Word + 1, Length);
    } else if (Text + Word != Equals) {
        return "a budget has one =";
    }
    if (!TextParseSize(Equals + 1, &Budget->Bytes)) {
        return "a size is a number of bytes, perhaps with K, M or G";
    }
    return NULL;
}

void BudgetDescribe(const BUDGET *Budget, char *Out, size_t Size)
{
    char Section[4 * sizeof(Budget->Section)];
    TextCleanString(Section, sizeof(Section), Budget->Section);
    snprintf(Out, Size, "%s bytes of %s", BudgetNames[Budget->Kind],
             Section[0] != 0 ? Section : "the image");
}
