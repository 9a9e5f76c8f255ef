/** Landings that are taken back, and work that comes again. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { begin, kill, makeScratch, type Scratch, until } from "./scratch.ts";

const patience = 300_000;

const writes = (file: string, text: string): string =>
  `mkdir -p $(dirname ${file}); printf '%s\\n' ${JSON.stringify(text)} > ${file}; git add ${file}; git commit -qm "write ${file}"`;

/** A lane whose work has landed. */
const landed = async (scratch: Scratch, id: string, command: string, more: object = {}): Promise<void> => {
  await scratch.add(id, { command, retries: 0, ...more });
  expect(await scratch.lanes("exec-lane", id)).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", id)).toMatchObject({ code: 0 });
};

const files = async (scratch: Scratch, ref = "main"): Promise<readonly string[]> =>
  (await scratch.git("ls-tree", "-r", "--name-only", ref)).split("\n");

test("the last landing goes back to where the target was, and comes again whole", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await landed(scratch, "docs", writes("docs.txt", "from docs"));
  const [before, merge] = [await scratch.git("rev-parse", "main^1"), await scratch.git("rev-parse", "main")];
  const shown = await scratch.lanes("undo", "--dry-run");
  expect([shown.code, shown.stdout]).toEqual([
    0,
    `docs: main goes back from ${merge.slice(0, 7)} to ${before.slice(0, 7)}; nothing builds on it, and it was not pushed
  its branch stays; lanes merge docs brings it back
`,
  ]);
  expect(await scratch.lanes("undo")).toMatchObject({ code: 4, stderr: expect.stringContaining("lanes undo --yes") });
  expect(await scratch.git("rev-parse", "main")).toBe(merge);
  expect(await scratch.lanes("undo", "--yes")).toMatchObject({ code: 0 });
  expect(await scratch.git("rev-parse", "main")).toBe(before);
  expect([await scratch.git("status", "--porcelain"), existsSync(join(scratch.repo, "docs.txt"))]).toEqual(["", false]);
  // What the target had is kept.
  expect(await scratch.git("for-each-ref", "--format=%(objectname)", "refs/lanes/backup/docs")).toContain(merge);
  expect(await scratch.state("docs")).toBe("undone");
  expect(await scratch.lanes("undo", "docs", "--yes")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("undo", merge.slice(0, 8), "--yes")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
  expect(scratch.read("docs.txt")).toBe("from docs\n");
});

test(
  "a landing that others followed is taken out by a checked commit; a plain merge would bring nothing back, lanes merge does",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch({ "shared.txt": "a\nb\nc\nd\ne\nf\ng\n" });
    const ran = join(scratch.repo, "..", "checked");
    writeFileSync(join(scratch.repo, "..", "check.sh"), `git rev-parse HEAD >> ${ran}; ! grep -q broken README.md`);
    const check = `sh ${join(scratch.repo, "..", "check.sh")}`;
    await landed(
      scratch,
      "first",
      `sed -i s/a/A/ shared.txt; git commit -qam first; ${writes("first.txt", "one")}`,
      {},
    );
    await landed(scratch, "second", writes("second.txt", "two"), { dependsOn: ["first"] });
    const merge = await scratch.git("rev-parse", "main^1");
    const shown = await scratch.lanes("undo", "first", "--dry-run", "--json");
    expect(JSON.parse(shown.stdout)).toMatchObject({
      would: [{ lane: "first", merge, way: { how: "revert" }, dependants: ["second"], later: [] }],
    });
    expect(await scratch.lanes("undo", merge.slice(0, 10), "--yes", "--check", check)).toMatchObject({ code: 0 });
    const revert = await scratch.git("rev-parse", "main");
    expect(scratch.read("../checked")).toBe(`${revert}\n`);
    expect(await files(scratch)).toEqual(["README.md", "second.txt", "shared.txt"]);
    expect(scratch.read("shared.txt")).toBe("a\nb\nc\nd\ne\nf\ng\n");
    expect(await scratch.git("log", "-1", "--format=%s%n%b", "main")).toContain(`Undoes: ${merge}`);
    // What plain git does: nothing.
    await scratch.git("branch", "plain", "main");
    expect(await scratch.git("merge-base", "--is-ancestor", "lane/first/work", "plain")).toBe("");
    // The worktree may be gone meanwhile, and more may have landed.
    await landed(scratch, "third", "sed -i s/g/G/ shared.txt; git commit -qam third");
    expect(await scratch.lanes("merge", "first")).toMatchObject({ code: 0 });
    expect(await files(scratch)).toEqual(["README.md", "first.txt", "second.txt", "shared.txt"]);
    expect(scratch.read("shared.txt")).toBe("A\nb\nc\nd\ne\nf\nG\n");
    expect(await scratch.git("log", "-1", "--format=%b", "main")).toContain(`taken back in ${revert}`);
    // And once more.
    expect(await scratch.lanes("undo", "first", "--yes")).toMatchObject({ code: 0 });
    expect(await scratch.lanes("undo", "third", "--yes")).toMatchObject({ code: 0 });
    expect(scratch.read("shared.txt")).toBe("a\nb\nc\nd\ne\nf\ng\n");
    expect(await scratch.lanes("merge", "first", "third")).toMatchObject({ code: 0 });
    expect(scratch.read("shared.txt")).toBe("A\nb\nc\nd\ne\nf\nG\n");
    expect(await scratch.git("status", "--porcelain")).toBe("");
  },
);

test(
  "one lane of several that landed together is taken back by itself, and comes again",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch({ "shared.txt": "a\nb\nc\nd\ne\nf\ng\n" });
    for (const [id, command] of [
      ["slow", writes("slow.txt", "slow")],
      ["docs", `sed -i s/a/A/ shared.txt; git commit -qam docs; ${writes("docs.txt", "docs")}`],
      ["api", `sed -i s/g/G/ shared.txt; git commit -qam api; ${writes("api.txt", "api")}`],
    ] as const)
      await scratch.add(id, { command, retries: 0 });
    expect(await scratch.lanes("exec-lane", "slow", "docs", "api")).toMatchObject({ code: 0 });
    // Both wait for the check of the first, and are tested together after it.
    const gate = join(scratch.repo, "..", "gate");
    await scratch.lanes("merge", "slow", "--detach", "--check", `while ! test -e ${gate}; do sleep 0.1; done`);
    await until("the check to run", async () => ((await scratch.state("slow")) === "merging" ? true : undefined));
    await scratch.lanes("merge", "docs", "api", "--detach", "--check", "true");
    writeFileSync(gate, "");
    expect(await scratch.lanes("merge", "slow", "docs", "api")).toMatchObject({ code: 0 });
    expect((await scratch.git("log", "-1", "--format=%P", "main")).split(" ")).toHaveLength(3);
    expect(await scratch.lanes("undo", "docs", "--yes", "--check", "true")).toMatchObject({ code: 0 });
    expect(await files(scratch)).toEqual(["README.md", "api.txt", "shared.txt", "slow.txt"]);
    expect(scratch.read("shared.txt")).toBe("a\nb\nc\nd\ne\nf\nG\n");
    expect(await scratch.lanes("merge", "docs", "--check", "true")).toMatchObject({ code: 0 });
    expect(scratch.read("shared.txt")).toBe("A\nb\nc\nd\ne\nf\nG\n");
  },
);

test("work that was merged away in its own branch is not taken for landed", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await landed(scratch, "docs", writes("docs.txt", "from docs"));
  await landed(scratch, "more", writes("more.txt", "more"));
  expect(await scratch.lanes("undo", "docs", "--yes")).toMatchObject({ code: 0 });
  const head = await scratch.git("rev-parse", "lane/docs/work");
  await scratch.git("-C", ".worktrees/docs", "merge", "-q", "main");
  const refused = await scratch.lanes("merge", "docs");
  expect([refused.code, refused.stdout]).toEqual([4, expect.stringContaining(`git reset --hard ${head.slice(0, 7)}`)]);
  await scratch.git("-C", ".worktrees/docs", "reset", "-q", "--hard", head);
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
  expect(scratch.read("docs.txt")).toBe("from docs\n");
});

test(
  "a worktree and branch that were cleaned up do not matter; pushed work is reverted, never moved away",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    await landed(scratch, "docs", writes("docs.txt", "from docs"));
    expect(await scratch.lanes("cleanup")).toMatchObject({ code: 0 });
    expect(await scratch.git("branch", "--list", "lane/*")).toBe("");
    await scratch.git("init", "-q", "--bare", "../origin.git");
    await scratch.git("push", "-q", "../origin.git", "main");
    await scratch.git("remote", "add", "origin", "../origin.git");
    await scratch.git("fetch", "-q", "origin");
    const merge = await scratch.git("rev-parse", "main");
    expect(await scratch.lanes("undo", "docs", "--yes")).toMatchObject({ code: 0 });
    expect(await scratch.git("rev-parse", "main^")).toBe(merge);
    expect(await files(scratch)).toEqual(["README.md"]);
    expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
    expect(scratch.read("docs.txt")).toBe("from docs\n");
  },
);

test(
  "what others built on in the same lines is refused in one line that names them",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch({ "shared.txt": "a\n" });
    await landed(scratch, "first", "echo b > shared.txt; git commit -qam first");
    await landed(scratch, "second", "echo c > shared.txt; git commit -qam second");
    const main = await scratch.git("rev-parse", "main");
    const refused = await scratch.lanes("undo", "first", "--yes");
    expect([refused.code, refused.stdout]).toEqual([
      2,
      "not undone: first: 1 file in conflict (contents): second changed the same; lanes undo second first\n",
    ]);
    expect((await scratch.lanes("why", "first")).stdout).toContain("not taken back: 1 file in conflict");
    expect(await scratch.git("rev-parse", "main")).toBe(main);
    expect(await scratch.state("first")).toBe("merged");
    expect(await scratch.lanes("undo", "second", "--yes")).toMatchObject({ code: 0 });
    expect(await scratch.lanes("undo", "first", "--yes")).toMatchObject({ code: 0 });
    expect(scratch.read("shared.txt")).toBe("a\n");
  },
);

test("a target that fails its check without the work keeps it", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await landed(scratch, "docs", writes("docs.txt", "from docs"));
  await landed(scratch, "more", writes("more.txt", "more"));
  const main = await scratch.git("rev-parse", "main");
  const refused = await scratch.lanes("undo", "docs", "--yes", "--check", "echo looked; test -e docs.txt");
  expect([refused.code, refused.stdout]).toEqual([
    1,
    "not undone: docs: the check fails without it: exit code 1 (lanes log docs --check)\n",
  ]);
  expect((await scratch.lanes("log", "docs", "--check")).stdout).toBe("looked\n");
  expect(await scratch.git("rev-parse", "main")).toBe(main);
});

test(
  "what landed with a check of its own is taken out with it; without any it is said",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    const gone = join(scratch.repo, "..", "gone");
    await landed(scratch, "docs", writes("docs.txt", "docs"), { check: `! test -e ${gone}` });
    await landed(scratch, "bare", writes("bare.txt", "bare"));
    await landed(scratch, "more", writes("more.txt", "more"));
    const shown = await scratch.lanes("undo", "docs", "--dry-run");
    expect(shown.stdout).toContain("it is checked before it lands");
    expect((await scratch.lanes("undo", "bare", "--dry-run")).stdout).toContain(
      "brought; unchecked: no check is configured",
    );
    expect((await scratch.lanes("undo", "bare", "--dry-run", "--check", "true")).stdout).toContain("it is checked");
    writeFileSync(gone, "");
    const refused = await scratch.lanes("undo", "docs", "--yes");
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining("the check fails without it")]);
    expect(await scratch.lanes("undo", "bare", "--yes")).toMatchObject({ code: 0 });
  },
);

test("the user's edits in the way hold it back until the way is clear", { timeout: patience }, async () => {
  await using scratch = await makeScratch({ "shared.txt": "a\n" });
  await landed(scratch, "docs", "echo b > shared.txt; git commit -qam docs");
  scratch.write("shared.txt", "mine\n");
  const held = await scratch.lanes("undo", "docs", "--yes");
  expect([held.code, held.stdout]).toEqual([4, expect.stringContaining("your edits in")]);
  expect((await scratch.lanes("why", "docs")).stdout).toContain("is to be taken back; your edits in");
  expect(scratch.read("shared.txt")).toBe("mine\n");
  // Others land meanwhile.
  await scratch.add("other", { command: writes("other.txt", "x") });
  await scratch.lanes("exec-lane", "other");
  expect(await scratch.lanes("merge", "other")).toMatchObject({ code: 0 });
  scratch.write("shared.txt", "b\n");
  await until("it to be taken back by itself", async () =>
    (await scratch.state("docs")) === "undone" ? true : undefined,
  );
  expect([scratch.read("shared.txt"), scratch.read("other.txt")]).toEqual(["a\n", "x\n"]);
});

test.each(["back", "revert"])(
  "killed at any moment, a landing is taken back once (%s)",
  { timeout: patience },
  async (how) => {
    await using scratch = await makeScratch({ "shared.txt": "a\n" });
    await landed(scratch, "docs", "echo b > shared.txt; git commit -qam docs");
    if (how === "revert") await landed(scratch, "other", writes("other.txt", "x"));
    for (let k = 0; k < 6; k += 1) {
      const asked = begin(scratch, "undo", "docs", "--yes", "--check", "sleep 0.2");
      await new Promise((resolve) => {
        setTimeout(resolve, 150 * k);
      });
      const engine = await scratch.engine();
      if (engine !== undefined) kill(engine);
      asked.child.kill("SIGKILL");
      await asked.ended;
    }
    expect(await scratch.lanes("undo", "docs", "--yes")).toMatchObject({ code: 0 });
    expect((await scratch.events()).filter(({ type, effective }) => type === "merge.undone" && effective)).toHaveLength(
      1,
    );
    expect(scratch.read("shared.txt")).toBe("a\n");
    expect(await scratch.git("status", "--porcelain")).toBe("");
    const commits = await scratch.git("log", "--format=%s", "--first-parent", "main");
    expect(commits.split("\n")).toEqual(
      how === "back" ? ["Begin"] : ["Undo lane docs", "Merge lane other", "Merge lane docs", "Begin"],
    );
  },
);

test.each<[readonly string[], number, RegExp]>([
  [[], 4, /nothing has landed/],
  [["zzz"], 64, /neither a lane nor a merge/],
  [["a"], 4, /lane a is planned: nothing of it has landed/],
])("undo %j is refused in one line", { timeout: patience }, async (words, code, line) => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  await scratch.add("a", { agent: "manual" });
  const log = scratch.read(".orchestration/event-log.jsonl");
  const ended = await scratch.lanes("undo", ...words);
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(line)]);
  expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(scratch.read(".orchestration/event-log.jsonl")).toBe(log);
});
