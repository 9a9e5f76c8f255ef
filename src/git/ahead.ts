/** How many commits lanes and the target have apart. */
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import { isNo } from "../core/observed.ts";
import { refsPlace } from "./place.ts";
import { aheadBehindSince, gitVersion } from "./version.ts";

/** Commits that only the branch has, and that only the target has. */
export interface Apart {
  readonly ahead: number;
  readonly behind: number;
}

/** A branch of which the distance is asked. */
export interface Asked {
  readonly ref: string;
  readonly head: string;
}

/** Answers `aheadOf`, remembering what it has computed: a pair of commits never changes its distance. */
export const aheadCounter = (context: Context): AheadOf => {
  let known = new Map<string, Apart>();
  let newer: Promise<boolean> | undefined;
  return async (target, branches) => {
    const keyOf = (branch: Asked): string => `${branch.head} ${target}`;
    const fresh = branches.filter((branch) => branch.head !== target && !known.has(keyOf(branch)));
    newer ??= isNewer(context);
    const counted = fresh.length === 0 ? [] : await ((await newer) ? together : oneByOne)(context, target, fresh);
    const all = new Map([...known, ...fresh.map((branch, at) => [keyOf(branch), counted[at] ?? none] as const)]);
    known = new Map(branches.map((branch) => [keyOf(branch), all.get(keyOf(branch)) ?? none]));
    return new Map(branches.map((branch) => [branch.ref, known.get(keyOf(branch)) ?? none]));
  };
};

/** Distances of branches from a target commit, by ref. */
export type AheadOf = (target: string, branches: readonly Asked[]) => Promise<ReadonlyMap<string, Apart>>;

const none: Apart = { ahead: 0, behind: 0 };

const isNewer = async (context: Context): Promise<boolean> => {
  const found = await gitVersion(context.layout.common, context.env);
  return !isNo(found) && found.version >= aheadBehindSince;
};

/** Git ≥ 2.41: one call for all (18 ms for 200 lanes, where one `rev-list` each takes 360). */
const together = async (context: Context, target: string, branches: readonly Asked[]): Promise<readonly Apart[]> => {
  const args = ["for-each-ref", `--format=%(refname)%00%(ahead-behind:${target})`, ...branches.map(({ ref }) => ref)];
  const rows = (await must(context, refsPlace(context.layout), args)).toString().split("\n");
  const found = new Map(rows.map((row) => row.split("\0") as [string, string | undefined]));
  return branches.map(({ ref }) => numbersOf(found.get(ref), " "));
};

const oneByOne = (context: Context, target: string, branches: readonly Asked[]): Promise<readonly Apart[]> =>
  Promise.all(
    branches.map((branch) =>
      context.wide(async () => {
        const args = ["rev-list", "--left-right", "--count", `${branch.head}...${target}`, "--"];
        const ran = await call(context, refsPlace(context.layout), args);
        // History may be cut off (shallow) or lost: no distance rather than no overview.
        return ran.code === 0 ? numbersOf(ran.stdout.toString(), "\t") : none;
      }),
    ),
  );

/** The two counts of one branch; 0 for what is no count. */
export const numbersOf = (text: string | undefined, separator: string): Apart => {
  const [ahead, behind] = (text ?? "").trim().split(separator).map(Number);
  return { ahead: countOf(ahead), behind: countOf(behind) };
};

const countOf = (given: number | undefined): number =>
  given !== undefined && Number.isSafeInteger(given) && given >= 0 ? given : 0;
