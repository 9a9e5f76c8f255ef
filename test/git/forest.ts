/** Random trees of files, and random lanes on them: edits, renames of files and folders, modes, links, files where folders were. */

export interface Leaf {
  readonly mode: string;
  readonly text: string;
}

/** Files by path. */
export type Tree = ReadonlyMap<string, Leaf>;

/** Numbers from 0 below n, the same for the same seed (mulberry32). */
export type Dice = (n: number) => number;

export const dice = (seed: number): Dice => {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * n);
  };
};

const folders = ["", "p/", "p/q/", "d/", "d/e/"] as const;
const names = ["a", "b", "c", "x"] as const;

const linesOf = (roll: Dice, seed: string): string =>
  Array.from({ length: 6 }, (_, n) => `${seed} ${n} ${roll(1000)}\n`).join("");

/** No path is a folder of another one: the later one wins. */
const put = (tree: Map<string, Leaf>, path: string, leaf: Leaf): void => {
  for (const other of tree.keys()) if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) tree.delete(other);
  tree.set(path, leaf);
};

/** A tree to begin with. */
export const forestOf = (roll: Dice): Tree => {
  const tree = new Map<string, Leaf>();
  for (const folder of folders)
    for (const name of names)
      if (roll(3) > 0) put(tree, `${folder}${name}`, { mode: "100644", text: linesOf(roll, `${folder}${name}`) });
  return tree;
};

/** One of these. */
export const anyOf = <T>(roll: Dice, choices: readonly T[]): T => {
  const found = choices[roll(choices.length)];
  if (found === undefined) throw new Error("nothing to choose from");
  return found;
};

const edit = (roll: Dice, text: string): string => {
  const lines = text.split("\n");
  lines[roll(Math.max(1, lines.length - 1))] = `edited ${roll(3)}`;
  return lines.join("\n");
};

const change = (tree: Map<string, Leaf>, roll: Dice): void => {
  const paths = [...tree.keys()];
  if (paths.length === 0) return;
  const path = anyOf(roll, paths);
  const leaf = tree.get(path) ?? { mode: "100644", text: "" };
  const fresh = `${anyOf(roll, folders)}${anyOf(roll, [...names, "new", "p", "d"])}`;
  switch (roll(8)) {
    case 0:
    case 1:
      tree.set(path, { ...leaf, text: edit(roll, leaf.text) });
      return;
    case 2:
      tree.delete(path);
      return;
    case 3:
      tree.delete(path);
      put(tree, fresh, leaf);
      return;
    case 4:
      put(tree, fresh, { mode: "100644", text: linesOf(roll, "fresh") });
      return;
    case 5:
      tree.set(path, { ...leaf, mode: leaf.mode === "100644" ? "100755" : "100644" });
      return;
    case 6:
      tree.set(path, { mode: "120000", text: `to-${roll(2)}` });
      return;
    default: {
      const from = anyOf(roll, folders.slice(1));
      const to = anyOf(roll, ["r/", "s/", "d/", "p/"]);
      for (const [old, moved] of Array.from(tree)) {
        if (!old.startsWith(from) || to.startsWith(from)) continue;
        tree.delete(old);
        put(tree, `${to}${old.slice(from.length)}`, moved);
      }
    }
  }
};

/** The tree with one file edited: nothing comes, goes or moves. */
export const someEdit = (from: Tree, roll: Dice): Tree => {
  const path = anyOf(roll, [...from.keys()]);
  const leaf = from.get(path) ?? { mode: "100644", text: "" };
  return new Map([...from, [path, { ...leaf, text: edit(roll, leaf.text) }]]);
};

/** The tree after one to four changes. */
export const randomLane = (from: Tree, roll: Dice): Tree => {
  const tree = new Map(from);
  for (let n = 1 + roll(4); n > 0; n -= 1) change(tree, roll);
  return tree;
};
