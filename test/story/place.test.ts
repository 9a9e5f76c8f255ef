import { spawn } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { type From, lifeOf, makePlace, makeRepository, type Place, wholeLife } from "./place.ts";

const patience = { timeout: 300_000 } as const;

/** What a place has to be like, for the life of a lane in it. */
interface Case {
  readonly make: () => {
    readonly place: Place;
    readonly from?: From;
    readonly target?: string;
    readonly repo?: string;
  };
  /** What has to hold afterwards, besides that the lane's work is on the target. */
  readonly check?: (place: Place) => Promise<void> | void;
}

const cases: Readonly<Record<string, Case>> = {
  "a sub-folder": {
    make: () => {
      const place = makeRepository();
      return { place, from: { cwd: join(place.top, "sub") } };
    },
  },
  "a linked worktree": {
    make: () => {
      const place = makeRepository();
      place.git(place.top, "worktree", "add", "-q", join(place.home, "linked"));
      return { place, from: { cwd: join(place.home, "linked") }, target: "main" };
    },
  },
  "a .bare layout": {
    make: () => {
      const place = makeRepository();
      const tree = join(place.home, "tree");
      mkdirSync(tree);
      place.git(place.home, "clone", "-q", "--bare", place.top, join(tree, ".bare"));
      writeFileSync(join(tree, ".git"), "gitdir: ./.bare\n");
      place.git(tree, "worktree", "add", "-q", "main");
      return { place, from: { cwd: join(tree, "main") }, repo: tree };
    },
  },
  "a bare repository with worktrees": {
    make: () => {
      const place = makeRepository();
      place.git(place.home, "clone", "-q", "--bare", place.top, join(place.home, "x.git"));
      place.git(join(place.home, "x.git"), "worktree", "add", "-q", join(place.home, "x"), "main");
      return { place, from: { cwd: join(place.home, "x") }, repo: join(place.home, "x.git") };
    },
  },
  "a submodule": {
    make: () => {
      const place = makeRepository();
      const outer = join(place.home, "outer");
      place.git(place.home, "init", "-q", "-b", "main", outer);
      place.git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", place.top, "sub");
      place.git(outer, "commit", "-qm", "sub");
      return { place, from: { cwd: join(outer, "sub") }, repo: join(outer, "sub") };
    },
  },
  "a separate git directory": {
    make: () => {
      const place = makeRepository();
      const work = join(place.home, "work");
      place.git(place.home, "clone", "-q", "--separate-git-dir", join(place.home, "store"), place.top, work);
      return { place, from: { cwd: work }, repo: work };
    },
  },
  "a detached HEAD with a named target": {
    make: () => {
      const place = makeRepository();
      place.git(place.top, "switch", "-q", "--detach");
      return { place, target: "main" };
    },
  },
  "another branch checked out than the target": {
    make: () => {
      const place = makeRepository();
      place.git(place.top, "switch", "-qc", "mine");
      return { place, target: "main" };
    },
  },
  "a dumb terminal in the C locale with odd columns": {
    make: () => ({ place: makeRepository(), from: { env: { TERM: "dumb", LANG: "C", LC_ALL: "C", COLUMNS: "abc" } } }),
  },
  "no HOME and no TERM": {
    make: () => ({ place: makeRepository(), from: { env: { HOME: undefined, TERM: undefined, LANG: undefined } } }),
  },
  "a TMPDIR that is not there": {
    make: () => ({ place: makeRepository(), from: { env: { TMPDIR: "/nowhere/at/all" } } }),
  },
  "git's variables in the environment": {
    make: () => {
      const place = makeRepository();
      const other = join(place.home, "other");
      place.git(place.home, "init", "-q", other);
      const env = {
        GIT_DIR: join(other, ".git"),
        GIT_WORK_TREE: other,
        GIT_INDEX_FILE: join(other, "index"),
        GIT_OBJECT_DIRECTORY: join(other, ".git/objects"),
        GIT_PAGER: "false",
        GIT_EDITOR: "false",
        GIT_SSH_COMMAND: "false",
      };
      return { place, from: { env } };
    },
  },
  "64 open files, among more processes than that": {
    make: () => {
      const place = makeRepository();
      const words = ["-c", "for each in $(seq 80); do sleep 600 & done; wait"];
      spawn("/bin/sh", words, { env: place.env, stdio: "ignore", detached: true }).unref();
      return { place, from: { shell: "ulimit -n 64;" } };
    },
  },
  "a umask of 000": {
    make: () => ({ place: makeRepository(), from: { shell: "umask 000;" } }),
    check: ({ top }) => {
      expect(lstatSync(join(top, ".orchestration")).mode & 0o777).toBe(0o700);
      expect(lstatSync(join(top, ".worktrees")).mode & 0o777).toBe(0o700);
      expect(openToOthers(top, ".orchestration")).toEqual([]);
      expect(JSON.parse(readFileSync(join(top, ".orchestration/tracker.json"), "utf8"))).toHaveProperty("lanes.one");
    },
  },
  "a path with a space, quotes, a backslash and other alphabets": {
    make: () => ({ place: makeRepository(`a "pro' ject\\ \u{1F409} \u05D0\u05D1 e\u0301 $HOME \`x\` ;&*?[]`) }),
  },
  "a path that begins with a dash": { make: () => ({ place: makeRepository("--upload-pack=x") }) },
  "a path with a line break": { make: () => ({ place: makeRepository("two\nlines") }) },
};

describe("the whole life of a lane in", () => {
  test.concurrent.each(Object.entries(cases))("%s", patience, async (_name, { make, check }) => {
    const made = make();
    await using place = made.place;
    const { from = {}, target, repo = place.top } = made;
    expect(await lifeOf(place, from, target)).toEqual(wholeLife);
    expect(place.git(repo, "show", "main:made.txt")).toBe("work");
    expect(place.git(repo, "worktree", "list")).not.toContain("lane/one/work");
    await check?.(place);
  });
});

/** Paths below a folder, relative to it, that others may read or write; what git keeps in its own repositories is left out. */
const openToOthers = (top: string, folder: string): readonly string[] =>
  readdirSync(join(top, folder), { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => !/control\.git\/|verify\/./.test(path) && (modeOf(join(top, path)) & 0o077) !== 0);

/** What the engine has let go of meanwhile is open to nobody. */
const modeOf = (path: string): number => lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0;

/** Every path below a folder, with its size and text. */
const worldOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((path) => {
      const seen = lstatSync(join(folder, path));
      return seen.isFile() ? `${path} ${readFileSync(join(folder, path), "latin1")}` : path;
    });

interface Refused {
  readonly make: () => { readonly place: Place; readonly from?: From };
  readonly words: readonly (readonly string[])[];
  readonly code: number;
  readonly says: RegExp;
}

const adding = ["add-lane", "one", "{}"];

const refused: Readonly<Record<string, Refused>> = {
  "a folder that is no repository": {
    make: () => ({ place: makePlace() }),
    words: [["init"], adding, ["status"], ["merge"], ["cleanup"], ["full"], []],
    code: 3,
    says: /^lanes: not a git repository: .*; run `git init`, or go to a repository\n$/,
  },
  "a repository without a commit": {
    make: () => {
      const place = makePlace();
      place.git(place.top, "init", "-q");
      return { place };
    },
    words: [["init"], adding],
    code: 3,
    says: /^lanes: this repository has no commit yet; make the first: git commit --allow-empty -m 'first commit'\n$/,
  },
  "a bare repository alone": {
    make: () => {
      const place = makeRepository();
      const bare = join(place.home, "x.git");
      place.git(place.home, "clone", "-q", "--bare", place.top, bare);
      return { place, from: { cwd: bare } };
    },
    words: [["init"], adding, ["status"]],
    code: 3,
    says: /^lanes: this is a bare repository without a worktree; run `git worktree add .*\n$/,
  },
  "a detached HEAD without a named target": {
    make: () => {
      const place = makeRepository();
      place.git(place.top, "switch", "-q", "--detach");
      return { place };
    },
    words: [["init"], adding],
    code: 3,
    says: /^lanes: .* is on no branch \(detached HEAD\); name the branch to land on: lanes init --target BRANCH\n$/,
  },
  "a folder inside of git's own": {
    make: () => {
      const place = makePlace();
      place.git(place.home, "init", "-q", "--bare", place.top);
      return { place, from: { cwd: join(place.top, "refs") } };
    },
    words: [["init"]],
    code: 3,
    says: /^lanes: this is a bare repository/,
  },
  "a PATH without git": {
    make: () => {
      const place = makeRepository();
      return { place, from: { env: { PATH: emptyFolderIn(place) } } };
    },
    words: [["init"], adding],
    code: 69,
    says: /^lanes: git was not found; install git 2\.38 or newer\n$/,
  },
  "a git that is too old": {
    make: () => {
      const place = makePlace();
      const tools = emptyFolderIn(place);
      writeFileSync(join(tools, "git"), "#!/bin/sh\necho git version 2.37.9\n", { mode: 0o755 });
      return { place, from: { env: { PATH: `${tools}:/usr/bin:/bin` } } };
    },
    words: [["init"]],
    code: 69,
    says: /^lanes: git 2\.37 is too old; install git 2\.38 or newer\n$/,
  },
  "a state folder that others may write": {
    make: () => {
      const place = makeRepository();
      mkdirSync(join(place.top, ".orchestration"));
      chmodSync(join(place.top, ".orchestration"), 0o777);
      return { place };
    },
    words: [["init"], adding],
    code: 73,
    says: /^lanes: Others can write in .*: run "chmod go-w .*", then try again\.\n$/,
  },
  "a state folder that is a link": {
    make: () => {
      const place = makeRepository();
      symlinkSync(emptyFolderIn(place), join(place.top, ".orchestration"));
      return { place };
    },
    words: [["init"], adding],
    code: 73,
    says: /^lanes: .* is a symbolic link: put the folder itself there\.\n$/,
  },
};

const emptyFolderIn = (place: Place): string => {
  const folder = join(place.home, "empty");
  mkdirSync(folder);
  return folder;
};

describe("nothing is changed, and one line says why and what to do, in", () => {
  test.concurrent.each(Object.entries(refused))("%s", patience, async (_name, { make, words, code, says }) => {
    const made = make();
    await using place = made.place;
    const { from = {} } = made;
    const before = worldOf(place.home);
    for (const each of words) {
      const ended = await place.lanes(from, ...each);
      expect([each, ended.code, ended.stdout]).toEqual([each, code, ""]);
      expect(ended.stderr).toMatch(says);
    }
    expect(worldOf(place.home)).toEqual(before);
  });
});
