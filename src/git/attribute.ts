/**
 * What `.gitattributes` of the target say about merging. Git ≥ 2.41 merges by them itself (`--attr-source`); an older one merges
 * as text what they name, and then nobody knows. A driver of the repository's own is a program: it is not run for a forecast.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import { isNo } from "../core/observed.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import type { BatchOptions, Merged } from "./merge-batch.ts";
import type { Place } from "./place.ts";
import { aheadBehindSince, gitVersion } from "./version.ts";

/** A merge, and the paths that both of its sides change. */
export interface Question {
  readonly a: string;
  readonly b: string | undefined;
  readonly merged: Merged;
  readonly shared: readonly string[];
}

/** What the attributes at one commit mean for merges. */
export interface Judge {
  /** The same for the same attributes, and for the same git. */
  readonly key: string;
  /** The merges as far as one can know: `unknown` where a driver has the last word that was not asked. */
  look(questions: readonly Question[]): Promise<readonly Question[]>;
}

/** The attributes of commits. */
export interface Court {
  /** How merges are made under the attributes of this commit. */
  options(target: string): Promise<BatchOptions>;
  /** What they mean; the last answer is remembered. */
  judge(place: Place, target: string): Promise<Judge>;
}

/** The attributes of a repository's commits. */
export const createCourt = (context: Context): Court => {
  let last: { readonly target: string; readonly judge: Judge } | undefined;
  let source: Promise<boolean> | undefined;
  const isSource = (): Promise<boolean> =>
    (source ??= gitVersion(context.layout.common, context.env).then(
      (found) => !isNo(found) && found.version >= aheadBehindSince,
    ));
  return {
    options: async (target) => ((await isSource()) ? { attributesOf: target } : {}),
    judge: async (place, target) => {
      if (last?.target === target) return last.judge;
      const files = await filesThatSay(context, place, target);
      const judge = files === "" ? silent : judgeOf(context, place, target, files, await isSource());
      last = { target, judge };
      return judge;
    },
  };
};

const silent: Judge = { key: "", look: async (questions) => questions };

/** The `.gitattributes` of a commit in which merging is spoken of, with the names of their contents; empty when there are none. */
const filesThatSay = async (context: Context, place: Place, target: string): Promise<string> => {
  const files = ":(glob)**/.gitattributes";
  const args = ["grep", "--no-textconv", "-z", "-l", "-w", "-E", "-e", "merge|binary", target, "--", files];
  const found = await call(context, place, args);
  if (found.code === 1) return "";
  if (found.code !== 0) return target;
  const names = found.stdout.toString().split("\0").filter(Boolean);
  const input = names.map((name) => `${name}\0`).join("");
  return (await must(context, place, ["cat-file", "--batch-check", "-z"], { input })).toString();
};

const judgeOf = (context: Context, place: Place, target: string, files: string, isSource: boolean): Judge => ({
  key: `${isSource}.${files.replaceAll(/\s+/g, ".")}`,
  look: async (questions) => {
    const asked = questions.map(({ merged, shared }) =>
      merged.is === "conflict" ? [...shared, ...merged.paths] : shared,
    );
    const values = await mergeValues(context, place, target, [...new Set(asked.flat())]);
    return questions.map((question, index) => {
      const paths = (asked[index] ?? []).filter((path) => isDoubtful(values.get(path), isSource));
      const merged: Merged = { is: "unknown", why: "another merge driver is set for it", paths };
      return paths.length === 0 || question.merged.is === "unknown" ? question : { ...question, merged };
    });
  },
});

/** What git merges as text whatever it is told; and what it merges in its own other ways, when it knows of them. */
const asText = new Set(["unspecified", "set", "text"]);
const builtIn = new Set(["unset", "binary", "union"]);

const isDoubtful = (value: string | undefined, isSource: boolean): boolean =>
  value !== undefined && !asText.has(value) && !(isSource && builtIn.has(value));

/** The `merge` attribute of these paths at a commit. Read through an index of its own: an old git knows no other way without a worktree. */
const mergeValues = async (
  context: Context,
  place: Place,
  target: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> => {
  if (paths.length === 0) return new Map();
  const folder = await mkdtemp(join(place.gitDir, "forecast."));
  const env = { GIT_INDEX_FILE: join(folder, "index") };
  try {
    await must(context, place, ["read-tree", target], { env });
    const input = paths.map((path) => `${path}\0`).join("");
    const said = await must(context, place, ["check-attr", "--cached", "-z", "--stdin", "merge"], { env, input });
    const fields = said.toString().split("\0");
    return new Map(paths.map((_, at) => [fields[3 * at] ?? "", fields[3 * at + 2] ?? "unspecified"]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
