/** Every input of the program from outside, as the tests of `npm test` and of `npm run soak` go through them. */
import type { Fuzz } from "./fuzz.ts";
import { agentFuzz } from "./agent.ts";
import { fileFuzz } from "./file.ts";
import { gitFuzz } from "./git.ts";
import { hostFuzz } from "./host.ts";
import { logFuzz } from "./log.ts";
import { terminalFuzz } from "./terminal.ts";
import { wordFuzz } from "./words.ts";

/** By where they come from. */
export const inputs: readonly { readonly what: string; readonly all: readonly Fuzz[] }[] = [
  { what: "the journal", all: logFuzz },
  { what: "files and JSON of people, scripts and agents", all: fileFuzz },
  { what: "git and its files", all: gitFuzz },
  { what: "runs, processes and locks", all: hostFuzz },
  { what: "agents' output", all: agentFuzz },
  { what: "the terminal", all: terminalFuzz },
  { what: "the command line", all: wordFuzz },
];
