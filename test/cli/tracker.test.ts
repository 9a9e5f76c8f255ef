import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { patience, scene, type Scene } from "./scratch.ts";

const one = async (): Promise<Scene> => {
  const repo = scene();
  expect((await repo.lanes("add-lane", "docs", '{"agent": "manual", "prompt": "my own words"}')).code).toBe(0);
  return repo;
};

const docs = async (repo: Scene): Promise<unknown> =>
  ((await repo.json("tracker", "get"))["lanes"] as Record<string, unknown>)["docs"];

const refused: readonly (readonly [patch: string, code: number, line: string])[] = [
  ['{"lanes": {"docs": {"command": ["true"]}}}', 4, "lanes.docs.command: commands are not taken from the tracker"],
  ['{"lanes": {"docs": {"tasks": ["a"], "check": "true"}}}', 4, "lanes.docs.check: commands are not taken"],
  ['{"lanes": {"docs": {"env": ["HOME"]}}}', 4, "lanes.docs.env: commands are not taken from the tracker"],
  ['{"lanes": {"more": {"command": "true"}}}', 4, "lanes.more.command: commands are not taken from the tracker"],
  ['{"lanes": {"docs": {"status": "completed"}}}', 4, "lanes.docs.status: lane docs is planned"],
  ['{"phase": 9}', 65, "phase: must be a whole number from 0 to 4"],
  ['{"lanes": ', 65, "the patch is not JSON: it ends too early"],
  ['{"a": 1, "a": 2}', 65, "the patch: "],
  ["[]", 65, "the patch must be an object"],
];

describe("lanes tracker", patience, () => {
  test("sets fields of the tracker: in effect, and in the file, when it ends", async () => {
    const repo = await one();
    const patch =
      '{"lanes": {"docs": {"progress": "50%", "tasks": ["write"], "own": {"a": 1}}, "more": {"tasks": ["x"]}}}';
    const { code, stdout } = await repo.lanes("tracker", "patch", patch);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^in effect at position \d+\n$/)]);
    const set = { progress: "50%", tasks: ["write"], own: { a: 1 } };
    expect(await docs(repo)).toMatchObject(set);
    expect(JSON.parse(repo.read(".orchestration/tracker.json"))).toMatchObject({
      lanes: { docs: set, more: { state: "planned", tasks: ["x"] } },
    });
    expect(await repo.json("tracker", "patch", patch)).toMatchObject({ changed: false });
  });

  test("takes a patch once, however often it is asked for by the same id", async () => {
    const repo = await one();
    const own = (value: number): string => JSON.stringify({ lanes: { docs: { own: value } } });
    const first = await Promise.all(
      Array.from({ length: 4 }, () => repo.json("tracker", "patch", own(1), "--id", "first")),
    );
    expect(first.filter(({ changed }) => changed)).toHaveLength(1);
    const { position } = first.find(({ changed }) => changed) ?? {};
    expect(first.map((each) => each["position"])).toEqual(first.map(() => position));
    await repo.lanes("tracker", "patch", own(2));
    expect(await repo.json("tracker", "patch", own(3), "--id", "first")).toMatchObject({ changed: false, position });
    expect(await repo.lanes("tracker", "patch", own(3), "--id", "first")).toEqual({
      code: 0,
      stdout: `first took effect before, at position ${String(position)}: nothing of this one was looked at\n`,
      stderr: "",
    });
    expect(await docs(repo)).toMatchObject({ own: 2 });
  });

  test("refuses a patch as a whole, in one line, and changes nothing", async () => {
    const repo = await one();
    const before = repo.world();
    for (const [patch, code, line] of refused) {
      const ended = await repo.lanes("tracker", "patch", patch);
      expect([patch, ended]).toMatchObject([patch, { code, stdout: "" }]);
      expect(ended.stderr).toContain(`lanes: ${line}`);
      expect(ended.stderr.split("\n")).toHaveLength(2);
    }
    expect(repo.world()).toBe(before);
  });

  test("lets an agent speak for its own lane only", async () => {
    const repo = await one();
    await repo.lanes("add-lane", "more", '{"agent": "manual"}');
    const patch = (lane: string): string => JSON.stringify({ lanes: { [lane]: { progress: "half" } } });
    const asAgent = { env: { LANES_LANE: "docs" } };
    expect(await repo.lanesWith(asAgent, "tracker", "patch", patch("docs"))).toMatchObject({ code: 0 });
    expect(await repo.lanesWith(asAgent, "tracker", "patch", patch("more"))).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("an agent speaks only for its own lane, docs") as string,
    });
  });

  test("says what a hand edit may not set, and takes the rest over", async () => {
    const repo = await one();
    const path = join(repo.top, ".orchestration", "tracker.json");
    const tracker = (await repo.json("tracker", "get")) as { lanes: Record<string, object> };
    const entry = { ...tracker.lanes["docs"], tasks: ["by hand"], command: ["true"], check: "true", env: ["A"] };
    writeFileSync(path, JSON.stringify({ ...tracker, lanes: { docs: entry } }));
    expect(await docs(repo)).toMatchObject({ tasks: ["by hand"] });
    const lines = (await repo.lanes("events", "--json")).stdout.trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as { type: string; data: Record<string, unknown> });
    const [patched, ...others] = records.filter(({ type }) => type === "tracker.patched");
    expect(others).toEqual([]);
    expect(patched?.data["left"]).toEqual(
      ["command", "check", "env"].map((key) => ({
        path: `lanes.docs.${key}`,
        why: "commands are not taken from the tracker",
        hint: "lanes add-lane ID JSON",
      })),
    );
    expect(JSON.parse(repo.read(`.orchestration/${String(patched?.data["kept"])}`))).toMatchObject({
      lanes: { docs: { command: ["true"] } },
    });
    const logged = repo.read(".orchestration/engine.log").trimEnd().split("\n");
    expect(logged.map((line) => JSON.parse(line) as unknown)).toContainEqual(
      expect.objectContaining({ path: "lanes.docs.command", why: "commands are not taken from the tracker" }),
    );
  });

  test("tells whoever looks at the status that edits were refused", async () => {
    const repo = await one();
    const path = join(repo.top, ".orchestration", "tracker.json");
    const tracker = (await repo.json("tracker", "get")) as { lanes: Record<string, object> };
    expect((await repo.lanes("status")).stdout).not.toContain("warning");
    writeFileSync(
      path,
      JSON.stringify({ ...tracker, lanes: { docs: { ...tracker.lanes["docs"], priority: "urgent" } } }),
    );
    await repo.lanes("tracker", "get");
    const told =
      /^warning: an edit of tracker\.json was not taken over, or not all of it; kept as (\S+); lanes doctor/m;
    const [, kept = ""] = told.exec((await repo.lanes("status")).stdout) ?? [];
    expect(repo.read(kept)).toContain('"urgent"');
    expect((await repo.lanes("events")).stdout).toMatch(/lanes\.docs\.priority/);
    expect((await repo.json("status"))["warnings"]).toMatchObject([{ name: "tracker.json", how: "refused", kept }]);
    writeFileSync(path, "garbage\n");
    // What is no JSON may be half written: it is given a second.
    const seen = async (): Promise<string> => (await repo.lanes("status", "--plain")).stdout;
    await expect.poll(seen, { timeout: 30_000 }).toContain("warning: 2 edits of tracker.json were");
  });

  test("exports what a bug report needs, and nothing that is somebody's own", async () => {
    const repo = await one();
    await repo.lanes("tracker", "patch", '{"lanes": {"docs": {"note": "ghp_0123456789abcdefghij"}}}');
    const { code, stdout } = await repo.lanesWith({ env: { MY_TOKEN: "tokenless" } }, "tracker", "export");
    expect(code).toBe(0);
    const bundle = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(bundle)).toEqual(
      expect.arrayContaining(["lanes", "node", "platform", "configuration", "tracker", "records"]),
    );
    expect(bundle["tracker"]).toMatchObject({ lanes: { docs: { note: "[secret]" } } });
    for (const own of [repo.top, "my own words", "ghp_0123456789abcdefghij"]) expect(stdout).not.toContain(own);
  });
});
