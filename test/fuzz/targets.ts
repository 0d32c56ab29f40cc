/** Everything that takes bytes or text from outside. */

import { CAPTURE_FILES_TARGETS } from "./capture_files.ts";
import { COMMAND_LINE_TARGETS } from "./command_lines.ts";
import { FRAMES_TARGET } from "./frames.ts";
import { NETLINK_TARGET } from "./netlink.ts";
import { PROC_FILES_TARGETS } from "./proc_files.ts";
import { REPORT_TARGETS } from "./reports.ts";
import { RUNTIME_FILES_TARGETS } from "./runtime_files.ts";
import { SCREEN_TARGET } from "./screens.ts";
import type { Target } from "./target.ts";
import { TERMINAL_TARGET } from "./terminal_input.ts";
import { TRACE_TARGETS } from "./trace_events.ts";

export const TARGETS: readonly Target[] = [
  FRAMES_TARGET,
  ...CAPTURE_FILES_TARGETS,
  ...PROC_FILES_TARGETS,
  ...RUNTIME_FILES_TARGETS,
  NETLINK_TARGET,
  ...TRACE_TARGETS,
  ...COMMAND_LINE_TARGETS,
  ...REPORT_TARGETS,
  SCREEN_TARGET,
  TERMINAL_TARGET,
];
