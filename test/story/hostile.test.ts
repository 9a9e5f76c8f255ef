import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { makeRepository } from "./place.ts";
import { makeScratch, until } from "./scratch.ts";
import { callAll, planted, traps } from "./trap.ts";

const warned = /warning: core\.hookspath in git's shared configuration was set while sly ran; not you\?/;

test(
  "a lane that changes the shared configuration is shown until a person takes that back or says that it is fine",
  { timeout: 120_000 },
  async () => {
    await using scratch = await makeScratch();
    await scratch.lanes("init");
    await scratch.git("config", "core.editor", "true");
    await scratch.add("sly", {
      command: "git config core.hooksPath /tmp/x; git config user.name x; sleep 1",
      retries: 0,
    });
    expect((await scratch.lanes("exec-lane", "sly")).code).toBe(1);
    const shown = await until("the warning", async () => {
      const { stdout } = await scratch.lanes("status");
      return warned.test(stdout) ? stdout : undefined;
    });
    expect(shown).not.toContain("core.editor");
    expect((await scratch.lanes("why", "sly")).stdout).toMatch(warned);
    expect((await scratch.lanes("status", "--refresh")).stdout).toMatch(warned);
    const json = JSON.parse((await scratch.lanes("status", "--json")).stdout) as { warnings: { name: string }[] };
    expect(json.warnings.map(({ name }) => name.split(" ", 1)[0])).toEqual(["core.hookspath", "user.name"]);
    await scratch.git("config", "--unset", "core.hooksPath");
    const { stdout: less } = await scratch.lanes("status", "--refresh");
    expect(less).not.toMatch(warned);
    expect(less).toContain("warning: user.name");
    await scratch.lanes("engine", "stop");
    expect((await scratch.lanes("status")).stdout).not.toContain("warning");
  },
);

/** Attributes and agents' shares of traps that exclude one another: each group can be planted in one repository. */
const groups: readonly (readonly string[])[] = [
  ["monitor", "hooks", "filter", "pager", "transport", "credential-helper", "signer", "editor", "alias", "included"],
  ["hooks-path", "merge-driver", "external-diff", "worktree-configuration", "embedded-repository"],
  ["filter-process", "swapped-git-file"],
  ["text-conversion", "diff-driver"],
];

describe("no verb runs a program that the repository names:", () => {
  test("every trap is in a group", () => {
    expect(groups.flat().toSorted()).toEqual(Object.keys(traps).toSorted());
  });

  test.concurrent.each(groups.slice(0, 3).map((names) => [names.join(", "), names] as const))(
    "%s",
    { timeout: 120_000 },
    async (_name, names) => {
      await using place = makeRepository();
      const scene = planted(place, names);
      const ends = await callAll(scene);
      expect(ends.filter(({ ran }) => ran.length > 0)).toEqual([]);
      expect(ends.filter(({ verb, code }) => code !== 0 && !mayFail.has(verb))).toEqual([]);
      expect(place.git(place.top, "cat-file", "-p", "main:lines.txt")).toContain("one-two");
      if (names.includes("embedded-repository")) {
        const inside = { cwd: join(place.top, "nested") };
        for (const verb of ["status", "init"]) await place.lanes(inside, verb);
        expect(scene.ran()).toEqual([]);
      }
    },
  );
});

/** Verbs whose lane fails on purpose, or that have nothing to do here. */
const mayFail: ReadonlySet<string> = new Set(["execute", "retry", "plan", "full", "trust", "stop"]);
