import { expect, test } from "vitest";

import { parseMerged } from "../../src/git/merge-batch.ts";
import { fixture, forecastAndTruth } from "./forecast-scene.ts";
import type { Tree } from "./forest.ts";

const files = (entries: Readonly<Record<string, string>>): Tree =>
  new Map(Object.entries(entries).map(([path, text]) => [path, { mode: "100644", text }]));

const base = { "src/a": "1\n2\n3\n", "src/b": "b\n", "docs/x": "x\n", "docs/y": "y\n", thing: "t\n", README: "r\n" };

/** Lanes as changes of the base; a text of `undefined` takes the file away. */
const collisionsOf = async (
  lanes: Readonly<Record<string, Readonly<Record<string, string | undefined>>>>,
): Promise<readonly string[]> => {
  const { commit, forecast } = await fixture();
  const target = commit(files(base));
  const heads = Object.entries(lanes).map(([lane, changes]) => {
    const tree = Object.entries({ ...base, ...changes }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    return [lane, commit(files(Object.fromEntries(tree)), target)] as const;
  });
  const found = await forecast({ target, lanes: new Map(heads) });
  return found.map(
    ({ a, b, is, paths, kinds }) => `${a} × ${b ?? "target"}: ${is} ${kinds.join("+")} ${paths.join(" ")}`,
  );
};

test.each<[string, Parameters<typeof collisionsOf>[0], readonly string[]]>([
  ["different files", { a: { "src/a": "A\n" }, b: { "docs/x": "X\n" } }, []],
  ["the same line", { a: { "src/a": "A\n" }, b: { "src/a": "B\n" } }, ["a × b: conflict contents src/a"]],
  ["the same change", { a: { "src/a": "A\n" }, b: { "src/a": "A\n" } }, []],
  ["changed and gone", { a: { "src/a": undefined }, b: { "src/a": "B\n" } }, ["a × b: conflict modify/delete src/a"]],
  [
    "a file where the other has a folder",
    { a: { thing: undefined, "thing/x": "x\n" }, b: { thing: "T\n" } },
    ["a × b: conflict file/directory+modify/delete thing"],
  ],
  [
    "a file and a folder that are both new",
    { a: { new: "n\n" }, b: { "new/x": "x\n" } },
    ["a × b: conflict file/directory new"],
  ],
  [
    "a name that the target has in another case",
    { a: { readme: "a\n" } },
    ["a × target: conflict case README and readme"],
  ],
  ["a name that changes its case", { a: { README: undefined, readme: "r\n" } }, []],
  ["names that differ in case", { a: { Notes: "a\n" }, b: { notes: "b\n" } }, ["a × b: conflict case Notes and notes"]],
])("%s", async (_, lanes, expected) => {
  expect(await collisionsOf(lanes)).toEqual(expected);
});

test("a folder that one lane renames and the other adds to is looked at, whatever git makes of it", async () => {
  const { commit, forecast, merges } = await fixture();
  const target = commit(files(base));
  const { "docs/x": x, "docs/y": y, ...rest } = base;
  const renamed = commit(files({ ...rest, "text/x": x, "text/y": y, "text/new": "mine\n" }), target);
  const grown = commit(files({ ...base, "docs/new": "theirs\n" }), target);
  const found = await forecast({
    target,
    lanes: new Map([
      ["a", renamed],
      ["b", grown],
    ]),
  });
  expect(found.map(({ is }) => is)).toEqual((await merges([[renamed, grown]])).map(({ is }) => is));
  expect(found).not.toEqual([]);
});

test("a lane that does not merge with the target is told once, and not compared with others", async () => {
  const { commit, forecast } = await fixture();
  const first = commit(files(base));
  const target = commit(files({ ...base, "src/a": "moved on\n" }), first);
  const late = commit(files({ ...base, "src/a": "late\n" }), first);
  const other = commit(files({ ...base, "src/a": "other\n" }), target);
  const found = await forecast({
    target,
    lanes: new Map([
      ["late", late],
      ["other", other],
    ]),
  });
  expect(found).toMatchObject([{ a: "late", is: "conflict", paths: ["src/a"] }]);
});

test("a pair on which git fails is unknown, and costs the others nothing", async () => {
  const { commit, forecast } = await fixture();
  const target = commit(files(base));
  const stranger = commit(files({ odd: "no common history\n" }));
  const good = commit(files({ ...base, fine: "f\n" }), target);
  const found = await forecast({
    target,
    lanes: new Map([
      ["stranger", stranger],
      ["good", good],
    ]),
  });
  expect(found).toMatchObject([{ a: "stranger", is: "unknown", why: "the two have no common history" }]);
});

test("nothing is written into the user's repository", async () => {
  const { s, commit, forecast } = await fixture();
  const target = commit(files(base));
  const [a, b] = ["A\n", "B\n"].map((text) => commit(files({ ...base, "src/a": text }), target));
  const count = (): string => s.run("count-objects", "-v");
  const before = count();
  expect(
    await forecast({
      target,
      lanes: new Map([
        ["a", a ?? ""],
        ["b", b ?? ""],
      ]),
    }),
  ).toHaveLength(1);
  expect(count()).toBe(before);
});

test("odd names are names", async () => {
  const odd = 'dir\n"\tü/x';
  expect(await collisionsOf({ a: { [odd]: "a\n" }, b: { [odd]: "b\n" } })).toEqual([`a × b: conflict contents ${odd}`]);
});

test("what is no answer of git's is no merge", () => {
  expect(parseMerged("")).toEqual([]);
  expect(parseMerged(["0", "tree", "100644 oid 1\tp", "", "x", ""].join("\0"))).toEqual([]);
});

test.each([false, true])(
  "of random lanes every pair is told that does not merge, and no other; begun elsewhere: %s",
  { timeout: 120_000 },
  async (isSpread) => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const { told, truth } = await forecastAndTruth(seed, isSpread);
      expect([seed, ...told]).toEqual([seed, ...truth]);
    }
  },
);

test("a lane that builds on another one does not collide with it", async () => {
  const { commit, forecast } = await fixture();
  const target = commit(files(base));
  const first = commit(files({ ...base, "src/a": "first\n" }), target);
  const second = commit(files({ ...base, "src/a": "second\n" }), first);
  const moved = commit(files({ ...base, elsewhere: "e\n" }), target);
  const lanes = new Map([
    ["first", first],
    ["second", second],
  ]);
  expect(await forecast({ target, lanes })).toEqual([]);
  expect(await forecast({ target: moved, lanes })).toEqual([]);
});

test("lanes that began before the target meet as they would land", async () => {
  const { commit, forecast } = await fixture();
  const old = commit(files(base));
  const { "src/a": text, ...rest } = base;
  const target = commit(files({ ...rest, "src/moved": text }), old);
  // Both edit the file under its old name; what has landed of the first one stands where the target moved it.
  const heads = ["A", "B"].map((edit) => commit(files({ ...base, "src/a": text.replace("2", edit) }), old));
  const lanes = new Map(heads.map((head, index) => [`lane-${index}`, head]));
  expect(await forecast({ target, lanes })).toMatchObject([
    { a: "lane-0", b: "lane-1", is: "conflict", paths: ["src/moved"] },
  ]);
});

test("a lane that did as the target did has it changed all the same", async () => {
  const { commit, forecast } = await fixture();
  const old = commit(files(base));
  const alike = { ...base, "src/b": "the same\n" };
  const target = commit(files(alike), old);
  const late = commit(files({ ...alike, mine: "m\n" }), old);
  const { "src/b": _gone, ...rest } = alike;
  const lanes = new Map([
    ["late", late],
    ["taker", commit(files(rest), target)],
  ]);
  expect(await forecast({ target, lanes })).toMatchObject([
    { a: "late", b: "taker", is: "conflict", paths: ["src/b"], kinds: ["modify/delete"] },
  ]);
});

test("where .gitattributes set another way to merge, nobody knows without asking it", async () => {
  const { commit, forecast } = await fixture();
  const target = commit(files({ ...base, ".gitattributes": "src/* merge=ours-own\ndocs/* text\n" }));
  const plus = (changes: Readonly<Record<string, string>>): string =>
    commit(files({ ...base, ".gitattributes": "src/* merge=ours-own\ndocs/* text\n", ...changes }), target);
  const heads = [
    { "src/a": "1\n2\n3\nA\n" },
    { "src/a": "B\n2\n3\n", "docs/x": "B\n" },
    { "docs/x": "C\n" },
    { "src/b": "D\n" },
  ].map(plus);
  const found = await forecast({ target, lanes: new Map(heads.map((head, index) => [`lane-${index}`, head])) });
  expect(found).toMatchObject([
    { a: "lane-0", b: "lane-1", is: "unknown", paths: ["src/a"], why: "another merge driver is set for it" },
    { a: "lane-1", b: "lane-2", is: "conflict", paths: ["docs/x"] },
  ]);
});
