import { expect, test } from "vitest";

import { type LaneSeen, mergeSeen, type RepoSeen } from "../../src/core/observed.ts";

const lane = (head: string, dirty?: readonly string[]): LaneSeen => ({
  head,
  subject: "work",
  ahead: 1,
  behind: 0,
  worktree: "present",
  ...(dirty ? { dirty } : {}),
});

const seen = (lanes: Readonly<Record<string, LaneSeen>>): RepoSeen => ({
  at: 1,
  target: undefined,
  lanes: new Map(Object.entries(lanes)),
  branches: [],
  locks: [],
});

test("a look at some lanes keeps what is known of the others, unless they moved since", () => {
  const before = seen({ same: lane("a", ["x"]), moved: lane("a", ["x"]), clean: lane("a", ["x"]), gone: lane("a") });
  const after = seen({ same: lane("a"), moved: lane("b"), clean: lane("a", []), added: lane("c") });
  const merged = mergeSeen(before, after);
  expect([...merged.lanes].map(([id, { dirty }]) => [id, dirty])).toEqual([
    ["same", ["x"]],
    ["moved", undefined],
    ["clean", []],
    ["added", undefined],
  ]);
  expect(mergeSeen(undefined, after)).toBe(after);
});
