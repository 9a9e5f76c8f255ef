/** Every agent CLI that is known by name. */
import type { Adapter } from "./adapter.ts";
import { aider } from "./aider.ts";
import { claude } from "./claude.ts";
import { cline } from "./cline.ts";
import { codex } from "./codex.ts";
import { copilot } from "./copilot.ts";
import { gemini } from "./gemini.ts";
import { opencode } from "./opencode.ts";
import { qwen } from "./qwen.ts";

/** By `agents.NAME.cli`; the names are those of `cliNames` in the configuration. */
export const adapters: readonly Adapter[] = [claude, codex, gemini, opencode, copilot, qwen, cline, aider];

/** The adapter of a CLI; undefined for a name that is none. */
export const adapterOf = (cli: string): Adapter | undefined => adapters.find((each) => each.cli === cli);
