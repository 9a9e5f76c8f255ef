import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { program, makeScratch, type Scratch, until } from "./scratch.ts";

const assets = fileURLToPath(new URL("../../assets/", import.meta.url));

const hasPython = (() => {
  try {
    execFileSync("python3", ["--version"]);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
})();
if (!hasPython) console.log("skipped: access_tracker.py needs python3");
const mustRun = process.env["LANES_TEST_REQUIRE"] === "all";

const run = promisify(execFile);
const trackerIn = ({ repo }: Scratch): string => join(repo, ".orchestration", "tracker.json");

/** The script finds `lanes` by the variable, or nowhere. */
const environment = ({ env }: Scratch, withLanes: boolean): NodeJS.ProcessEnv => ({
  ...env,
  PYTHONDONTWRITEBYTECODE: "1",
  ...(withLanes ? { LANES_BIN: `'${process.execPath}' '${program}'` } : { LANES_BIN: "" }),
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const script = async (scratch: Scratch, withLanes: boolean, ...words: readonly string[]): Promise<Ended> => {
  try {
    const options = { cwd: scratch.repo, env: environment(scratch, withLanes) };
    return { code: 0, ...(await run("python3", [join(assets, "access_tracker.py"), ...words], options)) };
  } catch (error) {
    return error as Ended;
  }
};

/** A program that uses the script as a module, as an agent of its own would: sets one field of one lane after another. */
const writer = `
import sys
sys.path.insert(0, sys.argv[1])
from access_tracker import update_tracker
path, name, count = sys.argv[2], sys.argv[3], int(sys.argv[4])
for n in range(count):
    update_tracker(path, {"lanes": {f"lane-{n % 3}": {f"{name}-{n}": n}}})
`;

const write = (scratch: Scratch, withLanes: boolean, name: string, count: number): Promise<unknown> =>
  run("python3", ["-c", writer, assets, trackerIn(scratch), name, String(count)], {
    cwd: scratch.repo,
    env: environment(scratch, withLanes),
  });

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

interface Tracker {
  readonly phase?: number;
  readonly lanes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

test.runIf(hasPython || mustRun)(
  "the script of seed 001 reads the tracker and sets fields of it, with lanes and without",
  { timeout: 120_000 },
  async () => {
    await using scratch = await makeScratch();
    await scratch.add("my-lane", { tasks: ["begin"] });
    await until("an engine", async () => ((await scratch.lanes("engine", "start")).code === 0 ? true : undefined));
    const path = trackerIn(scratch);
    await until("the tracker", async () => ((await script(scratch, false, path)).code === 0 ? true : undefined));
    for (const [count, withLanes] of [true, false].entries()) {
      const progress = `${50 + count}% complete`;
      const updates = JSON.stringify({ lanes: { "my-lane": { progress } } });
      expect(await script(scratch, withLanes, path, updates)).toEqual({ code: 0, stdout: "", stderr: "" });
      await until("the update", async () => {
        const { stdout } = await script(scratch, true, path);
        return (JSON.parse(stdout) as Tracker).lanes["my-lane"]?.["progress"] === progress || undefined;
      });
      const junk = await script(scratch, withLanes, path, "{");
      expect([junk.code, junk.stderr.split("\n").length]).toEqual([65, 2]);
      expect(await script(scratch, withLanes)).toMatchObject({ code: 64 });
    }
    const refused = await script(scratch, true, path, '{"lanes": {"my-lane": {"command": ["true"]}}}');
    expect(refused).toMatchObject({
      code: 4,
      stderr: "lanes: lanes.my-lane.command: commands are not taken from the tracker; lanes add-lane ID JSON\n",
    });
    const once = JSON.stringify({ lanes: { "my-lane": { own: 1 } } });
    await script(scratch, true, path, once, "first");
    await script(scratch, true, path, JSON.stringify({ lanes: { "my-lane": { own: 2 } } }));
    expect(await script(scratch, true, path, once, "first")).toMatchObject({ code: 0 });
    expect(JSON.parse((await script(scratch, true, path)).stdout)).toMatchObject({ lanes: { "my-lane": { own: 2 } } });
    expect(await script(scratch, false, join(scratch.repo, "none.json"))).toMatchObject({ code: 73 });
  },
);

test.runIf(hasPython || mustRun)(
  "of two hundred updates by eight processes at once, while lanes run, none is lost",
  { timeout: 300_000 },
  async () => {
    await using scratch = await makeScratch();
    for (let n = 0; n < 3; n += 1) {
      const command = "for i in $(seq 60); do echo step $i; sleep 0.2; done";
      await scratch.add(`lane-${n}`, { tasks: ["begin"], command });
    }
    expect((await scratch.lanes("launch", "lane-0", "lane-1", "lane-2")).code).toBe(0);
    await until("the tracker", async () =>
      (await script(scratch, false, trackerIn(scratch))).code === 0 ? true : undefined,
    );
    await Promise.all([
      ...["a", "b", "c", "d"].map((name) => write(scratch, true, name, 15)),
      ...["e", "f", "g", "h"].map((name) => write(scratch, false, name, 35)),
    ]);
    const expected = ["a", "b", "c", "d", "e", "f", "g", "h"].flatMap((name) =>
      Array.from({ length: name < "e" ? 15 : 35 }, (_, n) => [`lane-${n % 3}`, `${name}-${n}`, n] as const),
    );
    const lost = async (): Promise<readonly string[]> => {
      const { lanes } = JSON.parse((await scratch.lanes("tracker", "get")).stdout) as Tracker;
      return expected.filter(([lane, field, n]) => lanes[lane]?.[field] !== n).map(([, field]) => field);
    };
    await until("every edit to be taken over", async () => ((await lost()).length === 0 ? true : undefined));
    const events = await scratch.events();
    const recorded = events
      .filter(({ type }) => type === "tracker.patched")
      .flatMap(({ data }) =>
        (data["changes"] as readonly { readonly at: readonly string[] }[]).map(({ at }) => at.at(-1) ?? ""),
      );
    expect(recorded.toSorted(byText)).toEqual(expected.map(([, field]) => field).toSorted(byText));
    expect(events.filter(({ effective }) => !effective)).toEqual([]);
  },
);
