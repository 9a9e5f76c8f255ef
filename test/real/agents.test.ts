/** Real agent CLIs in real lanes against the scripted model server: `npm run test:agents`. */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, onTestFinished, test, vi } from "vitest";

import { scene } from "../cli/scratch.ts";
import { startModel } from "../model/server.ts";
import { cache, installMissing, isThere, type Real, reals, searchPath, settle } from "./cli.ts";

installMissing();

interface Told {
  readonly state: string;
  readonly detail: string;
  readonly run: {
    readonly n: number;
    readonly pid: number;
    readonly session: string;
    readonly agent: Readonly<Record<string, unknown>>;
  } | null;
}

/** A lane `a` whose agent is told to play a script. */
const stage = async (real: Real, script: string) => {
  const model = await startModel();
  onTestFinished(() => model.release());
  const made = scene(cache);
  settle(dirname(made.top), real, model.port);
  const variables = real.env(model.port);
  const env = { ...variables, PATH: searchPath };
  const lanes = (...words: readonly string[]) => made.lanesWith({ env }, ...words);
  const spec = { agent: "coder", prompt: `SCRIPT:${script} please`, env: Object.keys(variables), retries: 0 };
  expect((await lanes("add-lane", "a", JSON.stringify(spec))).code).toBe(0);
  const told = async (): Promise<Told> => ((await made.json("status"))["lanes"] as { readonly a: Told }).a;
  return { ...made, model, lanes, told };
};

const patience = { timeout: 400_000, interval: 250 };

for (const real of reals) {
  const absent = !isThere(real.cli);
  if (absent)
    process.stderr.write(`skipped: ${real.cli}, which is not installed
`);
  describe.skipIf(absent)(`the real ${real.cli}`, () => {
    test("works, commits, and is ready by what git shows; its tokens are those that the server counted", async () => {
      const { lanes, told, git, model } = await stage(real, "basic");
      await lanes("exec-lane", "a");
      const { state, detail, run } = await told();
      expect({ state, detail }).toEqual({ state: "ready", detail: "" });
      expect(git("show", "lane/a/work:hello.txt")).toBe("hello");
      expect(run?.agent).toMatchObject({
        unknownEvents: 0,
        denied: 0,
        tokens: model.tokens(model.answered(), real.apart),
        doing: "All done: hello.txt committed.",
      });
      expect((await lanes("merge", "a")).code).toBe(0);
      expect(git("show", "main:hello.txt")).toBe("hello");
    });

    test("is not done because it says so", async () => {
      const { lanes, told } = await stage(real, "liar");
      await lanes("exec-lane", "a");
      expect(await told()).toMatchObject({ state: "finished-empty" });
    });

    test.each(real.halts)("waits for a person or a moment: %s", async (kind) => {
      const { lanes, told } = await stage(real, kind === "login" ? "auth401" : "limit429");
      await lanes("launch", "a");
      await vi.waitFor(async () => expect((await told()).state).toBe("waiting"), patience);
      expect((await told()).run?.agent).toMatchObject({ status: "blocked", kind });
    });

    test("goes on with its conversation after it was killed in the middle of a tool", async () => {
      const { lanes, told, top, git } = await stage(real, "slow");
      await lanes("launch", "a");
      const tick = join(top, "tick");
      await vi.waitFor(() => expect(existsSync(tick)).toBe(true), patience);
      await vi.waitFor(async () => expect((await told()).run?.agent["status"]).toBe("working"), patience);
      const first = (await told()).run;
      process.kill(first?.pid ?? 0, "SIGKILL");
      await vi.waitFor(async () => expect((await told()).state).toBe("failed"), patience);
      writeFileSync(join(top, "go"), "");
      await lanes("retry", "a");
      await vi.waitFor(async () => expect((await told()).state).toBe("ready"), patience);
      expect((await told()).run).toMatchObject({ n: 2, session: first?.session });
      expect(git("show", "lane/a/work:hello.txt")).toBe("hello");
    });
  });
}
