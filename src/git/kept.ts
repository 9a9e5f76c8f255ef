/** What is kept of lanes (`refs/lanes/trash/<lane>/<n>`): reading it, and letting go of what is old. */
import { idFault } from "../core/id.ts";
import type { Kept } from "../core/observed.ts";
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import { refsPlace } from "./place.ts";
import { changeRefs, laneRefs, objectName } from "./ref.ts";

/** A kept commit with everything that its message tells. */
export interface KeptCommit extends Kept {
  /** Tree, parents and message: the same for the same work. */
  readonly body: string;
  /** Ref that HEAD named; undefined when it was detached. */
  readonly on: string | undefined;
  readonly head: string | undefined;
  readonly branch: string | undefined;
  readonly base: string | undefined;
  /** Commit of what was staged. */
  readonly staged: string | undefined;
  /** Commit of the sides of files in conflict. */
  readonly conflicts: string | undefined;
}

/** What is kept of a lane, or of all, oldest first for each. Refs of other hands below our folder are left out. */
export const keptOf = async (context: Context, lane?: string): Promise<readonly KeptCommit[]> => {
  const args = [
    "for-each-ref",
    `--format=${format}`,
    lane === undefined ? "refs/lanes/trash/" : `${laneRefs.trash(lane)}/`,
  ];
  const text = (await must(context, refsPlace(context.layout), args)).toString();
  const all = text.split(end).flatMap(keptIn);
  return all.toSorted((a, b) => (a.lane === b.lane ? a.n - b.n : a.lane < b.lane ? -1 : 1));
};

const end = "\0\u0001\n";
const format = "%(refname)%00%(objectname)%00%(committerdate:unix)%00%(tree)%00%(parent)%00%(contents)%00%01";

const keptIn = (record: string): readonly KeptCommit[] => {
  const [ref = "", commit = "", at = "", ...body] = record.split("\0");
  const [, lane, n] = /^refs\/lanes\/trash\/([^/]+)\/(\d{1,9})$/.exec(ref) ?? [];
  if (lane === undefined || idFault(lane) !== undefined || at === "") return [];
  const facts = factsOf(body.at(-1) ?? "");
  return [{ ...facts, ref, lane, n: Number(n), commit, at: Number(at) * 1000, body: body.join("\0") }];
};

/** The lines `Name: value` of a kept commit's message. */
const factsOf = (message: string): Omit<KeptCommit, "ref" | "lane" | "n" | "commit" | "at" | "body"> => {
  const facts = new Map(
    message.split("\n").flatMap((row) => {
      const [, name, value] = /^([A-Z][a-z]+): (.+)$/.exec(row) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  const commit = (name: string): string | undefined => {
    const value = facts.get(name);
    return value !== undefined && /^[0-9a-f]{40,64}$/.test(value) ? value : undefined;
  };
  const number = (name: string): number => Number(facts.get(name)) || 0;
  return {
    on: facts.get("On"),
    head: commit("Head"),
    branch: commit("Branch"),
    base: commit("Base"),
    staged: commit("Staged"),
    conflicts: commit("Conflicts"),
    ...(facts.has("Busy") ? { busy: facts.get("Busy") ?? "" } : {}),
    commits: number("Commits"),
    files: number("Files"),
    bytes: number("Bytes"),
  };
};

/** Let go of these refs, each only if it still names this commit. Answers those that are gone now. */
export const dropKept = async (
  context: Context,
  refs: readonly Pick<Kept, "ref" | "commit">[],
): Promise<readonly string[]> => {
  const dropped: string[] = [];
  for (const { ref, commit } of refs) {
    if (!ref.startsWith("refs/lanes/trash/")) throw new Error(`${ref} is nothing that was kept`);
    const ran = await changeRefs(context, "lanes: kept long enough", [
      { ref, from: objectName(commit), to: undefined },
    ]);
    if (ran.code === 0) dropped.push(ref);
  }
  return dropped;
};
