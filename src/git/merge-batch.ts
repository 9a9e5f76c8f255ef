/** Many merges by one process, none of which touches a worktree or a branch. */
import { call, endOf } from "./call.ts";
import type { Context } from "./call.ts";
import type { Place } from "./place.ts";
import { objectName } from "./ref.ts";

/** How two commits merge. `unknown`: git itself failed on them, which is never taken for clean. */
export type Merged =
  | { readonly is: "clean"; readonly tree: string }
  | { readonly is: "conflict"; readonly paths: readonly string[]; readonly kinds: readonly string[] }
  | { readonly is: "unknown"; readonly why: string; readonly paths?: readonly string[] };

/** How a batch is merged. */
export interface BatchOptions {
  /** Commit whose `.gitattributes` hold: only for a git that knows `--attr-source`. */
  readonly attributesOf?: string;
}

/** Two commits to merge. */
export type Two = readonly [onto: string, head: string];

/** Merges that one process carries out: what it dies of is looked for among so many. */
const batchMax = 500;

/** The merges of these pairs, in their order. */
export const mergeBatch = async (
  context: Context,
  place: Place,
  pairs: readonly Two[],
  options: BatchOptions = {},
): Promise<readonly Merged[]> => {
  const merged: Merged[] = [];
  for (let from = 0; from < pairs.length; from += batchMax)
    merged.push(...(await mergeSome({ context, place, options }, pairs.slice(from, from + batchMax))));
  return merged;
};

interface Where {
  readonly context: Context;
  readonly place: Place;
  readonly options: BatchOptions;
}

/** Git can die by an assertion on valid trees, and all that stood behind that pair with it: halve until it stands alone. */
const mergeSome = async (where: Where, pairs: readonly Two[]): Promise<readonly Merged[]> => {
  const ran = await run(where, pairs, []);
  if (ran.found.length === pairs.length) return ran.found;
  if (pairs.length > 1) {
    const middle = Math.ceil(pairs.length / 2);
    return [...(await mergeSome(where, pairs.slice(0, middle))), ...(await mergeSome(where, pairs.slice(middle)))];
  }
  // Without its guesses about renamed folders git does not die (git.md, "Conflict prediction").
  const plain = await run(where, pairs, [["merge.directoryRenames", "false"]]);
  return plain.found.length === 1 ? plain.found : [{ is: "unknown", why: plain.why }];
};

const run = async (
  { context, place, options }: Where,
  pairs: readonly Two[],
  settings: readonly (readonly [string, string])[],
): Promise<{ readonly found: readonly Merged[]; readonly why: string }> => {
  const input = pairs.map(([onto, head]) => `${objectName(onto)} ${objectName(head)}\n`).join("");
  const source = options.attributesOf === undefined ? [] : [`--attr-source=${objectName(options.attributesOf)}`];
  const ran = await call(context, place, [...source, "merge-tree", "--write-tree", "-z", "--stdin"], {
    input,
    settings,
  });
  const found = parseMerged(ran.stdout.toString());
  const why = ran.stderr.includes("unrelated histories")
    ? "the two have no common history"
    : `git failed: ${endOf(ran)}`;
  return { found: ran.code === 0 ? found : [], why };
};

/**
 * Parse `merge-tree -z --stdin`: for each merge `1 NUL tree NUL NUL`, or `0 NUL tree NUL`, `mode oid stage TAB path NUL` …, NUL,
 * messages `n NUL path NUL … type NUL text NUL` …, NUL.
 */
export const parseMerged = (text: string): readonly Merged[] => {
  const fields = text.split("\0");
  const merged: Merged[] = [];
  let at = 0;
  while (at + 2 < fields.length) {
    const [status, tree = ""] = [fields[at], fields[at + 1]];
    at += 2;
    if (status === "1") {
      merged.push({ is: "clean", tree });
      // The empty field that ends it.
      at += 1;
      continue;
    }
    const paths = new Set<string>();
    for (; at < fields.length && fields[at] !== ""; at += 1) {
      const entry = fields[at] ?? "";
      paths.add(entry.slice(entry.indexOf("\t") + 1));
    }
    at += 1;
    const kinds = new Set<string>();
    while (at < fields.length && fields[at] !== "") {
      const count = Number(fields[at]);
      if (!Number.isSafeInteger(count) || count < 0) return merged;
      const kind = /^CONFLICT \((.+)\)$/.exec(fields[at + count + 1] ?? "")?.[1];
      if (kind !== undefined) {
        kinds.add(kind);
        for (const path of fields.slice(at + 1, at + 1 + count)) paths.add(path);
      }
      at += count + 3;
    }
    at += 1;
    merged.push({ is: "conflict", paths: [...paths].toSorted(), kinds: [...kinds] });
  }
  return merged;
};
