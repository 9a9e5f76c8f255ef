import { expect, test } from "vitest";

import { empty, swing } from "./scene.ts";
import { openStage } from "./stage.tsx";

test("the four panes, the phases, the counts and the selected lane's log are on one screen", async () => {
  const stage = await openStage(120, 40, swing(Date.now()));
  const lines = await stage.until("> _");
  const text = lines.join("\n");
  for (const part of [
    "1 Lanes",
    "2 Agents",
    "3 Locks",
    "4 Branches",
    "Conflicts and events",
    "≠ auth-fix × target",
    "✓ probes",
    "→ execute",
  ]) {
    expect(text).toContain(part);
  }
  expect(lines[0]).toMatch(
    /lanes {2}main 3f2a91c {3}3 need you {3}3 running {3}1 in queue {3}1\/10 merged {3}2 failed/,
  );
  expect(text).toMatch(/! ui-table +waiting +asks/);
  expect(text).toMatch(/≠ auth-fix +conflicted/);
  expect(text).toContain("lane/ui-table/work");
  await stage.end();
});

test("an empty repository says the next step", async () => {
  const stage = await openStage(80, 24, empty(Date.now()));
  const text = (await stage.lines()).join("\n");
  expect(text).toContain("no lanes yet");
  expect(text).toContain("lanes add-lane ID JSON");
  await stage.end();
});

test("a key that is refused says why and what to do instead, and nothing moves", async () => {
  const stage = await openStage(80, 24, swing(Date.now()));
  const before = await stage.until("> _");
  stage.press("L");
  const after = await stage.until("lane ui-table is waiting and cannot be launched; lanes why ui-table");
  expect(after.filter((line, index) => line !== before[index])).toHaveLength(1);
  expect(stage.world.commands).toEqual([]);
  await stage.end();
});

test("a landing is taken back only after the screen said what that means", async () => {
  const stage = await openStage(120, 40, swing(Date.now()));
  stage.press("/merged\r");
  await stage.until("✓ ci-speed");
  stage.press("u");
  await stage.until("Take lane ci-speed off main again?");
  stage.press("n");
  await stage.until(/L launch/);
  expect(stage.world.commands).toEqual([]);
  stage.press("u");
  await stage.until("Take lane ci-speed off main again?");
  stage.press("y");
  await stage.until("taking back ci-speed");
  expect(stage.world.commands).toEqual([{ type: "undo", lanes: ["ci-speed"] }]);
  await stage.end();
});

test("an approval is of the head that the row shows", async () => {
  const scene = swing(Date.now());
  const stage = await openStage(120, 40, scene);
  stage.press("/db-index\r");
  await stage.until("db-index");
  stage.press("a");
  await stage.until("has no branch");
  const seen = scene.seen?.lanes.get("db-index")?.head;
  expect(seen).toMatch(/^[0-9a-z]{7}/);
  expect(stage.world.commands).toMatchObject([{ type: "approve", lanes: ["db-index"], seen }]);
  await stage.end();
});

test("a destructive key asks, and only y agrees", async () => {
  const stage = await openStage(80, 24, swing(Date.now()));
  stage.press("jX");
  await stage.until("Give lane api-cache up?");
  stage.press("\r");
  await stage.until(/L launch/);
  expect(stage.world.commands).toEqual([]);
  stage.press("X");
  await stage.until("Give lane api-cache up?");
  stage.press("y");
  await stage.until("is being cancelled");
  expect(stage.world.commands).toEqual([{ type: "cancel", lanes: ["api-cache"] }]);
  await stage.end();
});

test("a lease is broken with a reason, and not without one", async () => {
  const stage = await openStage(120, 40, swing(Date.now()));
  const asked = { paths: ["src/store/**"], shared: false, ttlMs: 1_800_000, start: false } as const;
  stage.world.tell([{ type: "lease.asked", key: "api-cache", ...asked }]);
  stage.world.tell([{ type: "lease.asked", key: "docs-intro", ...asked }]);
  const claim = stage.world.engine.state().claims?.[0]?.id ?? 0;
  stage.press("b");
  await stage.until("select a lease among the locks first");
  stage.press("3+");
  const text = (await stage.until(/wait +src/)).join("\n");
  expect(text).toMatch(/lease +src\/store\/\*\* #\d+ +api-cache +lives +\d+m left/);
  stage.press("jjb");
  await stage.until(`why is src/store/** #${claim} of api-cache taken away?`);
  stage.press("\r");
  await stage.until("nothing is broken without a reason");
  stage.press("bit hangs, q and all\u007F\u007F\u007F\u007F\r");
  await stage.until(`claim ${claim} is broken: it hangs, q and`);
  expect(stage.world.commands).toEqual([{ type: "break", claim, why: "it hangs, q and" }]);
  expect(stage.ended()).toBe(false);
  await stage.end();
});

test("removing asks, says where everything is kept and how it comes back", async () => {
  const stage = await openStage(100, 24, swing(Date.now()));
  stage.press("jjjjD");
  const lines = await stage.until("Remove lane auth-fix: its worktree and its branch?");
  expect(lines.join("\n")).toMatch(/in refs\/lanes\/trash\/auth-fix, for 30 days/);
  expect(lines.join("\n")).toContain("B, or lanes restore auth-fix, brings it back as it was");
  stage.press("y");
  await stage.until("keeping, then removing auth-fix");
  expect(stage.world.commands).toEqual([{ type: "remove", lanes: ["auth-fix"], save: true }]);
  await stage.end();
});

test("launching and merging go through the engine and show at once", async () => {
  const stage = await openStage(80, 24, swing(Date.now()));
  stage.press("GL");
  await stage.until("queued notes");
  await stage.until(/notes +queued/);
  stage.press("M");
  await stage.until("no lane is ready to merge");
  stage.world.tell([
    { type: "run.exited", key: "api-cache", n: 1, code: 0, at: Date.now() },
    { type: "lane.readied", key: "api-cache", head: "a".repeat(40), results: [] },
  ]);
  await stage.until(/api-cache +ready/);
  stage.press("M");
  await stage.until("in the merge queue: api-cache");
  await stage.until(/api-cache +merge-queued/);
  expect(stage.world.commands.map(({ type }) => type)).toEqual(["launch", "merge"]);
  await stage.end();
});

test("a merge does not run a check that nobody has allowed", async () => {
  const scene = swing(Date.now());
  const stage = await openStage(80, 24, { ...scene, untrusted: ["check: npm test", "agents.other: other"] });
  stage.world.tell([
    { type: "run.exited", key: "api-cache", n: 1, code: 0, at: Date.now() },
    { type: "lane.readied", key: "api-cache", head: "a".repeat(40), results: [] },
  ]);
  await stage.until(/api-cache +ready/);
  stage.press("M");
  await stage.until("not trusted yet");
  expect(stage.world.commands).toEqual([]);
  stage.press("GL");
  await stage.until("queued notes");
  await stage.end();
});

test("! finds the lanes that need somebody, / narrows the list, esc brings it back", async () => {
  const stage = await openStage(80, 24, swing(Date.now()));
  stage.press("!");
  await stage.until("auth-fix  lane/auth-fix/work");
  stage.press("/codex !queued");
  const narrow = (await stage.until("/codex !queued 2/2")).join("\n");
  expect(narrow).toContain("ui-table");
  expect(narrow).not.toContain("search");
  stage.press("\r");
  await stage.until("L launch");
  stage.press("\u001B");
  expect((await stage.until(/\d\/10 ─/)).join("\n")).toContain("search");
  await stage.end();
});

test("below 120 columns the other panes are tabs, and + gives one of them the whole body", async () => {
  const stage = await openStage(80, 24, swing(Date.now()));
  stage.press("4");
  await stage.until("Merge lane ci-speed");
  stage.press("\t\t");
  await stage.until("pid 4708");
  stage.press("++");
  const whole = await stage.until("log of ui-table-1");
  expect(whole.join("\n")).not.toContain("2 Agents");
  await stage.end();
});

test("the log of the selected lane grows by itself, scrolls, and follows again", async () => {
  const stage = await openStage(80, 24, swing(Date.now()));
  stage.press("jj\r");
  await stage.until("[60/60] read docs/guide-60.md");
  stage.press("k");
  await stage.until("1 lines up");
  stage.press("f");
  stage.world.print("docs-intro-1", "\n[61/61] \u001B[2Jread the end\n");
  const end = await stage.until("[61/61] read the end");
  expect(end.join("\n")).not.toContain("lines up");
  await stage.end();
});

test("an engine that does not answer is seen in the header", async () => {
  const stage = await openStage(80, 24, empty(Date.now()));
  await stage.until("engine: idle");
  stage.world.setLives(false);
  stage.world.tell([
    {
      type: "lane.added",
      key: "docs",
      spec: {
        name: "",
        tasks: [],
        parallel: true,
        priority: "normal",
        command: ["true"],
        dependsOn: [],
        paths: [],
        env: [],
        commit: "agent",
        retries: 0,
        kind: "work",
      },
    },
    { type: "lane.queued", key: "docs", why: "" },
  ]);
  expect((await stage.until("engine: silent"))[0]).toContain("engine: silent");
  await stage.end();
});

test("q leaves, and in a filter it is a letter", async () => {
  const stage = await openStage(80, 24, swing(Date.now()));
  stage.press("/qz");
  await stage.until('nothing matches "qz"');
  expect(stage.ended()).toBe(false);
  stage.press("\r");
  await stage.until("q quit");
  stage.press("q");
  await stage.until("Lanes");
  expect(stage.ended()).toBe(true);
  await stage.end();
});
