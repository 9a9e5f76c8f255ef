/** What a new lane gets besides its commit. */
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { patience, scene } from "./scratch.ts";

const save = (name: string, text: string): string =>
  `echo "${text}" > ${name}; git add ${name}; git commit -qm ${name}`;

test("ignored files that .worktreeinclude names are copied, once, and nothing through a link", patience, async () => {
  const there = scene();
  there.write(".gitignore", ".env*\n/secrets/\nlinked\n");
  there.write(".worktreeinclude", ".env*\n!.env.local\nsecrets/*.key\nlinked\n/a.txt\nnotes.txt\n");
  there.git("add", ".gitignore", ".worktreeinclude");
  there.git("commit", "-qm", "ignore");
  for (const name of [".env", ".env.local", "sub/.env", "secrets/a.key", "secrets/a.txt", "notes.txt"])
    there.write(name, `of the checkout: ${name}\n`);
  symlinkSync("/etc/hostname", join(there.top, "linked"));
  await there.lanes("add-lane", "mine", '{"agent": "manual"}');
  expect((await there.lanes("exec-lane", "mine")).code).toBe(0);
  const has = (name: string): boolean => existsSync(join(there.top, ".worktrees/mine", name));
  expect([".env", "sub/.env", "secrets/a.key"].filter((name) => !has(name))).toEqual([]);
  expect([".env.local", "secrets/a.txt", "notes.txt", "linked"].filter(has)).toEqual([]);
  expect(there.git("-C", ".worktrees/mine", "status", "--porcelain")).toBe("");
});

test(
  "what the lane's commit does not ignore is not copied, nor what a link or a submodule of it leads to",
  patience,
  async () => {
    const there = scene();
    there.write(".worktreeinclude", ".env\n.secret\n*.key\n");
    there.write(".gitignore", ".env\n*.key\n");
    symlinkSync("/etc", join(there.top, "linked"));
    there.git("add", ".");
    there.git("update-index", "--add", "--cacheinfo", `160000,${there.git("rev-parse", "HEAD")},lib`);
    there.git("commit", "-qm", "base");
    there.git("branch", "base");
    there.git("rm", "-rq", "--cached", "lib", "linked");
    rmSync(join(there.top, "linked"));
    rmSync(join(there.top, "lib"), { recursive: true, force: true });
    there.write(".gitignore", ".env\n.secret\n*.key\n");
    there.git("add", ".");
    there.git("commit", "-qm", "more is ignored");
    for (const name of [".env", ".secret", "lib/a.key", "linked/a.key", "z.key"]) there.write(name, "x\n");
    await there.lanes("add-lane", "mine", '{"agent": "manual", "base": "base"}');
    expect((await there.lanes("exec-lane", "mine")).code).toBe(0);
    const has = (name: string): boolean => existsSync(join(there.top, ".worktrees/mine", name));
    expect([".env", "z.key", ".secret", "lib/a.key", "linked/a.key"].filter(has)).toEqual([".env", "z.key"]);
    expect(there.git("-C", ".worktrees/mine", "status", "--porcelain")).toBe("");
  },
);

test("the setup command runs once in each worktree, before the agent, and shows in the log", patience, async () => {
  const there = scene();
  there.write(
    "lanes.config.json",
    JSON.stringify({ setup: "echo setting up >> setup.txt; cat setup.txt", maxRuns: 1 }),
  );
  there.git("add", ".");
  there.git("commit", "-qm", "config");
  const command = `cat setup.txt; ${save("x.txt", "setup is [$LANES_SETUP]")}; rm setup.txt`;
  await there.lanes("add-lane", "docs", JSON.stringify({ command }));
  const refused = await there.lanes("exec-lane", "docs");
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining("not trusted yet")]);
  expect((await there.lanes("trust", "--yes")).code).toBe(0);
  expect(await there.lanes("exec-lane", "docs")).toMatchObject({ code: 0 });
  expect((await there.lanes("log", "docs")).stdout).toMatch(
    /^lanes: setup: echo setting up .*\nsetting up\nsetting up\n/,
  );
  expect(there.git("show", "lane/docs/work:x.txt")).toBe("setup is []");
  await there.lanes("retry", "docs");
  await expect.poll(() => there.stateOf("docs"), { timeout: 60_000 }).toBe("failed");
  expect((await there.lanes("log", "docs")).stdout).not.toContain("setting up");
});

test("a lane whose setup fails is failed, and says so in one line", patience, async () => {
  const there = scene();
  there.write("lanes.config.json", '{"setup": "echo no network; exit 3"}');
  await there.lanes("trust", "--yes");
  await there.lanes("add-lane", "docs", '{"command": "touch reached", "retries": 0}');
  const ended = await there.lanes("exec-lane", "docs");
  expect([ended.code, ended.stdout]).toEqual([1, expect.stringContaining("its setup command failed (lanes log docs)")]);
  expect((await there.lanes("log", "docs")).stdout).toContain(
    "no network\nlanes: the setup command failed with exit code 3",
  );
  expect(existsSync(join(there.top, ".worktrees/docs/reached"))).toBe(false);
});

test("an agent that ends with the code of a failed setup has not failed to set up", patience, async () => {
  const there = scene();
  there.write("lanes.config.json", '{"setup": "true"}');
  await there.lanes("trust", "--yes");
  await there.lanes("add-lane", "docs", '{"command": "exit 97", "retries": 0}');
  expect(await there.lanes("exec-lane", "docs")).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("exit code 97") as string,
  });
});

test("lanes that run at the same time have ports and names of their own", patience, async () => {
  const there = scene();
  there.write("lanes.config.json", '{"ports": {"from": 43000, "to": 43001}}');
  const command = `${save("port-$LANES_LANE", "$LANES_PORT $LANES_NAME")}; sleep 1000`;
  for (const id of ["a", "b"]) await there.lanes("add-lane", id, JSON.stringify({ command }));
  await there.lanes("launch", "a", "b");
  const port = (id: string): string => {
    try {
      return there.git("show", `lane/${id}/work:port-${id}`);
    } catch {
      return "";
    }
  };
  await expect
    .poll(() => [port("a"), port("b")].toSorted(), { timeout: 60_000 })
    .toEqual([
      expect.stringMatching(/^43000 lanes-[ab]-[0-9a-f]{8}$/),
      expect.stringMatching(/^43001 lanes-[ab]-[0-9a-f]{8}$/),
    ]);
});

test("without room on the disk a lane stays queued and says why; with room it starts", patience, async () => {
  const there = scene();
  there.write("lanes.config.json", '{"minFreeMb": 10000000}');
  await there.lanes("add-lane", "docs", '{"command": "sleep 1000"}');
  await there.lanes("launch", "docs");
  const why = async (): Promise<string> => (await there.lanes("why", "docs")).stdout;
  await expect
    .poll(why, { timeout: 60_000 })
    .toMatch(/^docs is queued: waits for room on the disk: \d+ MiB are free, minFreeMb is 10000000/);
  expect(existsSync(join(there.top, ".worktrees/docs"))).toBe(false);
  there.write("lanes.config.json", '{"minFreeMb": 1}');
  await expect.poll(() => there.stateOf("docs"), { timeout: 60_000 }).toBe("running");
});

test("a sparse checkout is taken over, and of submodules the log says how to fetch them", patience, async () => {
  const there = scene();
  for (const name of ["big/x.txt", "small/y.txt"]) there.write(name, "text\n");
  there.git("add", ".");
  there.git("update-index", "--add", "--cacheinfo", `160000,${there.git("rev-parse", "HEAD")},lib`);
  there.git("commit", "-qm", "files");
  there.git("sparse-checkout", "set", "small");
  await there.lanes("add-lane", "docs", JSON.stringify({ command: save("z.txt", "z") }));
  expect((await there.lanes("exec-lane", "docs")).code).toBe(0);
  expect(existsSync(join(there.top, ".worktrees/docs/small/y.txt"))).toBe(true);
  expect(existsSync(join(there.top, ".worktrees/docs/big/x.txt"))).toBe(false);
  expect((await there.lanes("log", "docs")).stdout).toContain("lanes: submodules are not fetched here (lib)");
});
