/* SPDX-License-Identifier: MIT */
/* sprintf and its family for narrow strings. */
#include "rtlp.h"

#define UNIT char
#define FORMAT RtlpFormat
#define NAME sprintf
#define NAME_V vsprintf
#define NAME_N _snprintf
#define NAME_VN _vsnprintf
#define NAME_S sprintf_s
#define NAME_VS vsprintf_s
#define NAME_NS _snprintf_s
#define NAME_VNS _vsnprintf_s
#include "printf_template.h"
