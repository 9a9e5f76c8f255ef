import { expect, test } from "vitest";

import { makeScratch, until } from "./scratch.ts";

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
