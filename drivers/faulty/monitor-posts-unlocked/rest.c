/* SPDX-License-Identifier: MIT */
/* What is right in the driver is its correct twin's. */
#include "correct/activity-monitor/activity-monitor.c"
#include "correct/activity-monitor/queue.c"
#include "correct/activity-monitor/watch.c"
