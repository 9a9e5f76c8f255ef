/** A repository with 100,000 files: a lane lives its whole life in it, and whoever looks does not wait for git. */
import { spawnSync } from "node:child_process";

import { expect, test } from "vitest";

import { lifeOf, makeRepository, wholeLife } from "../story/place.ts";
import { until } from "../story/scratch.ts";
import { openTerminal } from "../story/terminal.ts";
import { figure, pause, scaled } from "./scale.ts";

test("the whole life of a lane among 100,000 files", async () => {
  await using place = makeRepository();
  const files = scaled(100_000);
  const stream = ["commit refs/heads/main", "committer Ada <ada@example.org> 1 +0000", "data 4", "many"];
  stream.push("from refs/heads/main^0");
  for (let at = 0; at < files; at += 1)
    stream.push(`M 644 inline many/${at % 100}/${Math.floor(at / 100) % 100}/file-${at}.txt`, "data 1", "x");
  const ran = spawnSync("git", ["fast-import", "--quiet"], {
    cwd: place.top,
    env: place.env,
    input: `${stream.join("\n")}\n`,
  });
  expect(String(ran.stderr)).toBe("");
  place.git(place.top, "reset", "-q", "--hard");
  const began = performance.now();
  expect(await lifeOf(place)).toEqual(wholeLife);
  figure(`a lane's life among ${files} files took ${Math.round((performance.now() - began) / 1000)} s`);
  expect(place.git(place.top, "show", "main:made.txt")).toBe("work");
  expect(place.git(place.top, "status", "--porcelain")).toBe("");
});

test("the control center answers keys while a lane's 100,000 files are written", async () => {
  await using place = makeRepository();
  const files = scaled(100_000);
  for (let at = 0; at < files; at += 1) place.write(`many/${at % 100}/file-${at}.txt`, "x\n");
  place.git(place.top, "add", "-A");
  place.git(place.top, "commit", "-qm", "many");
  await place.lanes({}, "init");
  await place.lanes({}, "add-lane", "one", JSON.stringify({ command: "sleep 600", retries: 0 }));
  const terminal = openTerminal({ repo: place.top, env: place.env }, []);
  await terminal.shows(/one +planned/);
  terminal.type("L");
  await terminal.shows(/one +(?:queued|starting)/);
  const waits: number[] = [];
  const sees = (pattern: RegExp): boolean => terminal.screen().some((row) => pattern.test(row));
  while (!sees(/ one +running/)) {
    const pressed = performance.now();
    terminal.type("?");
    await until("the page of keys", () => sees(/─ Keys ─/) || undefined);
    waits.push(performance.now() - pressed);
    terminal.type("?");
    await until("the page of keys to close", () => !sees(/─ Keys ─/) || undefined);
    await pause(50);
  }
  figure(
    `keys pressed while ${files} files were written: ${waits.length}, slowest ${Math.round(Math.max(...waits))} ms`,
  );
  expect(waits.length).toBeGreaterThan(2);
  terminal.type("q");
  expect(await terminal.ended).toBe(0);
});
