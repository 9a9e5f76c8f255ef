/** Judgement on git and the repository. */
import { fine, type Finding, type Mend, span, word } from "./finding.ts";
import type { GitFacts, RepositoryFacts, TreeFacts, WorkFacts } from "./health.ts";
import { isNo } from "./observed.ts";

/** A lock that nobody holds may still be between two steps of a slow process: it counts as left behind after this, in ms. */
const lockStaleMs = 10_000;

/** Git itself, and whether there is a repository to work in. */
export const judgeGit = (git: GitFacts): readonly Finding[] => {
  const { version, repository } = git;
  const found: Finding[] = [];
  if (isNo(version)) found.push({ check: "git", level: "fail", what: version.refused, fix: version.hint });
  else found.push(fine("git", version.text));
  if (!repository) return found;
  const outside = repository.code === 3 && repository.refused.startsWith("not a git repository");
  if (outside) {
    const what = `${repository.refused} (only the machine was looked at)`;
    return [...found, { check: "repository", level: "warn", what, fix: "cd to a repository, or make one: git init" }];
  }
  if (isNo(version) && repository.code === 69) return found;
  return [...found, { check: "repository", level: "fail", what: repository.refused, fix: repository.hint }];
};

/** Everything inside a repository. `work`: what the records say, when they could be read. */
export const judgeRepository = (
  repo: RepositoryFacts,
  work: WorkFacts | undefined,
  home: string,
): readonly Finding[] => [
  ...judgeHead(repo, home),
  ...judgeIdentity(repo),
  ...judgeLocks(repo, home),
  ...judgePrograms(repo),
  ...judgeTrees(repo, work, home),
  ...judgeNames(repo),
  ...judgeExclude(repo, work),
];

const judgeHead = ({ head, checkout, target }: RepositoryFacts, home: string): readonly Finding[] => {
  const at = checkout === undefined ? "" : ` -C ${word(checkout, home)}`;
  switch (head.is) {
    case "branch":
      return [fine("repository", `on branch ${head.branch}`)];
    case "bare":
      return [fine("repository", "a bare repository with worktrees")];
    case "unborn":
      return [
        {
          check: "repository",
          level: "fail",
          what: "this repository has no commit yet: lanes have nothing to start from",
          fix: `git${at} commit --allow-empty -m 'first commit'`,
        },
      ];
    case "detached":
      return [
        {
          check: "repository",
          level: "warn",
          what: "the checkout is on no branch (detached HEAD): merges land on their target all the same, without it",
          fix: `git${at} switch ${target ?? "-"}`,
        },
      ];
  }
};

const judgeIdentity = ({ identity }: RepositoryFacts): readonly Finding[] =>
  identity
    ? [fine("identity", "git knows who you are")]
    : [
        {
          check: "identity",
          level: "warn",
          what: "git knows no name and address for commits: merges will be by Lanekeeper",
          fix: "git config --global user.name 'Your Name' && git config --global user.email you@example.org",
        },
      ];

const judgeLocks = ({ locks }: RepositoryFacts, home: string): readonly Finding[] => {
  const dead = locks.filter(({ ageMs, held }) => !held && Math.abs(ageMs) > lockStaleMs);
  if (dead.length === 0) return [fine("git-locks", "no lock of git was left behind")];
  return dead.map(({ path, ageMs }) => ({
    check: "git-locks",
    level: "fail",
    what: `a lock of git that no process holds (${ageMs < 0 ? "dated in the future" : `${span(ageMs)} old`}): git will refuse to write`,
    where: path,
    fix: `rm ${word(path, home)}`,
    mend: { type: "unlock", path },
  }));
};

const judgePrograms = ({ programs }: RepositoryFacts): readonly Finding[] =>
  programs.length === 0
    ? [fine("git-config", "the repository's configuration runs no program")]
    : programs.map(({ key, file, unset }) => ({
        check: "git-config",
        level: "warn",
        what: `the shared configuration sets ${key}: your own git runs a program that a lane may have named (lanes never runs it)`,
        where: file,
        fix: unset,
      }));

const judgeTrees = ({ trees }: RepositoryFacts, work: WorkFacts | undefined, home: string): readonly Finding[] => {
  const busy = new Set(
    (work?.lanes ?? []).filter(({ state }) => state === "starting" || state === "queued").map(({ id }) => id),
  );
  const gone = new Set((work?.lanes ?? []).filter(({ worktree }) => !worktree).map(({ id }) => id));
  const found = trees.flatMap((tree) => judgeTree(tree, busy, gone, home));
  return found.length > 0 ? found : [fine("worktrees", `${trees.length} worktrees, all as git knows them`)];
};

const judgeTree = (
  tree: TreeFacts,
  busy: ReadonlySet<string>,
  gone: ReadonlySet<string>,
  home: string,
): readonly Finding[] => {
  const { path, admin, lane, lostBranch } = tree;
  const [where, check] = [path, "worktrees"] as const;
  const name = lane === undefined ? "a worktree" : `the worktree of ${lane}`;
  const say = (level: "warn" | "fail", what: string, fix: string, mend?: Mend): readonly Finding[] => [
    { check, level, what, where, fix, ...(mend && { mend }) },
  ];
  // The folder may be filled at this moment by an engine: the records say that it is.
  if (tree.is === "unfinished" && lane !== undefined && !busy.has(lane)) {
    const mend: Mend = { type: "forget-unfinished", lane, path };
    return say("warn", `${name} was begun and never finished (a process was killed)`, "lanes doctor --fix", mend);
  }
  if (tree.is === "unfilled" && lane !== undefined && !busy.has(lane)) {
    return say("warn", `the files of ${name} were never all written (a process was killed)`, `lanes launch ${lane}`);
  }
  if (tree.is === "gone" && tree.found !== undefined) {
    return say("fail", `${name} was moved to ${tree.found}`, `mv ${word(tree.found, home)} ${word(path, home)}`);
  }
  if (tree.is === "gone") {
    const what = `${name} was deleted but git still lists it: its branch stays locked to it`;
    return say("warn", what, `git worktree remove --force ${word(path, home)}   (its commits stay on the branch)`);
  }
  if (tree.is === "unlinked") {
    const mend: Mend = { type: "relink", admin, path };
    return say("fail", `${name} has lost its .git file`, `git worktree repair`, mend);
  }
  if (tree.is === "swapped") {
    const what = `the .git of ${name} names another place than git does: do not run git in it`;
    return say(
      "fail",
      what,
      `mv ${word(`${path}/.git`, home)} ${word(`${path}/.git.swapped`, home)} && git worktree repair`,
    );
  }
  if (lostBranch && !(lane !== undefined && gone.has(lane))) {
    const { branch, commit } = lostBranch;
    const fix = `git branch ${branch} ${commit ?? "<commit>"}`;
    const mend: Mend | undefined = commit === undefined ? undefined : { type: "restore-branch", branch, commit };
    return say("fail", `the branch ${branch} is gone but ${name} is on it`, fix, mend);
  }
  const { place } = tree;
  if (place !== undefined && place !== path && tree.is === "whole") {
    const fix = `git worktree move ${word(path, home)} ${word(place, home)}`;
    return say("warn", `${name} is not in its place, ${place}`, fix);
  }
  return [];
};

const judgeNames = ({ inTheWay }: RepositoryFacts): readonly Finding[] =>
  inTheWay.length === 0
    ? [fine("branches", "no branch is in the way of lanes")]
    : inTheWay.map((branch) => ({
        check: "branches",
        level: "fail",
        what: `a branch is named ${branch}: git cannot make branches below it`,
        where: `refs/heads/${branch}`,
        fix: `git branch -m ${branch} ${branch.replaceAll("/", "-")}-old`,
      }));

const judgeExclude = ({ excluded, common }: RepositoryFacts, work: WorkFacts | undefined): readonly Finding[] => {
  if (work?.initialised !== true) return [];
  if (excluded) return [fine("exclude", ".orchestration and .worktrees are kept out of git")];
  const what = ".orchestration and .worktrees are not kept out of git: they would be committed";
  return [
    {
      check: "exclude",
      level: "warn",
      what,
      where: `${common}/info/exclude`,
      fix: "lanes init",
      mend: { type: "exclude" },
    },
  ];
};
