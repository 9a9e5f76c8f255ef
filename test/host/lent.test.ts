import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test, vi } from "vitest";

import { createHost } from "../../src/host/process.ts";
import type { Host } from "../../src/port.ts";
import { seenAs } from "./living.ts";

test("whoever keeps secrets hears what is lent, in the shell that lends and in the engine that starts", async () => {
  const home = mkdtempSync(join(tmpdir(), "lanes-lent-"));
  const told: string[] = [];
  const another = (): Host =>
    createHost({ state: join(home, "state"), home, entry: [], lends: (values) => void told.push(...values) });
  const engine = another();
  onTestFinished(async () => {
    await engine.stop("demo-1", 0);
    rmSync(home, { recursive: true, force: true });
  });
  const hard = "it's\n$HOME\n'export X='y'\n";
  vi.stubEnv("FIRST", hard);
  vi.stubEnv("SECOND", "swordfish");
  vi.stubEnv("GIT_CONFIG_COUNT", "0");
  const lent = await another().lend("demo", ["FIRST", "SECOND", "NOT_SET", "GIT_CONFIG_COUNT"]);
  vi.unstubAllEnvs();
  expect(told).toEqual([hard, "swordfish", "0"]);
  told.length = 0;
  await engine.start({ run: "demo-1", lane: "demo", cwd: home, argv: ["true"], env: {}, lent });
  expect(told).toEqual([hard, "swordfish"]);
  await seenAs(engine, "exited");
});
