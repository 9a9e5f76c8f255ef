/** The target's attributes in merges that are made outside every worktree, and resolutions that git remembers. */
import { expect, test } from "vitest";

import { no, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const at = 1_700_000_000_000;

/** `main` with these files, and two branches that each change some of them. */
const sides = async (
  files: Readonly<Record<string, string>>,
  ours: Readonly<Record<string, string>>,
  theirs: Readonly<Record<string, string>>,
): Promise<{ s: Scene; onto: string; head: string }> => {
  const s = await scene();
  s.commit(".", files);
  s.run("worktree", "add", "-q", "--detach", "../theirs", "main");
  const head = s.commit("../theirs", theirs);
  const onto = s.commit(".", ours);
  return { s, onto, head };
};

const merged = async ({ s, onto, head }: { s: Scene; onto: string; head: string }, path: string): Promise<string> => {
  const { tree } = yes(await s.git.candidate({ onto, head, message: "Merge", at }));
  return s.at(".orchestration/control.git", "cat-file", "blob", `${tree}:${path}`);
};

test("union is honoured at the top and in folders, whatever they are called", async () => {
  const files = {
    ".gitattributes": "NEWS merge=union\n",
    "sub dir/.gitattributes": "*.log merge=union\n/top.txt merge=union\n# no\n",
    NEWS: "begin\n",
    "sub dir/deep/a.log": "begin\n",
    "sub dir/top.txt": "begin\n",
  };
  const side = (line: string): Record<string, string> =>
    Object.fromEntries(["NEWS", "sub dir/deep/a.log", "sub dir/top.txt"].map((path) => [path, `begin\n${line}\n`]));
  const two = await sides(files, side("ours"), side("theirs"));
  for (const path of ["NEWS", "sub dir/deep/a.log", "sub dir/top.txt"])
    expect(await merged(two, path)).toBe("begin\nours\ntheirs");
});

test("binary is no text: two changes conflict although they are apart", async () => {
  const lines = (first: string, last: string): string => `${first}\n2\n3\n4\n5\n6\n7\n${last}\n`;
  const before = { ".gitattributes": "data -merge\n", data: lines("1", "8") };
  const two = await sides(before, { data: lines("one", "8") }, { data: lines("1", "eight") });
  expect(no(await two.s.git.candidate({ ...two, message: "Merge", at }))).toMatchObject({ code: 2, paths: ["data"] });
  const text = await sides({ data: lines("1", "8") }, { data: lines("one", "8") }, { data: lines("1", "eight") });
  expect(await merged(text, "data")).toBe(lines("one", "eight").trimEnd());
});

test("a driver that only the repository defines is not run, and one line says so; the person's own is", async () => {
  const before = { ".gitattributes": "*.lock merge=keep\n", "a.lock": "a\n", "b.txt": "b\n" };
  const two = await sides(before, { "a.lock": "ours\n" }, { "a.lock": "theirs\n" });
  two.s.run("config", "merge.keep.driver", "touch ../ran; cp %B %A");
  const refused = no(await two.s.git.candidate({ ...two, message: "Merge", at }));
  expect(refused).toMatchObject({ code: 2, paths: ["a.lock"] });
  expect(refused.refused).toContain('a.lock is merged by the driver "keep"');
  const apart = await sides(before, { "a.lock": "ours\n" }, { "b.txt": "theirs\n" });
  expect(await merged(apart, "a.lock")).toBe("ours");
  two.s.run("config", "--global", "merge.keep.driver", "cp %B %A");
  expect(await merged(two, "a.lock")).toBe("theirs");
});

test("a conflict that the person has resolved before is resolved the same way, and nothing else is remembered", async () => {
  const two = await sides({ "r.txt": "a\n" }, { "r.txt": "ours\n" }, { "r.txt": "theirs\n" });
  const { s, onto, head } = two;
  s.run("worktree", "add", "-q", "--detach", "../mine", onto);
  expect(no(await s.git.candidate({ onto, head, message: "Merge", at })).code).toBe(2);
  s.attempt("-C", "../mine", "-c", "rerere.enabled=true", "merge", head);
  s.write("../mine/r.txt", "both\n");
  s.at("../mine", "add", "r.txt");
  s.at("../mine", "-c", "rerere.enabled=true", "commit", "-q", "-m", "both");
  const remembered = s.run("rev-parse", "--git-path", "rr-cache");
  expect(await merged(two, "r.txt")).toBe("both");
  s.run("worktree", "add", "-q", "--detach", "../other", onto);
  const other = s.commit("../other", { "r.txt": "another\n" });
  const third = s.commit("../theirs", { "r.txt": "a third\n" });
  expect(no(await s.git.candidate({ onto: other, head: third, message: "Merge", at })).code).toBe(2);
  expect(remembered).toContain("rr-cache");
  expect(s.run("status", "--porcelain")).toBe("");
});
