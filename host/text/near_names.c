/* SPDX-License-Identifier: MIT */
#include "host/text/near_names.h"

#include <ctype.h>
#include <string.h>

/* Both texts are shorter than NEAR_NAMES_LENGTH. */
static unsigned NearDistance(const char *One, const char *Other)
{
    unsigned Row[NEAR_NAMES_LENGTH];
    size_t Columns = strlen(Other);
    for (unsigned i = 0; i <= Columns; i++) {
        Row[i] = i;
    }
    for (size_t i = 0; One[i] != 0; i++) {
        unsigned Corner = Row[0];
        Row[0] = (unsigned)i + 1;
        for (size_t n = 0; n < Columns; n++) {
            unsigned Change =
                Corner + (toupper((unsigned char)One[i]) != toupper((unsigned char)Other[n]));
            unsigned Least = Row[n] < Row[n + 1] ? Row[n] + 1 : Row[n + 1] + 1;
            Corner = Row[n + 1];
            Row[n + 1] = Change < Least ? Change : Least;
        }
    }
    return Row[Columns];
}

void NearNamesOffer(NEAR_NAMES *Near, const char *Typed, const char *Name, size_t Index,
                    unsigned Limit)
{
    size_t Length = strlen(Typed);
    if (Length == 0 || Length >= NEAR_NAMES_LENGTH || strlen(Name) >= NEAR_NAMES_LENGTH) {
        return;
    }
    bool Part = strncasecmp(Name, Typed, Length) == 0 ||
                (Length >= 3 && strcasestr(Name, Typed) != NULL);
    unsigned Distance = Part ? 0 : NearDistance(Typed, Name);
    if (Distance > Limit) {
        return;
    }
    unsigned At = Near->Count < NEAR_NAMES_MOST ? Near->Count++ : NEAR_NAMES_MOST;
    for (; At > 0 && Distance < Near->Distance[At - 1]; At--) {
        if (At < NEAR_NAMES_MOST) {
            Near->Distance[At] = Near->Distance[At - 1];
            Near->Index[At] = Near->Index[At - 1];
        }
    }
    if (At < NEAR_NAMES_MOST) {
        Near->Distance[At] = Distance;
        Near->Index[At] = Index;
    }
}
