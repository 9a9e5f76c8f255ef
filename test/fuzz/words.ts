/** Command lines of random words under fuzz: one line, a code of the list, and nothing that only a developer could read. */
import { Readable } from "node:stream";

import fc from "fast-check";
import { expect } from "vitest";

import { exit } from "../../src/cli/exit.ts";
import { globalOptions } from "../../src/cli/help.ts";
import { runCommandLine } from "../../src/cli/main.ts";
import { catalog } from "../../src/core/catalog.ts";
import { fakeShell } from "../cli/fake.ts";
import { scene } from "../cli/scratch.ts";
import type { Fuzz } from "./fuzz.ts";

const codes: readonly (number | null)[] = Object.values(exit);
const verbs = catalog.map(({ id }) => id);
const options = [...globalOptions, ...catalog.flatMap((row) => [...row.options])].flatMap(({ flags }) =>
  flags.split(/[ ,]+/).filter((word) => word.startsWith("-")),
);

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...verbs) },
  { weight: 4, arbitrary: fc.constantFrom(...options, "--help", "-h", "--version", "--", "-", "help") },
  {
    weight: 4,
    arbitrary: fc.constantFrom("docs", "nobody", "{}", '{"agent":"manual"}', "@nowhere", "@.", "5", "-1", "freeze"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("", "\u001B[31m", "\u202E", "--=", "---", "-qv", "-n5", "a\nb", "x".repeat(999)),
  },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 8 }).map((text) => text.replaceAll("\0", "")) },
);

const line = fc
  .tuple(fc.constantFrom(...verbs), fc.array(word, { maxLength: 5 }))
  .map(([verb, rest]) => [verb, ...rest]);
const words = fc.oneof({ weight: 3, arbitrary: line }, { weight: 1, arbitrary: fc.array(word, { maxLength: 6 }) });

/** What every end of a call looks like. */
const expectClean = (argv: readonly string[], code: number | null, stdout: string, stderr: string): void => {
  expect(codes).toContain(code);
  expect(code).not.toBe(exit.internal);
  // Every control character but the line break, every escape, whatever turns the direction of a text.
  for (const text of [stdout, stderr]) expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  const isVerbose = argv.some((one) => /^-\w*v|^--verb/.test(one));
  if (!isVerbose) expect(stderr).not.toMatch(/^\s+at .*\d+:\d+/m);
  const failures = stderr.split("\n").filter((one) => one.startsWith("lanes: "));
  // A verb that reports on several things ends with the worst of them, and its report is what it says.
  if (!isVerbose) expect(failures.length).toBeLessThanOrEqual(1);
  if (code !== exit.done) expect(stdout + stderr).not.toBe("");
  if (code === exit.usage && !isVerbose) expect(failures.length).toBe(1);
};

const parsing: Fuzz = {
  name: "any words outside of a repository are answered by a help, or refused in one line",
  cases: 5000,
  run: (dice) =>
    fc.assert(
      fc.asyncProperty(words, async (argv) => {
        const nowhere = { refused: "not a git repository", hint: "go to one", code: exit.unusable };
        const openDemo = (): Promise<number> => Promise.resolve(exit.done);
        const doctor = (): Promise<never> => Promise.reject(Object.assign(new Error("disk"), { code: "EROFS" }));
        const shell = fakeShell({ engine: () => Promise.resolve(nowhere), openDemo, doctor, stdin: Readable.from([]) });
        const code = await runCommandLine(argv, shell);
        expectClean(argv, code, shell.stdout.text(), shell.stderr.text());
      }),
      dice,
    ),
};

/** Words that go on for ever by design. */
const endless: ReadonlySet<string> = new Set(["demo", "run", "monitor", "--follow", "-f"]);
const isEnding = (argv: readonly string[]): boolean =>
  !argv.some((one) => endless.has(one) || /^-[a-z]*f|^--fo/.test(one)) && !argv.includes("--repo");

const running: Fuzz = {
  name: "any words in a repository end the program with a code of the list, in time",
  cases: 80,
  slow: true,
  run: async (dice) => {
    const { lanes, lanesWith } = scene();
    await lanes("add-lane", "docs", "{}");
    const input = fc.oneof(
      fc.constantFrom("", "{}", '{"tasks": 5}', "["),
      fc.string({ unit: "binary", maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(words.filter(isEnding), input, async (argv, given) => {
        const { code, stdout, stderr } = await lanesWith({ input: given }, ...argv);
        expectClean(argv, code, stdout, stderr);
      }),
      { ...dice, timeout: 120_000, endOnFailure: true },
    );
  },
};

/** The inputs that are words of a command line. */
export const wordFuzz: readonly Fuzz[] = [parsing, running];
