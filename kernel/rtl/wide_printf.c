/* SPDX-License-Identifier: MIT */
/* swprintf and its family for wide strings. */
#include "rtlp.h"

#define UNIT WCHAR
#define FORMAT RtlpFormatWide
#define NAME swprintf
#define NAME_V _vswprintf
#define NAME_N _snwprintf
#define NAME_VN _vsnwprintf
#define NAME_S swprintf_s
#define NAME_VS vswprintf_s
#define NAME_NS _snwprintf_s
#define NAME_VNS _vsnwprintf_s
#include "printf_template.h"
