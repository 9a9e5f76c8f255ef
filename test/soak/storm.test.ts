/** System calls of the real program that fail or kill at the Nth: what was acknowledged is there, and the next call works. */
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import type { State } from "../../src/core/state.ts";
import { createJournal } from "../../src/journal/local.ts";
import { idsOf } from "../journal/place.ts";
import { kill as endProcess, makeScratch, program } from "../story/scratch.ts";
import type { Ran, Scratch } from "../story/scratch.ts";
import { hasTool } from "../tool.ts";
import { eyeOn } from "./eye.ts";
import type { Eye } from "./eye.ts";
import { figure, scaled } from "./scale.ts";

/** Calls of one kind, of which the Nth of each process is struck. `paths`: only where one of these is meant. */
interface Target {
  readonly calls: string;
  readonly fault: string;
  readonly paths?: readonly string[];
}

interface Struck extends Ran {
  /** How often the fault came, in all processes. When it did not, N is past the last call. */
  readonly struck: number;
}

/** A call that takes longer than this with its engine is let go of, in ms. */
const strikeMs = 6000;
/** What stands for the exit code of a verb that was let go of, or killed. */
const letGo = 137;

/** Run the program, and all that it starts, with a fault at the Nth call of this kind. */
const strike = (
  scratch: Scratch,
  { calls, fault, paths = [] }: Target,
  nth: number,
  words: readonly string[],
): Promise<Struck> => {
  const trace = join(dirname(scratch.repo), "trace");
  const state = join(scratch.repo, ".orchestration");
  const only = paths.flatMap((path) => ["-P", join(state, path)]);
  const rule = ["-e", `trace=${calls}`, "-e", `inject=${calls}:${fault}:when=${nth}`];
  const args = ["-f", "-I1", "-qq", "-o", trace, ...rule, ...only, process.execPath, program, ...words];
  return new Promise((resolve) => {
    // The engine is traced too, and waited for.
    const env = { ...scratch.env, LANES_ENGINE_IDLE_MS: "50" };
    const child = spawn("strace", args, { cwd: scratch.repo, env, stdio: ["ignore", "pipe", "pipe"] });
    // Where a disk fails for ever the engine goes on trying: strace lets go of it.
    const said = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].on("data", (chunk: Buffer) => (said[stream] += chunk.toString()));
    const timer = setTimeout(() => {
      child.kill("SIGTERM");
      child.stdout.destroy();
      child.stderr.destroy();
    }, strikeMs);
    child.once("close", (code) => {
      clearTimeout(timer);
      const struck = readFileSync(trace, "utf8").match(/INJECTED|killed by SIGKILL/g)?.length ?? 0;
      rmSync(trace);
      resolve({ code: code ?? letGo, ...said, struck });
    });
  });
};

const real = hasTool("strace");

const log = "event-log.jsonl";
const kill = "signal=SIGKILL";

/** Everything that a verb does to the disk, and how that may fail. Opening is struck where a file is ours: the rest is Node's. */
const targets: readonly Target[] = [
  ...["EIO", "ENOSPC"]
    .map((code) => `error=${code}`)
    .concat(kill)
    .flatMap((fault) => [
      { calls: "write,pwrite64", fault, paths: [log] },
      { calls: "fdatasync,fsync", fault },
      { calls: "rename,renameat,renameat2", fault },
      { calls: "link,linkat,unlink,unlinkat", fault },
      { calls: "mkdir,mkdirat", fault },
    ]),
  ...["error=EIO", "error=EMFILE", "error=EROFS", kill].map((fault) => ({
    calls: "openat",
    fault,
    paths: [log, "", "tracker.json", "observed.json", "snapshot.json", "viewers", "runs", "locks"],
  })),
];

/** No verb makes more calls of one kind than this. */
const nthMax = 100;

/** A verb on its own lane: what has to be there before, and what is true of the state once it is done. */
interface Verb {
  readonly before?: (id: string) => readonly string[];
  readonly words: (id: string) => readonly string[];
  readonly done: (state: State, id: string) => boolean;
}

const manual = '{"agent":"manual"}';

const verbs: Readonly<Record<string, Verb>> = {
  "add-lane": { words: (id) => ["add-lane", id, manual], done: (state, id) => state.lanes.has(id) },
  cancel: {
    before: (id) => ["add-lane", id, manual],
    words: (id) => ["cancel", id],
    done: (state, id) => state.lanes.get(id)?.state === "cancelled",
  },
  status: { words: () => ["status"], done: () => true },
  why: { before: (id) => ["add-lane", id, manual], words: (id) => ["why", id], done: () => true },
};

/** How a verb ended that has to be found out about: without a word, with a stack, or as if the program were wrong. */
const isOdd = ({ code, stderr }: Ran, { fault }: Target): boolean =>
  code !== 0 &&
  code !== letGo &&
  ((fault !== kill && !/(?:^|\n)lanes: [^\n]+\n$/.test(stderr)) || code === 70 || /\n +at /.test(stderr));

test.runIf(real).each(Object.entries(verbs))(
  "%s keeps what it acknowledged and can be repeated, whichever of its system calls fails or kills it",
  async (name, { before, words, done }) => {
    await using scratch = await makeScratch();
    const eye = eyeOn(scratch.repo);
    const acknowledged: string[] = [];
    const odd: unknown[] = [];
    let [runs, faults] = [0, 0];
    for (const target of targets) {
      for (let nth = 1; nth <= nthMax; nth += 1) {
        const id = `lane-${runs}`;
        const given = before ? await scratch.lanes(...before(id)) : { code: 0 };
        expect(given).toMatchObject({ code: 0 });
        const ran = await strike(scratch, target, nth, words(id));
        runs += 1;
        if (isOdd(ran, target)) odd.push({ target, nth, ...ran });
        if (ran.code === 0) acknowledged.push(id);
        const state = await eye.state();
        expect(acknowledged.filter((lane) => !done(state, lane))).toEqual([]);
        if (ran.code !== 0 && (before || !done(state, id))) {
          const again = await scratch.lanes(...words(id));
          if (again.code !== 0 || !done(await eye.state(), id)) odd.push({ target, nth, again });
        }
        if (ran.struck === 0) break;
        faults += ran.struck;
      }
    }
    figure(`${name}: ${faults} faults, ${acknowledged.length} of ${runs} done at the first try`);
    expect(odd).toEqual([]);
    expect(faults).toBeGreaterThan(5);
    const ids = await idsIn(scratch);
    expect(new Set(ids).size).toBe(ids.length);
  },
);

const idsIn = async ({ repo }: Scratch): Promise<readonly string[]> =>
  (await idsOf(createJournal({ state: join(repo, ".orchestration") }))).filter((id) => id !== "-");

test.runIf(real)(
  "a lane runs and lands once, whichever system call of verb, engine and git fails or kills",
  async () => {
    await using scratch = await makeScratch();
    const eye = eyeOn(scratch.repo);
    const odd: unknown[] = [];
    const landed: string[] = [];
    let faults = 0;
    const until = performance.now() + scaled(150_000);
    const strikes = [1, 2, 3, 5, 8].flatMap((nth) => targets.map((target) => ({ target, nth })));
    for (let index = 0; index < strikes.length; index += 1) {
      // Every kind comes early, whatever there is time for: 37 divides no number of strikes that we have.
      const { target, nth } = strikes[(index * 37) % strikes.length]!;
      if (performance.now() > until) break;
      const id = `lane-${index}`;
      const command = `echo ${id} > ${id}.txt; git add ${id}.txt; git diff --cached --quiet || git commit -qm ${id}`;
      await scratch.add(id, { command, retries: 0 });
      const [verb, wanted] = index % 2 === 0 ? (["exec-lane", "ready"] as const) : (["merge", "merged"] as const);
      if (verb === "merge") await bring(scratch, eye, id, "ready");
      // The next one starts below strace.
      const engine = await eye.engine();
      if (engine !== undefined) endProcess(engine);
      const ran = await strike(scratch, target, nth, [verb, id]);
      faults += ran.struck;
      const state = (await eye.state()).lanes.get(id)?.state;
      // The agent's own git is struck too: its lane failed, as exit code 1 says.
      const isAgents = ran.code === 1 && state === "failed" && verb === "exec-lane";
      if ((isOdd(ran, target) && !isAgents) || (ran.code === 0 && state !== wanted))
        odd.push({ target, nth, verb, state, ...ran });
      await bring(scratch, eye, id, "merged");
      landed.push(id);
    }
    figure(`${landed.length} lanes landed once in spite of ${faults} faults in verbs, engines and git`);
    expect(odd).toEqual([]);
    expect(faults).toBeGreaterThan(landed.length);
    const subjects = (await scratch.git("log", "--first-parent", "--format=%s", "main")).split("\n");
    expect(subjects.toSorted()).toEqual(["Begin", ...landed.map((id) => `Merge lane ${id}`)].toSorted());
    expect(await scratch.git("status", "--porcelain")).toBe("");
    expect(await scratch.git("fsck", "--full")).not.toMatch(/missing|broken|error/);
  },
);

/** Verbs that a person would try before a lane is where it should be. */
const triesMax = 8;

/** Without faults: what a person does until the lane is there. */
const bring = async (scratch: Scratch, eye: Eye, id: string, wanted: "ready" | "merged"): Promise<void> => {
  const said: unknown[] = [];
  for (let tries = 0; tries < triesMax; tries += 1) {
    const state = (await eye.state()).lanes.get(id)?.state ?? "";
    if (state === wanted || state === "merged") return;
    const stuck = ["failed", "lost", "parked", "finished-empty", "waiting"].includes(state);
    if (stuck) said.push(await scratch.lanes("retry", id, "-q"));
    said.push(
      await scratch.lanes(...(wanted === "merged" && !stuck && tries % 2 === 1 ? ["merge", id] : ["exec-lane", id])),
    );
  }
  throw new Error(`${id} does not get ${wanted}: ${JSON.stringify(said)}`);
};
