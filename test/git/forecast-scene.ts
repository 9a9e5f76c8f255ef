/** Forecasts beside the merges that they foretell. */
import { execFileSync } from "node:child_process";

import { contextOf } from "../../src/git/call.ts";
import { controlPlace } from "../../src/git/control.ts";
import { createForecast, type Forecast } from "../../src/git/forecast.ts";
import { type Merged, mergeBatch } from "../../src/git/merge-batch.ts";
import { dice, forestOf, randomLane, type Tree } from "./forest.ts";
import { scene, type Scene } from "./scratch.ts";

/** A repository, a forecaster of it, and plain merges to compare it with. */
export interface Fixture {
  readonly s: Scene;
  readonly forecast: Forecast;
  /** Commit this tree on top of another commit. */
  readonly commit: (tree: Tree, parent?: string) => string;
  readonly merge: (onto: string, head: string) => Promise<Merged>;
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
    forecast: createForecast(context),
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
    merge: async (onto, head) => {
      const [merged] = await mergeBatch(context, place, [[onto, head]]);
      if (!merged) throw new Error("no answer");
      return merged;
    },
  };
};

const lanesPerRound = 9;

/**
 * Random lanes that began at the target (`isSpread`: or at the commit before it): what the forecast says of each pair, and what landing one and
 * then merging the other comes to. Lanes that do not merge with the target are told of that alone.
 */
export const forecastAndTruth = async (
  seed: number,
  isSpread = false,
): Promise<{ readonly told: readonly string[]; readonly truth: readonly string[]; readonly pairs: number }> => {
  const { commit, forecast, merge, join } = await fixture();
  const roll = dice(seed);
  const forest = forestOf(roll);
  const old = commit(forest);
  const grown = randomLane(forest, roll);
  const target = commit(grown, old);
  const lanes = new Map<string, string>();
  for (let n = 0; n < lanesPerRound; n += 1) {
    const [from, tree] = isSpread && roll(3) === 0 ? [old, forest] : [target, grown];
    lanes.set(`lane-${n}`, commit(randomLane(tree, roll), from));
  }
  const found = await forecast({ target, lanes });
  const told = found
    .filter(({ is }) => is !== "case")
    .map(({ a, b, is }) => `${a} ${b ?? "target"} ${is}`)
    .toSorted();
  const truth: string[] = [];
  const ids = [...lanes.keys()];
  const onTarget = new Map<string, Merged>();
  for (const [id, head] of lanes) onTarget.set(id, await merge(target, head));
  for (const id of ids) if (onTarget.get(id)?.is !== "clean") truth.push(`${id} target ${onTarget.get(id)?.is}`);
  const clean = ids.filter((id) => onTarget.get(id)?.is === "clean");
  /** How the second lane merges when the first one has landed. */
  const after = async (first: string, second: string): Promise<Merged["is"]> => {
    const landed = onTarget.get(first);
    if (landed?.is !== "clean") throw new Error(`${first} does not land`);
    return (await merge(join(landed.tree, target, lanes.get(first) ?? ""), lanes.get(second) ?? "")).is;
  };
  let pairs = ids.length;
  for (const [index, a] of clean.entries())
    for (const b of clean.slice(index + 1)) {
      pairs += 1;
      const ends = [await after(a, b), await after(b, a)];
      const is = ends.find((end) => end !== "clean");
      if (is !== undefined) truth.push(`${a} ${b} ${is}`);
    }
  return { told, truth: truth.toSorted(), pairs };
};
