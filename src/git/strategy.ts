/** How work comes onto the target: as a merge, as one commit, or as its commits anew. Made outside every worktree. */
import { setImmediate as pause } from "node:timers/promises";

import type { No } from "../core/observed.ts";
import { isNo } from "../core/observed.ts";
import type { Strategy } from "../core/state.ts";
import type { Candidate } from "../port.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import { commitIn, mergedTree, threeWay, treeOf } from "./candidate.ts";
import type { Made } from "./candidate.ts";
import { controlPlace } from "./control.ts";
import type { Setting } from "./environment.ts";
import { hooked, hooksBy, hooksKey } from "./hook.ts";
import { ownSettings } from "./own-settings.ts";
import type { Place } from "./place.ts";
import { userIdentity } from "./porcelain.ts";
import type { Person } from "./porcelain.ts";
import { commitOf, laneRefs, objectName } from "./ref.ts";
import { replayed } from "./rerere.ts";
import { signingBy, signingKeys, unsigned } from "./sign.ts";

/** What would land, as a commit of the control repository. Where nothing is signed the same arguments give the same commit. */
export const candidate = async (context: Context, ask: CandidateAsk): Promise<Candidate | No> => {
  const bench = await benchOf(context, ask.trial);
  const base = await baseOf(context, bench, ask);
  const merged = await treeFor(bench, ask, base);
  const tree = isNo(merged) ? await remembered(context, ask, base, merged) : merged;
  if (isNo(tree)) return tree;
  const isNothing = base !== undefined && tree.tree === (await treeOf(context, bench.place, ask.onto));
  if (isNothing) return { commit: ask.onto, tree: tree.tree };
  const { onto, head, message, at } = ask;
  switch (ask.strategy ?? "merge") {
    case "merge":
      return finish(bench, onto, { ...tree, message, at, parents: [onto, head] });
    case "squash": {
      const told = `${message}${await squashed(bench, base ?? onto, head)}`;
      return finish(bench, onto, { ...tree, message: told, at, parents: [onto] });
    }
    case "rebase": {
      const anew = await rebased(bench, { onto, from: base ?? onto, head, at }, tree.tree);
      if (typeof anew !== "string") return anew;
      if (ask.strict === false || anew === onto) return { commit: anew, tree: tree.tree };
      return finish(bench, onto, { ...tree, message, at, parents: [onto, anew] });
    }
  }
};

/** What a candidate is made of. `at`: ms since 1970, the date of the commit. */
export interface CandidateAsk {
  readonly onto: string;
  readonly head: string;
  readonly message: string;
  readonly at: number;
  /**
   * `onto` has `head` in its history although the work was taken out again: what `head` changed since it left this commit is
   * applied anew, which a plain merge would not do. The commit is `onto` itself when that changes nothing.
   */
  readonly since?: string | undefined;
  /** Only what this lane changed since its branch was made: what it began on is on the target as other commits. */
  readonly own?: string | undefined;
  readonly strategy?: Strategy | undefined;
  readonly strict?: boolean | undefined;
  /** Only to see whether it goes: no hook is asked, nothing is signed, and the commit is never to land. */
  readonly trial?: boolean | undefined;
}

/** The tip of `onto` with what went from `from` to `to` taken out again, as a commit; `onto` itself when nothing of it is left. */
export const reverted = async (context: Context, ask: RevertAsk): Promise<Candidate | No> => {
  const bench = await benchOf(context, ask.trial);
  const tree = await threeWay(context, bench.place, { base: ask.to, ours: ask.onto, theirs: ask.from });
  if (isNo(tree)) return tree;
  if (tree.tree === (await treeOf(context, bench.place, ask.onto))) return { commit: ask.onto, tree: tree.tree };
  return finish(bench, ask.onto, { ...ask, ...tree, parents: [ask.onto] });
};

/** What is taken out, and of what. `from`, `to`: commits or trees. */
export interface RevertAsk {
  readonly onto: string;
  readonly from: string;
  readonly to: string;
  readonly message: string;
  readonly at: number;
  readonly trial?: boolean | undefined;
}

/** One commit of a stack of candidates: its tree, on `onto` and all the heads. */
export const join = async (context: Context, { onto, heads, ...ask }: JoinAsk): Promise<Candidate | No> =>
  finish(await benchOf(context), onto, { ...ask, tree: objectName(ask.tree), parents: [onto, ...heads] });

/** What a stack of candidates lands as. `at`: ms since 1970. */
export interface JoinAsk {
  readonly onto: string;
  readonly heads: readonly string[];
  readonly tree: string;
  readonly message: string;
  readonly at: number;
}

/** Where commits are made, and in whose name. On `trial` no program of the person's has a say. */
interface Bench {
  readonly context: Context;
  readonly place: Place;
  readonly person: Promise<Person>;
  readonly say: Promise<Say>;
}

/** What the person's own configuration wants done with each of their commits. */
interface Say {
  readonly signing: readonly Setting[] | undefined;
  /** The folder of their hooks. */
  readonly hooks: string | undefined;
}

const benchOf = async (context: Context, trial = false): Promise<Bench> => ({
  context,
  place: await controlPlace(context),
  person: heard(userIdentity(context)),
  say: trial ? nothingToSay : heard(sayOf(context)),
});

const nothingToSay: Promise<Say> = Promise.resolve({ signing: undefined, hooks: undefined });

/** Asked while the merge is made, which begins first. */
const sayOf = async (context: Context): Promise<Say> => {
  await pause();
  const own = await ownSettings(context, `${signingKeys}|${hooksKey}`);
  return { signing: signingBy(own), hooks: hooksBy(own) };
};

/** Whoever waits for it hears of a failure; where the merge fails first, nobody does. */
const heard = <Answer>(answer: Promise<Answer>): Promise<Answer> => {
  answer.catch(() => undefined);
  return answer;
};

/** The commit since which the changes of `head` count, when a plain merge would find another one. */
const baseOf = async (context: Context, { place }: Bench, ask: CandidateAsk): Promise<string | undefined> => {
  const since = ask.own === undefined ? ask.since : await commitOf(context, laneRefs.base(ask.own));
  if (since === undefined) return undefined;
  const bases = await call(context, place, ["merge-base", objectName(since), objectName(ask.head)]);
  const base = bases.stdout.toString().split("\n", 1)[0] ?? "";
  return bases.code !== 0 || base === "" ? undefined : base;
};

const treeFor = (
  { context, place }: Bench,
  { onto, head }: CandidateAsk,
  base: string | undefined,
): Promise<{ readonly tree: string } | No> =>
  base === undefined
    ? mergedTree(context, place, objectName(onto), objectName(head))
    : threeWay(context, place, { base, ours: onto, theirs: head });

/** The person may have resolved this very conflict before. */
const remembered = async (
  context: Context,
  { onto, head, strategy }: CandidateAsk,
  base: string | undefined,
  no: No,
): Promise<{ readonly tree: string } | No> => {
  const isPlain = base === undefined && strategy !== "rebase" && no.code === 2 && (no.paths ?? []).length > 0;
  const tree = isPlain ? await replayed(context, onto, head) : undefined;
  return tree === undefined ? no : { tree };
};

/** The user's hooks have a say in a commit that we author, and it is signed where the user wants that. */
const finish = async (bench: Bench, onto: string, made: Made): Promise<Candidate | No> => {
  const { hooks } = await bench.say;
  if (hooks === undefined) return signed(bench, made);
  const said = await hooked(bench.context, hooks, {
    onto,
    tree: made.tree,
    parents: made.parents,
    message: made.message,
  });
  if (typeof said !== "string") return said;
  return signed(bench, { ...made, message: said });
};

const signed = async (bench: Bench, made: Made): Promise<Candidate | No> => {
  const { context, place } = bench;
  const [person, { signing }] = await Promise.all([bench.person, bench.say]);
  if (signing === undefined) return commitIn(context, place, person, made);
  return commitIn(context, place, person, { ...made, signing }).catch((error: unknown) => unsigned(error));
};

/** Commits that a message lists. */
const listedMax = 50;
const commitsMax = 1000;

const commitsIn = async ({ context, place }: Bench, from: string, head: string): Promise<readonly string[]> => {
  const args = ["rev-list", "--reverse", "--topo-order", "--no-merges", `--max-count=${commitsMax + 1}`];
  const text = (await must(context, place, [...args, objectName(head), `^${objectName(from)}`])).toString();
  return text.split("\n").filter((commit) => commit !== "");
};

/** What was made one commit: its commits, and who wrote them. */
const squashed = async (bench: Bench, from: string, head: string): Promise<string> => {
  const { context, place } = bench;
  const person = await bench.person;
  const commits = await commitsIn(bench, from, head);
  if (commits.length === 0) return "";
  const args = ["log", "--no-walk=unsorted", "--no-show-signature", "--format=%h %s%x00%an <%ae>", ...commits];
  const rows = (await must(context, place, args)).toString().trimEnd().split("\n");
  const pairs = rows.map((row) => row.split("\0"));
  const listed = pairs.slice(0, listedMax).map(([subject = ""]) => `- ${subject}`);
  if (pairs.length > listedMax) listed.push(`- and ${pairs.length - listedMax} more`);
  const authors = new Set(pairs.map(([, author = ""]) => author));
  authors.delete(`${person.name} <${person.email}>`);
  const credits = [...authors].map((author) => `Co-authored-by: ${author}\n`).join("");
  return `${credits}\nSquashed:\n${listed.join("\n")}\n`;
};

/** The lane's commits one by one on top of `onto`. The last one must hold exactly what a merge would: `tree`. */
const rebased = async (
  bench: Bench,
  {
    onto,
    from,
    head,
    at,
  }: { readonly onto: string; readonly from: string; readonly head: string; readonly at: number },
  tree: string,
): Promise<string | No> => {
  const { context, place } = bench;
  const commits = await commitsIn(bench, from, head);
  if (commits.length > commitsMax) return notRebased(`it has more than ${commitsMax} commits`);
  let tip = onto;
  let before = await treeOf(context, place, onto);
  for (const commit of commits) {
    const { parent, author, message } = await readCommit(bench, commit);
    if (parent === undefined) return notRebased(`${commit.slice(0, 7)} has no parent`);
    const step = await threeWay(context, place, { base: parent, ours: tip, theirs: commit });
    if (isNo(step)) return notRebased(`${commit.slice(0, 7)} does not apply by itself (${step.refused})`, step.paths);
    // It changes nothing here any more.
    if (step.tree === before) continue;
    const made = await signed(bench, { ...step, parents: [tip], message, at, author });
    if (isNo(made)) return made;
    tip = made.commit;
    before = step.tree;
  }
  return before === tree ? tip : notRebased("its commits alone are not what a merge would be");
};

const notRebased = (why: string, paths: readonly string[] = []): No => ({
  refused: `it cannot be rebased: ${why}`,
  hint: "let it land as a merge or squashed: lanes merge --strategy",
  code: 2,
  paths,
});

interface Read {
  readonly parent: string | undefined;
  readonly author: Person & { readonly date: string };
  readonly message: string;
}

const readCommit = async ({ context, place }: Bench, commit: string): Promise<Read> => {
  const args = [
    "log",
    "-1",
    "--no-show-signature",
    "--encoding=UTF-8",
    "--date=raw",
    "--format=%P%x00%an%x00%ae%x00%ad%x00%B",
  ];
  const text = (await must(context, place, [...args, objectName(commit)])).toString();
  const [parents = "", name = "", email = "", date = "", message = ""] = text.split("\0");
  // The sign says that it is a time.
  return { parent: parents.split(" ").find((one) => one !== ""), author: { name, email, date: `@${date}` }, message };
};
