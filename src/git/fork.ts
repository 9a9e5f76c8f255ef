/** Where lanes began, seen from the target: by one process for all of them. */
import { call } from "./call.ts";
import type { Context } from "./call.ts";
import type { Place } from "./place.ts";
import { objectName } from "./ref.ts";

/** The commits of the target's history from which a head grew; undefined when nobody can say: history was cut off. */
export type Fork = readonly string[] | undefined;

/** Where heads began. */
export interface Forks {
  /** Where each of the heads left the target; only the target itself, when it holds all of the target. */
  readonly forks: ReadonlyMap<string, Fork>;
  /** Trees of commits that were seen on the way, by commit. */
  readonly trees: ReadonlyMap<string, string>;
}

/** Where each of these heads left the target. */
export const forksOf = async (
  context: Context,
  place: Place,
  target: string,
  heads: readonly string[],
): Promise<Forks> => {
  if (heads.length === 0) return { forks: new Map(), trees: new Map() };
  const input = `${heads.map(objectName).join("\n")}\n^${objectName(target)}\n`;
  const args = ["rev-list", "--no-commit-header", "--boundary", "--format=%m %H %T %P", "--stdin"];
  const ran = await call(context, place, args, { input });
  if (ran.code !== 0) return { forks: new Map(heads.map((head) => [head, undefined])), trees: new Map() };
  const own = new Map<string, readonly string[]>();
  const trees = new Map<string, string>();
  for (const row of ran.stdout.toString().split("\n")) {
    const [mark, commit = "", tree = "", ...parents] = row.split(" ");
    if (commit === "") continue;
    trees.set(commit, tree);
    // "-" marks what the target has.
    if (mark !== "-") own.set(commit, parents.filter(Boolean));
  }
  return { forks: new Map(heads.map((head) => [head, forkOf(own, target, head)])), trees };
};

/** Walk down from a head through commits that the target does not have, to those that it has. */
const forkOf = (own: ReadonlyMap<string, readonly string[]>, target: string, head: string): Fork => {
  const [seen, open, fork] = [new Set<string>(), [head], new Set<string>()];
  for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
    if (seen.has(commit)) continue;
    seen.add(commit);
    const parents = own.get(commit);
    if (parents) open.push(...parents);
    else fork.add(commit);
  }
  return fork.has(target) ? [target] : [...fork].toSorted();
};
