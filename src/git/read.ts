/** Questions about commits. Answered in the control repository, which sees the user's objects and the candidates. */
import { call, endOf, must } from "./call.ts";
import type { Context } from "./call.ts";
import { readPlace } from "./control.ts";
import { objectName } from "./ref.ts";

/** Is `ancestor` contained in `head`? Rejects when one of the commits does not exist. */
export const contains = async (context: Context, head: string, ancestor: string): Promise<boolean> => {
  const args = ["merge-base", "--is-ancestor", objectName(ancestor), objectName(head)];
  const ran = await call(context, await readPlace(context), args);
  if (ran.code > 1 || ran.code < 0) throw new Error(`git cannot compare ${ancestor} and ${head}: ${endOf(ran)}`);
  return ran.code === 0;
};

/** Those of these objects that exist here. */
export const known = async (context: Context, objects: readonly string[]): Promise<ReadonlySet<string>> => {
  const input = objects.map((object) => `${objectName(object)}\n`).join("");
  const rows = (await must(context, await readPlace(context), ["cat-file", "--batch-check"], { input })).toString();
  return new Set(rows.split("\n").flatMap((row) => /^([0-9a-f]+) [a-z]+ \d+$/.exec(row)?.[1] ?? []));
};

/** Paths that differ between the merge base of the two and `head`; renames count as two paths. */
export const changed = async (context: Context, onto: string, head: string): Promise<readonly string[]> => {
  const place = await readPlace(context);
  const bases = await call(context, place, ["merge-base", objectName(onto), objectName(head)]);
  const from = bases.code === 0 ? bases.stdout.toString().split("\n")[0] : undefined;
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv"];
  const text = (await must(context, place, [...args, from ?? onto, head])).toString();
  return text.split("\0").filter((path) => path !== "");
};

/** Larger files are no reports that anybody reads. */
const fileBytesMax = 4 * 1024 * 1024;

/** Text of the regular files below `folder` at a commit, by path. Files of more than 4 MiB, links and submodules are left out. */
export const filesAt = async (
  context: Context,
  commit: string,
  folder: string,
): Promise<ReadonlyMap<string, string>> => {
  const place = await readPlace(context);
  const prefix = folder === "" ? [] : [`${folder.replace(/\/+$/, "")}/`];
  const args = ["ls-tree", "-r", "-l", "-z", "--full-tree", objectName(commit), "--", ...prefix];
  const rows = (await must(context, place, args)).toString().split("\0");
  const files = rows.flatMap((row) => {
    const [, mode, object, size, path] = /^(\d+) blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(row) ?? [];
    if (mode?.startsWith("100") !== true || object === undefined || path === undefined) return [];
    return Number(size) > fileBytesMax ? [] : [{ path, object }];
  });
  if (files.length === 0) return new Map();
  const input = files.map(({ object }) => `${object}\n`).join("");
  const texts = parseBatch(await must(context, place, ["cat-file", "--batch"], { input }));
  return new Map(files.map(({ path }, index) => [path, texts[index] ?? ""]));
};

/** Contents of `cat-file --batch`: `<object> blob <size> LF <bytes> LF`, again and again. */
const parseBatch = (output: Buffer): readonly string[] => {
  const texts: string[] = [];
  for (let at = 0; at < output.length;) {
    const end = output.indexOf(0x0a, at);
    const size = Number(/ blob (\d+)$/.exec(output.toString("latin1", at, end))?.[1]);
    if (!Number.isSafeInteger(size)) throw new Error("git cat-file answered in an unknown form");
    texts.push(output.toString("utf8", end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return texts;
};
