/** How work comes onto the target: squashed, rebased, signed, past the person's own hooks. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { makeScratch, type Scratch } from "./scratch.ts";

const patience = 300_000;

const commits = (...files: readonly string[]): string =>
  files.map((file) => `echo ${file} > ${file}; git add ${file}; git commit -qm "write ${file}"`).join("; ");

const ready = async (scratch: Scratch, id: string, command: string, more: object = {}): Promise<void> => {
  await scratch.add(id, { command, retries: 0, ...more });
  expect(await scratch.lanes("exec-lane", id)).toMatchObject({ code: 0 });
};

/** The person's own configuration. */
const configure = async (scratch: Scratch, ...words: readonly string[]): Promise<void> => {
  await scratch.git("config", "--global", ...words);
};

const hook = (scratch: Scratch, path: string, script: string): void => {
  const file = join(scratch.repo, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
};

const subjects = async (scratch: Scratch, ...words: readonly string[]): Promise<readonly string[]> =>
  (await scratch.git("log", "--format=%s", ...words)).split("\n");

test(
  "squashed, a lane is one commit that names its commits and authors, and it is cleaned up",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    await ready(
      scratch,
      "docs",
      `GIT_AUTHOR_NAME=Bot GIT_AUTHOR_EMAIL=bot@x.org; export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL; ${commits("a", "b")}`,
      {
        strategy: "squash",
        name: "The guide",
      },
    );
    expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
    expect(await subjects(scratch, "main")).toEqual(["Lane docs: The guide", "Begin"]);
    const body = await scratch.git("log", "-1", "--format=%b", "main");
    expect(body).toMatch(
      /^Lane: docs\nCo-authored-by: Bot <bot@x\.org>\n\nSquashed:\n- [0-9a-f]{7,} write a\n- [0-9a-f]{7,} write b$/m,
    );
    const head = await scratch.git("rev-parse", "lane/docs/work");
    expect((await scratch.lanes("cleanup", "--dry-run")).stdout).toContain("would remove");
    expect((await scratch.lanes("cleanup")).stdout).toContain("removed");
    expect(await scratch.git("branch", "--list", "lane/*")).toBe("");
    // Its own commits are not lost.
    expect(await scratch.git("rev-parse", "refs/lanes/landed/docs")).toBe(head);
    expect(await scratch.lanes("undo", "docs", "--yes")).toMatchObject({ code: 0 });
    expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
    expect(await scratch.git("ls-tree", "--name-only", "main")).toBe("README.md\na\nb");
  },
);

test(
  "a lane that began on squashed work lands only its own, although both changed the same lines",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch({ "shared.txt": "a\n" });
    await ready(scratch, "first", "echo b > shared.txt; git commit -qam first");
    await ready(scratch, "second", "echo c > shared.txt; git commit -qam second", { dependsOn: ["first"] });
    expect(await scratch.lanes("merge", "first", "second", "--strategy", "squash")).toMatchObject({ code: 0 });
    expect(await subjects(scratch, "main")).toEqual(["Lane second", "Lane first", "Begin"]);
    expect(await scratch.git("show", "main:shared.txt")).toBe("c");
    expect(await scratch.git("log", "-1", "--format=%b", "main")).not.toContain("first");
  },
);

test.each([true, false])(
  "rebased, its commits come anew with their authors (strict: %s)",
  { timeout: patience },
  async (strict) => {
    await using scratch = await makeScratch();
    scratch.write("lanes.config.json", JSON.stringify({ strategy: "rebase", strict }));
    const author = "GIT_AUTHOR_NAME=Bot GIT_AUTHOR_DATE='1700000000 +0200'; export GIT_AUTHOR_NAME GIT_AUTHOR_DATE";
    await ready(scratch, "docs", `${author}; ${commits("a", "b")}`);
    await ready(scratch, "other", commits("c"), { strategy: "merge" });
    expect(await scratch.lanes("merge", "other")).toMatchObject({ code: 0 });
    expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
    const first = strict ? ["Merge lane docs"] : ["write b", "write a"];
    expect(await subjects(scratch, "--first-parent", "main")).toEqual([...first, "Merge lane other", "Begin"]);
    const tip = strict ? "main^2" : "main";
    expect(await subjects(scratch, "--first-parent", tip)).toEqual(["write b", "write a", "Merge lane other", "Begin"]);
    expect(await scratch.git("log", "-1", "--format=%an %ad", "--date=raw", tip)).toBe("Bot 1700000000 +0200");
    expect(await scratch.git("rev-parse", "main^{tree}")).toBe(await scratch.git("rev-parse", `${tip}^{tree}`));
    expect(await scratch.lanes("cleanup")).toMatchObject({ code: 0 });
    expect(await scratch.git("branch", "--list", "lane/docs/work")).toBe("");
    expect(await scratch.lanes("undo", "docs", "--yes")).toMatchObject({ code: 0 });
    expect(await scratch.git("ls-tree", "--name-only", "main")).toBe("README.md\nc");
  },
);

test("commits that do not stand alone are not rebased, and one line says why", { timeout: patience }, async () => {
  await using scratch = await makeScratch({ "shared.txt": "a\n" });
  await ready(scratch, "docs", "echo b > shared.txt; git commit -qam one; echo c > shared.txt; git commit -qam two", {
    strategy: "rebase",
  });
  await ready(scratch, "other", "echo c > shared.txt; git commit -qam other");
  expect(await scratch.lanes("merge", "other")).toMatchObject({ code: 0 });
  const refused = await scratch.lanes("merge", "docs");
  expect([refused.code, refused.stdout]).toEqual([
    2,
    expect.stringMatching(/it cannot be rebased: [0-9a-f]{7} does not apply by itself/),
  ]);
  expect(await scratch.lanes("merge", "docs", "--strategy", "merge")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "docs", "--strategy", "sideways")).toMatchObject({ code: 64 });
});

test(
  "what lands is signed where the person's own configuration says so, and does not land when it cannot be",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    const key = join(scratch.repo, "..", "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const text = execFileSync("cat", [`${key}.pub`], { encoding: "utf8" });
    writeFileSync(join(scratch.repo, "..", "signers"), `story@example.invalid ${text}`);
    for (const [name, value] of [
      ["gpg.format", "ssh"],
      ["user.signingkey", key],
      ["commit.gpgsign", "true"],
      ["gpg.ssh.allowedSignersFile", join(scratch.repo, "..", "signers")],
    ] as const)
      await configure(scratch, name, value);
    await ready(scratch, "docs", `git -c commit.gpgsign=false status; ${commits("a")}`);
    await ready(scratch, "other", commits("b"), { strategy: "rebase" });
    expect(await scratch.lanes("merge", "docs", "other")).toMatchObject({ code: 0 });
    expect(await scratch.git("log", "--topo-order", "--format=%G? %s", "main", "--not", "main~2")).toBe(
      "G Merge lane other\nG write b\nG Merge lane docs\nG write a",
    );
    await ready(scratch, "more", commits("c"));
    execFileSync("rm", [key]);
    const refused = await scratch.lanes("merge", "more");
    expect([refused.code, refused.stdout]).toEqual([4, expect.stringContaining("it could not be signed")]);
    expect(refused.stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(await subjects(scratch, "-1", "main")).toEqual(["Merge lane other"]);
  },
);

test("a signer or a hook that only the repository names is never run", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  const ran = join(scratch.repo, "..", "ran");
  hook(scratch, "../trap/commit-msg", `touch ${ran}`);
  hook(scratch, "../trap/signer", `touch ${ran}`);
  await ready(scratch, "docs", commits("a"));
  await scratch.git("config", "core.hooksPath", join(scratch.repo, "..", "trap"));
  await scratch.git("config", "commit.gpgsign", "true");
  await scratch.git("config", "gpg.program", join(scratch.repo, "..", "trap", "signer"));
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
  expect(() => scratch.read("../ran")).toThrow("ENOENT");
});

test(
  "the person's own hooks see the merge, may change its message, and may refuse it",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    const seen = join(scratch.repo, "..", "seen");
    hook(
      scratch,
      "../hooks/pre-merge-commit",
      `git diff --cached --name-only > ${seen}; git log -1 --format=%s >> ${seen}; ! test -e bad || { echo "no bad files here" >&2; exit 1; }`,
    );
    hook(scratch, "../hooks/commit-msg", `case $(cat $1) in Merge*) echo "Change-Id: I1" >> $1;; esac`);
    await ready(scratch, "docs", commits("a"));
    await ready(scratch, "bad", commits("bad"));
    await configure(scratch, "core.hooksPath", join(scratch.repo, "..", "hooks"));
    expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
    expect(await scratch.git("log", "-1", "--format=%b", "main")).toContain("Change-Id: I1");
    expect(scratch.read("../seen")).toBe("a\nBegin\n");
    const refused = await scratch.lanes("merge", "bad");
    expect([refused.code, refused.stdout]).toEqual([
      4,
      expect.stringContaining("your pre-merge-commit hook refuses it: no bad files here"),
    ]);
    expect(await subjects(scratch, "-1", "main")).toEqual(["Merge lane docs"]);
  },
);
