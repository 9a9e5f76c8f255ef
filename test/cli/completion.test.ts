import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";

import { catalog } from "../../src/core/catalog.ts";
import { hasTool } from "../tool.ts";
import { patience, scene, type Scene } from "./scratch.ts";

const program = join(import.meta.dirname, "../../bin/lanes.js");

/** A repository with two lanes, and `lanes` on PATH as a shell finds it. */
const withLanes = async (): Promise<{ there: Scene; env: NodeJS.ProcessEnv }> => {
  const there = scene();
  await there.lanes("add-lane", "docs-intro", "{}");
  await there.lanes("add-lane", "api", "{}");
  there.git("branch", "develop");
  const folder = mkdtempSync(join(dirname(there.top), "bin-"));
  writeFileSync(join(folder, "lanes"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, { mode: 0o755 });
  const { LD_LIBRARY_PATH } = process.env;
  const libraries = LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH };
  return { there, env: { PATH: `${folder}:${process.env["PATH"]}`, HOME: dirname(there.top), ...libraries } };
};

/** What a shell offers for the last word, sorted. */
type Offer = (...typed: readonly string[]) => readonly string[];

const sorted = (text: string): readonly string[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .toSorted((a, b) => a.localeCompare(b));

const bashScript = `source <(lanes completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _lanes; printf '%s\\n' "\${COMPREPLY[@]}"`;

/** The completion system of zsh needs a terminal: its three entries are replaced by ones that print. */
const zshScript = `compdef() { :; }
_describe() { local name=\${@[-1]} each; for each in "\${(@P)name}"; do print -r -- "\${each%%:*}"; done | grep -- "^$PREFIX"; }
compadd() { local -a given; if [[ $1 == -a ]]; then given=("\${(@P)2}"); else shift; given=("$@"); fi; print -rl -- $given | grep -- "^$PREFIX"; }
_files() { print -r -- files; }; _command_names() { print -r -- commands; }
source <(lanes completion zsh)
words=("$@"); CURRENT=$#; PREFIX=\${@[-1]}; _lanes lanes; true`;

const offers: Readonly<Record<string, (env: NodeJS.ProcessEnv, cwd: string) => Offer>> = {
  bash:
    (env, cwd) =>
    (...typed) =>
      sorted(execFileSync("bash", ["-c", bashScript, "bash", "lanes", ...typed], { env, cwd, encoding: "utf8" })),
  zsh:
    (env, cwd) =>
    (...typed) =>
      sorted(execFileSync("zsh", ["-fc", zshScript, "zsh", "lanes", ...typed], { env, cwd, encoding: "utf8" })),
  fish:
    (env, cwd) =>
    (...typed) => {
      const script = "lanes completion fish | source; complete -C $argv[1]";
      const line = ["lanes", ...typed].join(" ");
      const said = execFileSync("fish", ["-c", script, line], { env, cwd, encoding: "utf8" });
      return sorted(said.replaceAll(/\t.*$/gm, ""));
    },
};

describe.each(Object.keys(offers))("%s", (shell) => {
  test.skipIf(!hasTool(shell))(`completes verbs, options and lanes (needs ${shell})`, patience, async () => {
    const { there, env } = await withLanes();
    const offer = offers[shell]!(env, there.top);
    expect(offer("")).toEqual(expect.arrayContaining(catalog.map(({ id }) => id)));
    expect(offer("la")).toEqual(["launch"]);
    expect(offer("launch", "")).toEqual(["api", "docs-intro"]);
    expect(offer("--repo", ".", "retry", "d")).toEqual(["docs-intro"]);
    expect(offer("engine", "st")).toEqual(["start", "status", "stop"]);
    expect(offer("completion", "")).toEqual(["bash", "fish", "zsh"]);
    expect(offer("doctor", "--f")).toEqual(["--fix"]);
    expect(offer("plan", "--dr")).toEqual(["--dry-run"]);
    expect(offer("init", "--target", "d")).toEqual(["develop"]);
    expect(offer("tracker", "")).toEqual(["export", "get", "patch"]);
    expect(offer("pause", "--how", "")).toEqual(["freeze", "stop"]);
    expect(offer("pause", "--how", "fr")).toEqual(["freeze"]);
    expect(offer("status", "--js")).toEqual(["--json"]);
  });
});

test("lane ids come from the short way in, and everywhere in the repository", patience, async () => {
  const { there } = await withLanes();
  expect(await there.lanes("completion", "lanes")).toEqual({ code: 0, stdout: "docs-intro\napi\n", stderr: "" });
  const long = await there.lanes("completion", "lanes", "--plain");
  expect(long).toEqual({ code: 0, stdout: "docs-intro\napi\n", stderr: "" });
});

test(
  "a shell hears nothing where there are no lanes, and a person hears which shells there are",
  patience,
  async () => {
    const there = scene();
    expect(await there.lanes("completion", "lanes")).toEqual({ code: 0, stdout: "", stderr: "" });
    const outside = await there.lanesWith({ cwd: dirname(there.top) }, "completion", "lanes");
    expect(outside).toEqual({ code: 0, stdout: "", stderr: "" });
    const odd = await there.lanes("completion", "zhs");
    expect(odd.code).toBe(64);
    expect(odd.stderr).toContain('there is no completion for the shell "zhs"');
  },
);
