/** The hook in front of the user's own hooks, in lanes and nowhere else. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { makeScratch, type Scratch } from "../story/scratch.ts";

const patience = 60_000;

/** Run a script as the agent of a lane until it ends; what it printed. */
const playedBy = async (scratch: Scratch, lane: string, script: string): Promise<string> => {
  await scratch.add(lane, { command: script, retries: 0 });
  await scratch.lanes("exec-lane", lane);
  return (await scratch.lanes("log", lane)).stdout;
};

const hook = (scratch: Scratch, path: string, text: string): void => {
  mkdirSync(join(scratch.repo, path, ".."), { recursive: true });
  writeFileSync(join(scratch.repo, path), `#!/bin/sh\n${text}\n`);
  chmodSync(join(scratch.repo, path), 0o755);
};

test(
  "a commit of what another lane has leased is refused with its holder; what is free goes through",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    await scratch.lanes("init");
    await scratch.add("holder", { agent: "manual" });
    await scratch.lanes("lock", "acquire", "holder", "src/**", "bytes/**");
    const script = `mkdir src; echo x > src/x; echo y > y; git add .
git commit -qm both; echo "both: $?"
git reset -q src; git commit -qm free; echo "free: $?"
mkdir bytes; echo b > "$(printf 'bytes/\\377')"; git add bytes; git commit -qm bytes; echo "bytes: $?"; git reset -q bytes; rm -r bytes
git add src; git commit -q --no-verify -m past; echo "past: $?"
cd "$(mktemp -d)" && git init -q . && mkdir src && echo z > src/x && git add . && git commit -qm elsewhere; echo "elsewhere: $?"`;
    const said = await playedBy(scratch, "other", script);
    expect(said).toMatch(
      /^lanes: src\/x is leased to holder \(src\/\*\*, bytes\/\*\*, claim \d+\); queue for it: lanes lock acquire other 'src\/x'/m,
    );
    expect(said.match(/^\w+: \d+$/gm)).toEqual(["both: 1", "free: 0", "bytes: 1", "past: 0", "elsewhere: 0"]);
    expect(said).not.toContain("may change");
    const refused = await scratch.lanes("merge", "other");
    expect([refused.code, refused.stdout]).toEqual([4, expect.stringContaining("src/x is leased to holder")]);
  },
);

test("the user's own hooks run as ever, with arguments, input and exit code", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  hook(
    scratch,
    ".git/hooks/pre-commit",
    'echo "pre-commit in $(basename "$PWD"), $(git config core.hooksPath || echo plain)"',
  );
  hook(scratch, ".git/hooks/commit-msg", 'grep -q fine "$1" || { echo "not fine"; exit 7; }');
  hook(scratch, ".git/hooks/post-rewrite", 'echo "rewritten by $1: $(wc -l)"');
  const script = `echo a > a; git add a
git commit -qm bad; echo "bad: $?"
git commit -qm fine; echo "fine: $?"
git commit -q --amend -m "fine again"; echo "again: $?"`;
  const said = await playedBy(scratch, "one", script);
  expect(said.split("\n").filter((line) => line !== "")).toEqual([
    "pre-commit in one, plain",
    "not fine",
    "bad: 1",
    "pre-commit in one, plain",
    "fine: 0",
    "pre-commit in one, plain",
    "rewritten by amend: 1",
    "again: 0",
  ]);
});

test(
  "hooks are found where the user's configuration has them at that moment, and it stays as it is",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    await scratch.lanes("init");
    hook(scratch, "elsewhere/pre-commit", "echo from elsewhere");
    await scratch.git("config", "core.hooksPath", join(scratch.repo, "elsewhere"));
    const config = (): string => readFileSync(join(scratch.repo, ".git/config"), "utf8");
    const before = config();
    const said = await playedBy(scratch, "one", "echo a > a; git add a; git commit -qm a; git config core.hooksPath");
    expect(said).toContain("from elsewhere\n");
    expect(config()).toBe(before);
    expect((await scratch.git("config", "--show-origin", "core.hooksPath")).split("\t")[1]).toBe(
      join(scratch.repo, "elsewhere"),
    );
  },
);

test(
  "what installs a project's hooks does so in the setup; in our folder they last until the next run",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    const install = `at=$(git rev-parse --git-path hooks)
mkdir -p "$at"; printf '#!/bin/sh\\necho own hook\\n' > "$at/new"; chmod 755 "$at/new"; mv "$at/new" "$at/pre-commit"`;
    scratch.write("lanes.config.json", JSON.stringify({ setup: install }));
    await scratch.lanes("init");
    await scratch.lanes("trust", "--yes");
    const said = await playedBy(scratch, "one", `echo a > a; git add a; git commit -qm a; ${install}`);
    expect(said.match(/^own hook$/gm)).toEqual(["own hook"]);
    const ours = join(scratch.repo, ".orchestration/hooks/pre-commit");
    expect(readFileSync(join(scratch.repo, ".git/hooks/pre-commit"), "utf8")).toContain("own hook");
    expect(readFileSync(ours, "utf8")).toContain("own hook");
    expect(await playedBy(scratch, "two", "echo b > b; git add b; git commit -qm b")).toMatch(/^own hook$/m);
    expect(readFileSync(ours, "utf8")).toContain("lock check");
    expect(statSync(ours).mode & 0o777).toBe(0o500);
  },
);
