/** Merges made in advance, outside every worktree and every branch. */
import { quote } from "../core/id.ts";
import type { No } from "../core/observed.ts";
import { isNo } from "../core/observed.ts";
import type { Candidate } from "../port.ts";
import { foreignAmong, mergeRules } from "./attributes-file.ts";
import type { MergeRules } from "./attributes-file.ts";
import { call, endOf, line, must } from "./call.ts";
import type { Context, More } from "./call.ts";
import type { Setting } from "./environment.ts";
import { controlPlace } from "./control.ts";
import type { Place } from "./place.ts";
import { userIdentity } from "./porcelain.ts";
import type { Person } from "./porcelain.ts";
import { objectName } from "./ref.ts";
import type { Ran } from "./run.ts";

/** `onto` with each of `heads` that it does not contain merged in, one after another; a head that grew from there needs no merge. */
export const mergeAll = async (context: Context, onto: string, heads: readonly string[]): Promise<string | No> => {
  const [place, person] = await Promise.all([controlPlace(context), userIdentity(context)]);
  let base = objectName(onto);
  for (const head of heads) {
    const holds = async (whole: string, part: string): Promise<boolean> =>
      (await call(context, place, ["merge-base", "--is-ancestor", part, whole])).code === 0;
    if (await holds(base, objectName(head))) continue;
    if (await holds(head, base)) {
      base = head;
      continue;
    }
    // A date that follows from the arguments, so that a repetition gives the same commit.
    const at = Number(await line(context, place, ["log", "-1", "--no-show-signature", "--format=%ct", head])) * 1000;
    const merged = await mergeIn(context, place, person, { onto: base, head, message: `Merge ${head} as a base`, at });
    if (isNo(merged)) return merged;
    base = merged.commit;
  }
  return base;
};

const mergeIn = async (context: Context, place: Place, person: Person, ask: BaseAsk): Promise<Candidate | No> => {
  const tree = await mergedTree(context, place, objectName(ask.onto), objectName(ask.head));
  return isNo(tree) ? tree : commitIn(context, place, person, { ...ask, ...tree, parents: [ask.onto, ask.head] });
};

/** What a merge as a base is made of. `at`: ms since 1970, the date of the commit. */
interface BaseAsk {
  readonly onto: string;
  readonly head: string;
  readonly message: string;
  readonly at: number;
}

/** Three commits or trees. */
interface Three {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

/** A merge with a base of our choice: commits without a history stand for the three, since `--merge-base` needs git 2.40. */
export const threeWay = async (
  context: Context,
  place: Place,
  three: Three,
): Promise<{ readonly tree: string } | No> => {
  const standIn = async (of: string, parents: readonly string[]): Promise<string> => {
    const { commit } = await commitIn(context, place, nobody, {
      tree: await treeOf(context, place, of),
      parents,
      message: "a side of a merge\n",
      at: 0,
    });
    return commit;
  };
  const base = await standIn(three.base, []);
  const [ours, theirs] = [await standIn(three.ours, [base]), await standIn(three.theirs, [base])];
  // Two equal sides are one commit; git would take them as merged already, and that is what they are.
  return mergedTree(context, place, ours, theirs, three.ours);
};

const nobody: Person = { name: "lanes", email: "lanes@localhost" };

/** The tree of a commit, or of a tree. */
export const treeOf = (context: Context, place: Place, of: string): Promise<string> =>
  line(context, place, ["rev-parse", "--verify", "--end-of-options", `${objectName(of)}^{tree}`]);

/** What a commit is made of. `at`: ms since 1970. */
export interface Made {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  readonly at: number;
  /** Author of the work, when that is somebody else. `date` as git writes it: seconds and zone. */
  readonly author?: Person & { readonly date: string };
  /** With these settings it is signed. */
  readonly signing?: readonly Setting[] | undefined;
}

/** A commit of the control repository. The same arguments make the same one, unless it is signed. */
export const commitIn = async (context: Context, place: Place, person: Person, ask: Made): Promise<Candidate> => {
  // The sign says that it is a time: git takes small bare numbers for years.
  const date = `@${Math.floor(ask.at / 1000)} +0000`;
  const env = {
    GIT_AUTHOR_NAME: ask.author?.name ?? person.name,
    GIT_AUTHOR_EMAIL: ask.author?.email ?? person.email,
    GIT_AUTHOR_DATE: ask.author?.date ?? date,
    GIT_COMMITTER_NAME: person.name,
    GIT_COMMITTER_EMAIL: person.email,
    GIT_COMMITTER_DATE: date,
  };
  const args = ["commit-tree", ask.tree, ...ask.parents.flatMap((parent) => ["-p", objectName(parent)]), "-F", "-"];
  const { signing } = ask;
  if (signing !== undefined) args.splice(1, 0, "-S");
  const more: More = { env, input: ask.message, settings: [["i18n.commitEncoding", "UTF-8"], ...(signing ?? [])] };
  return { commit: await line(context, place, args, more), tree: ask.tree };
};

/** The merge of two commits as a tree. Git can die by an assertion on valid trees (git.md section 3); then a plainer merge is tried. */
export const mergedTree = async (
  context: Context,
  place: Place,
  onto: string,
  head: string,
  attributesOf: string = onto,
): Promise<{ readonly tree: string } | No> => {
  const merge = async (settings: readonly Setting[]): Promise<Ran> => {
    const args = ["merge-tree", "--write-tree", "-z", "--messages", onto, head];
    const ran = await call(context, place, args, { settings });
    if (ran.code >= 0 && ran.code !== 134) return ran;
    return call(context, place, args, { settings: [...settings, ["merge.directoryRenames", "false"]] });
  };
  // Few repositories have attributes that a merge goes by: it is made as if there were none while they are looked for.
  const [plain, rules] = await Promise.all([merge([]), mergeRules(context, place, attributesOf)]);
  const driven = await foreignlyDriven(context, place, rules, [onto, head]);
  if (driven) return driven;
  const ran = rules.settings.length === 0 ? plain : await merge(rules.settings);
  if (ran.code === 0) return { tree: ran.stdout.toString().split("\0")[0] ?? "" };
  if (ran.code === 1) return conflict(parseConflict(ran.stdout.toString()));
  const hint = "merge the target into the lane by hand, in its worktree";
  if (ran.stderr.includes("unrelated histories")) return { refused: "the two have no common history", hint, code: 2 };
  return { refused: `git itself failed on this pair: ${endOf(ran)}`, hint, code: 2 };
};

/** A file that both sides changed and that a driver merges which only the repository could define: nobody but the person may say that it runs. */
const foreignlyDriven = async (
  context: Context,
  place: Place,
  rules: MergeRules,
  [onto, head]: readonly [string, string],
): Promise<No | undefined> => {
  if (rules.foreign.size === 0) return undefined;
  const bases = await call(context, place, ["merge-base", onto, head]);
  const base = bases.stdout.toString().split("\n", 1)[0] ?? "";
  if (bases.code !== 0 || base === "") return undefined;
  const changed = async (side: string): Promise<readonly string[]> => {
    const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", base, side];
    return (await must(context, place, args)).toString().split("\0").filter(Boolean);
  };
  const [ours, theirs] = [await changed(onto), new Set(await changed(head))];
  const found = await foreignAmong(
    context,
    place,
    rules,
    ours.filter((path) => theirs.has(path)),
  );
  const [first] = found;
  return (
    first && {
      refused: `${first.path} is merged by the driver ${quote(first.driver)}, which your own configuration does not define`,
      hint: `git config --global merge.${first.driver}.driver COMMAND, or merge the target into the lane by hand`,
      code: 2,
      paths: found.map(({ path }) => path),
    }
  );
};

/** What does not merge: the paths, and git's words for the kinds (`contents`, `modify/delete`, …). */
export interface Conflict {
  readonly paths: readonly string[];
  readonly kinds: readonly string[];
}

/** Parse `merge-tree --write-tree -z --messages`: tree, `mode oid stage TAB path`…, an empty field, then messages `n path… type text`. */
export const parseConflict = (text: string): Conflict => {
  const fields = text.split("\0");
  const end = fields.indexOf("", 1);
  const entries = fields.slice(1, end < 0 ? undefined : end);
  const paths = new Set(entries.map((entry) => entry.slice(entry.indexOf("\t") + 1)));
  const kinds = new Set<string>();
  for (let at = end < 0 ? fields.length : end + 1; at < fields.length - 1;) {
    const count = countIn(fields[at]);
    if (count === undefined) break;
    const kind = /^CONFLICT \((.+)\)$/.exec(fields[at + count + 1] ?? "")?.[1];
    if (kind !== undefined) for (const path of fields.slice(at + 1, at + 1 + count)) paths.add(path);
    if (kind !== undefined) kinds.add(kind);
    at += count + 3;
  }
  return { paths: [...paths].toSorted(), kinds: [...kinds] };
};

/** A number of fields that follow; nothing else may move a parse, least of all backwards. */
const countIn = (field: string | undefined): number | undefined =>
  /^\d{1,9}$/.test(field ?? "") ? Number(field) : undefined;

const conflict = ({ paths, kinds }: Conflict): No => ({
  refused: `${paths.length} file${paths.length === 1 ? "" : "s"} in conflict${kinds.length === 0 ? "" : ` (${kinds.join(", ")})`}`,
  hint: "merge the target into the lane, in its worktree, and ask again",
  code: 2,
  paths,
});
