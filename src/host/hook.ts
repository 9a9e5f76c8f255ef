/**
 * Hooks in front of the user's own, in the environment of a lane's agent and nowhere else: a commit is compared with the leases of
 * other lanes, then the hook that git would have run is run. Nothing is written into any configuration of git.
 */
import { chmodSync, lstatSync } from "node:fs";
import { join } from "node:path";

import { readIfThere, writeWhole } from "./file.ts";
import type { RunArea } from "./run-folder.ts";

/**
 * The hooks that git runs for whoever works in a worktree (githooks(5)). Those of a repository that is pushed to are left out: git
 * keeps this environment from it.
 */
const names: readonly string[] = [
  "applypatch-msg",
  "commit-msg",
  "fsmonitor-watchman",
  "post-applypatch",
  "post-checkout",
  "post-commit",
  "post-index-change",
  "post-merge",
  "post-rewrite",
  "pre-applypatch",
  "pre-auto-gc",
  "pre-commit",
  "pre-merge-commit",
  "pre-push",
  "pre-rebase",
  "prepare-commit-msg",
  "reference-transaction",
  "sendemail-validate",
];

/** Variables that let git find the hooks. Nobody else's settings come this way: they are not lent. */
export const hookEnvironment = (area: RunArea): Readonly<Record<string, string>> => ({
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "core.hooksPath",
  GIT_CONFIG_VALUE_0: hooksOf(area),
});

const hooksOf = (area: RunArea): string => join(area.state, "hooks");

/** Nothing writes into them by mistake. The folder stays writable: its owner could not delete the repository otherwise. */
const hookMode = 0o500;

/**
 * Write the hooks, when they are not there as they should be: what installs a project's own hooks may have put those in their
 * place. `entry`: argv that starts this program.
 */
export const writeHooks = (area: RunArea, entry: readonly string[]): void => {
  const text = scriptOf(area, entry);
  for (const path of names.map((name) => join(hooksOf(area), name))) {
    const seen = lstatSync(path, { throwIfNoEntry: false });
    if (seen?.isFile() === true && (seen.mode & 0o777) === hookMode && readIfThere(path) === text) continue;
    writeWhole(path, text);
    chmodSync(path, hookMode);
  }
};

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** Merges are not compared: what they bring was compared where it was made. The queue compares the whole of a lane. */
const scriptOf = (area: RunArea, entry: readonly string[]): string => `#!/bin/sh
# Lanekeeper's, in front of your own hooks: what is committed in a lane is compared with the leases of other lanes.
# Then your hook of this name, if there is one, gets the same arguments and input. git commit --no-verify skips both.
name=\${0##*/}
if [ "$name" = pre-commit ] && [ "$(pwd -P)" = "$LANES_REPO/.worktrees/$LANES_LANE" ] &&
  grep -q '"lane"' ${quoted(join(area.state, "locks", "leases.json"))} 2>/dev/null &&
  [ ! -f "$(git rev-parse --git-path MERGE_HEAD)" ]; then
  git diff --cached --name-only --no-renames --no-ext-diff -z |
    ${entry.map(quoted).join(" ")} --repo "$LANES_REPO" lock check "$LANES_LANE" - >/dev/null
  [ $? -ne 4 ] || exit 1
fi
# What the agent has set in the same way stays.
if [ "\${GIT_CONFIG_COUNT:-1}" = 1 ]; then
  unset GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
else
  export GIT_CONFIG_KEY_0=lanes.passed
fi
own=$(git rev-parse --git-path "hooks/$name") || exit 0
[ -f "$own" ] && [ -x "$own" ] && [ "$own" != "$0" ] || exit 0
exec "$own" "$@"
`;
