import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test, vi } from "vitest";

import { createLog } from "../../src/log/engine-log.ts";
import type { Log } from "../../src/port.ts";

type Line = Readonly<Record<string, unknown>>;

interface Place {
  readonly log: Log;
  /** The file's text once `last` is in it. */
  readonly text: (last: string) => Promise<string>;
  readonly lines: (last: string) => Promise<readonly Line[]>;
  readonly names: () => readonly string[];
}

const place = (environment: Readonly<Record<string, string>> = {}): Place => {
  const state = mkdtempSync(join(tmpdir(), "lanes-log-"));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const path = join(state, "engine.log");
  const text: Place["text"] = (last) =>
    vi.waitFor(
      () => {
        expect(readFileSync(path, "utf8")).toContain(last);
        return readFileSync(path, "utf8");
      },
      { interval: 2, timeout: 10_000 },
    );
  return {
    log: createLog({ state, environment, version: "0.1.0" }),
    text,
    lines: async (last) =>
      (await text(last))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Line),
    names: () => readdirSync(state),
  };
};

test("a line says when, who and what, in the order of the calls", async () => {
  const { log, lines } = place();
  log.info("started", { node: "v20" });
  log.warn("look failed", { why: "git\nis gone" });
  const [first, second] = await lines("look failed");
  expect(first).toMatchObject({ level: "info", msg: "started", node: "v20", pid: process.pid, version: "0.1.0" });
  expect(new Date(String(first?.["time"])).toISOString()).toBe(first?.["time"]);
  expect(second).toMatchObject({ level: "warn", msg: "look failed", why: "git\nis gone" });
});

test.each([
  [undefined, "info warn error"],
  ["debug", "debug info warn error"],
  ["error", "error"],
  ["nonsense", "info warn error"],
])("with LANES_LOG=%s it has the levels: %s", async (level, expected) => {
  const { log, lines } = place(level === undefined ? {} : { LANES_LOG: level });
  for (const each of ["debug", "info", "warn", "error"] as const) log[each](`a line of ${each}`);
  expect((await lines("of error")).map((line) => line["level"])).toEqual(expected.split(" "));
});

test("with LANES_LOG=silent there is no file", async () => {
  const { log, names } = place({ LANES_LOG: "silent" });
  log.error("nothing");
  // The next log of this process has its line, this one has nothing.
  const other = place();
  other.log.error("done");
  await other.lines("done");
  expect(names()).toEqual([]);
});

test("no secret of any form stands in it", async () => {
  const pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nQyNTUxOQAAACBzZWNyZXQh\n-----END";
  const lent = ["correct horse & battery", 'quote"and\\slash', pem];
  const { log, text } = place({ LANES_TOKEN: "from-the-environment", LANES_CHECK: "npm test" });
  log.conceal(lent);
  const told: Readonly<Record<string, unknown>> = {
    variable: "it was from-the-environment",
    lent: lent[0],
    inside: `curl -d '${JSON.stringify({ pass: lent[1] })}'`,
    address: `https://example.org/?q=${encodeURIComponent(lent[0] ?? "")}`,
    line: "fatal: QyNTUxOQAAACBzZWNyZXQh is no key",
    remote: "fatal: could not read https://ada:hunter22@example.org/x.git",
    github: "remote: ghp_0123456789abcdef0123456789abcdef0123",
    jwt: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    header: "Authorization: Bearer abc.def-ghi",
    setting: "MY_API_KEY=zyxwvut",
    deep: [{ er: { password: "swordfish" } }],
    check: "npm test",
  };
  log.error("failed at https://ada:hunter22@example.org", told);
  log.info("last");
  const written = await text('"last"');
  const secrets = "from-the-environment horse quote slash QyNTUxOQ hunter22 ghp_ eyJ abc.def zyxwvut swordfish";
  for (const secret of secrets.split(" ")) expect(written).not.toContain(secret);
  expect(written).toContain("npm test");
  expect(written).toContain("example.org/x.git");
});

test("what is concealed later is concealed from then on, also in lines that still wait", async () => {
  const { log, text } = place();
  log.info("first", { why: "swordfish" });
  log.conceal(["swordfish"]);
  log.info("last");
  expect(await text("last")).not.toContain("swordfish");
});

test("one line cannot fill the file", async () => {
  const { log, lines } = place();
  log.warn("huge", { why: "x".repeat(5_000_000), list: Array.from({ length: 10_000 }, (_, n) => `item ${n}`) });
  log.info("last");
  const [huge] = await lines("last");
  expect(huge).toMatchObject({ level: "warn", msg: "huge" });
  expect(JSON.stringify(huge).length).toBeLessThan(20_000);
});

test("there is no file before the first line, and then for its owner alone, with any umask", async () => {
  const before = process.umask(0);
  onTestFinished(() => void process.umask(before));
  const state = mkdtempSync(join(tmpdir(), "lanes-log-"));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const log = createLog({ state, environment: {}, version: "0" });
  expect(readdirSync(state)).toEqual([]);
  log.info("one");
  const path = join(state, "engine.log");
  await vi.waitFor(() => expect(lstatSync(path).mode & 0o777).toBe(0o600), { interval: 2 });
});
