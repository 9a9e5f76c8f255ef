/** Where lanes began, seen from the target: by one process for all of them. */
import { call } from "./call.ts";
import type { Context } from "./call.ts";
import type { Place } from "./place.ts";
import { objectName } from "./ref.ts";

/** The commits of the target's history from which a head grew; undefined when nobody can say: history was cut off. */
export type Fork = readonly string[] | undefined;

/** Where each of these heads left the target. Only the target itself, when it holds all of the target. */
export const forksOf = async (
  context: Context,
  place: Place,
  target: string,
  heads: readonly string[],
): Promise<ReadonlyMap<string, Fork>> => {
  if (heads.length === 0) return new Map();
  const input = `${heads.map(objectName).join("\n")}\n^${objectName(target)}\n`;
  const ran = await call(context, place, ["rev-list", "--parents", "--stdin"], { input });
  if (ran.code !== 0) return new Map(heads.map((head) => [head, undefined]));
  const own = new Map<string, readonly string[]>();
  for (const row of ran.stdout.toString().split("\n")) {
    const [commit = "", ...parents] = row.split(" ");
    if (commit !== "") own.set(commit, parents);
  }
  return new Map(heads.map((head) => [head, forkOf(own, target, head)]));
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
