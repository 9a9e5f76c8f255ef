/** Forecasts beside the merges that they foretell. */
import { execFileSync } from "node:child_process";

import { contextOf } from "../../src/git/call.ts";
import { controlPlace } from "../../src/git/control.ts";
import { createComparer, type Comparer } from "../../src/git/forecast.ts";
import { type Merged, mergeBatch, type Two } from "../../src/git/merge-batch.ts";
import { anyOf, dice, forestOf, randomLane, someEdit, type Tree } from "./forest.ts";
import { scene, type Scene } from "./scratch.ts";

/** A repository, a forecaster of it, and plain merges to compare it with. */
export interface Fixture {
  readonly s: Scene;
  readonly forecast: Comparer;
  /** Commit this tree on top of another commit. */
  readonly commit: (tree: Tree, parent?: string) => string;
  readonly merges: (pairs: readonly Two[]) => Promise<readonly Merged[]>;
  /** A merge commit of this tree. */
  readonly join: (tree: string, ...parents: readonly string[]) => string;
}

export const fixture = async (): Promise<Fixture> => {
  const s = await scene();
  const context = contextOf(s.layout, s.env, () => undefined);
  const place = await controlPlace(context);
  let n = 0;
  return {
    s,
    forecast: createComparer(context),
    commit: (tree, parent) => {
      n += 1;
      const stream = [`commit refs/heads/made-${n}`, `committer Ada <ada@example.org> ${n} +0000`, "data 0", ""];
      if (parent !== undefined) stream.push(`from ${parent}`);
      stream.push("deleteall");
      for (const [path, { mode, text }] of tree)
        stream.push(`M ${mode} inline ${JSON.stringify(path)}`, `data ${Buffer.byteLength(text)}`, text);
      execFileSync("git", ["fast-import", "--quiet"], { cwd: s.top, env: s.env, input: `${stream.join("\n")}\n` });
      return s.run("rev-parse", `made-${n}`);
    },
    join: (tree, ...parents) =>
      s.run(
        "--git-dir",
        place.gitDir,
        "commit-tree",
        tree,
        ...parents.flatMap((parent) => ["-p", parent]),
        "-m",
        "landed",
      ),
    merges: (pairs) => mergeBatch(context, place, pairs),
  };
};

const lanesPerRound = 9;

/**
 * Random lanes that began at the target (`isSpread`: or at the commit before it, or at another lane): what the forecast says of each pair, and what landing one and
 * then merging the other comes to. Lanes that do not merge with the target are told of that alone.
 */
export const forecastAndTruth = async (
  seed: number,
  isSpread = false,
): Promise<{ readonly told: readonly string[]; readonly truth: readonly string[]; readonly pairs: number }> => {
  const { commit, forecast, merges, join } = await fixture();
  const roll = dice(seed);
  const forest = forestOf(roll);
  const old = commit(forest);
  const grown = isSpread && roll(3) === 0 ? someEdit(forest, roll) : randomLane(forest, roll);
  const target = commit(grown, old);
  const lanes = new Map<string, string>();
  const begins: [string, Tree][] = [[target, grown]];
  if (isSpread) begins.push([target, grown], [old, forest]);
  for (let n = 0; n < lanesPerRound; n += 1) {
    const [from, tree] = anyOf(roll, begins);
    const own = randomLane(tree, roll);
    const head = commit(own, from);
    lanes.set(`lane-${n}`, head);
    if (isSpread && roll(4) === 0) begins.push([head, own]);
  }
  const found = await forecast({ target, lanes });
  const told = found
    .filter(({ kinds }) => !kinds.includes("case"))
    .map(({ a, b, is }) => `${a} ${b ?? "target"} ${is}`)
    .toSorted();
  const ids = [...lanes.keys()];
  const onto = await merges(ids.map((id) => [target, lanes.get(id) ?? ""]));
  const truth = ids.flatMap((id, index) => (onto[index]?.is === "clean" ? [] : [`${id} target ${onto[index]?.is}`]));
  const landed = new Map(
    ids.flatMap((id, index) => {
      const merged = onto[index];
      return merged?.is === "clean" ? [[id, join(merged.tree, target, lanes.get(id) ?? "")] as const] : [];
    }),
  );
  const clean = [...landed.keys()];
  const pairs = clean.flatMap((a, index) => clean.slice(index + 1).map((b) => [a, b] as const));
  // One has landed, and the other is merged with that.
  const ways = pairs.flatMap(([a, b]) => [
    [landed.get(a) ?? "", lanes.get(b) ?? ""] as const,
    [landed.get(b) ?? "", lanes.get(a) ?? ""] as const,
  ]);
  const ends = await merges(ways);
  for (const [index, [a, b]] of pairs.entries()) {
    const is = [ends[2 * index]?.is, ends[2 * index + 1]?.is].find((end) => end !== "clean");
    if (is !== undefined) truth.push(`${a} ${b} ${is}`);
  }
  return { told, truth: truth.toSorted(), pairs: ids.length + pairs.length };
};
