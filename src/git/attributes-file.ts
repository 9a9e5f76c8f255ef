/**
 * The target's `.gitattributes` for merges in a bare repository, which reads none by itself: put together as one file that a
 * call's own setting names (`core.attributesFile`), so that every git since 2.38 goes by them, and no lock is needed.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { missing } from "./absent.ts";
import { call, endOf, must } from "./call.ts";
import type { Context } from "./call.ts";
import type { Setting } from "./environment.ts";
import { ownSettings } from "./own-settings.ts";
import type { Place } from "./place.ts";

/** How merges with a commit are made. */
export interface MergeRules {
  readonly settings: readonly Setting[];
  /** Merge drivers that the attributes name and that neither git nor the person's own configuration knows. */
  readonly foreign: ReadonlySet<string>;
}

/** The rules by the attributes of a commit of the control repository `place`. */
export const mergeRules = async (context: Context, place: Place, commit: string): Promise<MergeRules> => {
  const files = await attributesIn(context, place, commit);
  if (files.length === 0) return { settings: [], foreign: new Set() };
  const own = await ownSettings(context, String.raw`^(core\.attributesfile|merge\..*\.driver)$`);
  const text = [await personal(context, own.get("core.attributesfile")), ...files.map(lifted)].join("\n");
  const folder = join(place.gitDir, "attributes");
  const path = join(folder, createHash("sha256").update(text).digest("hex"));
  if ((await missing(readFile(path, "utf8"), undefined)) !== text) {
    await mkdir(folder, { recursive: true });
    const fresh = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    await writeFile(fresh, text);
    await rename(fresh, path);
  }
  const named = [...text.matchAll(/\smerge=(\S+)/g)].map(([, name = ""]) => name);
  const known = (name: string): boolean => builtIn.has(name) || own.has(`merge.${name}.driver`.toLowerCase());
  return { settings: [["core.attributesFile", path]], foreign: new Set(named.filter((name) => !known(name))) };
};

const builtIn: ReadonlySet<string> = new Set(["text", "binary", "union"]);

/** Those of these paths that a merge driver is set for that nobody but the repository could know. */
export const foreignAmong = async (
  context: Context,
  place: Place,
  rules: MergeRules,
  paths: readonly string[],
): Promise<readonly { readonly path: string; readonly driver: string }[]> => {
  if (rules.foreign.size === 0 || paths.length === 0) return [];
  const input = paths.map((path) => `${path}\0`).join("");
  const args = ["check-attr", "-z", "--stdin", "merge"];
  const fields = (await must(context, place, args, { input, settings: rules.settings })).toString().split("\0");
  return paths.flatMap((_, at) => {
    const [path = "", driver = ""] = [fields[3 * at], fields[3 * at + 2]];
    return rules.foreign.has(driver) ? [{ path, driver }] : [];
  });
};

/** A `.gitattributes` file: the folder that it is in (empty at the top) and its text. */
interface AttributesFile {
  readonly folder: string;
  readonly text: string;
}

/** Those in which merging is spoken of, the upper ones first: a lower one has the last word. */
const attributesIn = async (context: Context, place: Place, commit: string): Promise<readonly AttributesFile[]> => {
  const files = ":(glob)**/.gitattributes";
  const args = ["grep", "--no-textconv", "-z", "-l", "-w", "-E", "-e", "merge|binary", commit, "--", files];
  const found = await call(context, place, args);
  // One: nothing was found. What it could not read it only complains of, and a merge that goes by none of the attributes would be another one.
  const isWhole = found.stderr === "" && (found.code === 0 || found.code === 1);
  if (isWhole && found.code === 1) return [];
  if (!isWhole) throw new Error(`the attributes of ${commit} cannot be read: ${endOf(found)}`);
  const names = found.stdout.toString().split("\0").filter(Boolean);
  const paths = names.map((name) => name.slice(name.indexOf(":") + 1)).toSorted(byDepth);
  const texts: AttributesFile[] = [];
  for (const path of paths) {
    const text = (await must(context, place, ["cat-file", "blob", `${commit}:${path}`])).toString();
    texts.push({ folder: path.split("/").slice(0, -1).join("/"), text });
  }
  return texts;
};

const byDepth = (a: string, b: string): number => a.split("/").length - b.split("/").length;

/** The lines of a file as they would have to be at the top. */
const lifted = ({ folder, text }: AttributesFile): string =>
  folder === ""
    ? text
    : text
        .split("\n")
        .map((line) =>
          line.replace(/^\s*("(?:[^"\\]|\\.)*"|[^\s#"]\S*)/, (pattern: string) => below(folder, pattern.trim())),
        )
        .join("\n");

/** A pattern of a folder's file: without a slash it means every depth below the folder. Quoted, since any name may need it. */
const below = (folder: string, pattern: string): string => {
  const text = pattern.startsWith('"') ? pattern.slice(1, -1) : pattern.replaceAll(/["\\]/g, String.raw`\$&`);
  const bare = text.replace(/^\//, "");
  const isDeep = bare === text && !bare.slice(0, -1).includes("/");
  // First what means something in a pattern, then what means something between quotes.
  const prefix = folder.replaceAll(/[[\]*?\\]/g, String.raw`\$&`).replaceAll(/["\\]/g, String.raw`\$&`);
  return `"${prefix}/${isDeep ? "**/" : ""}${bare}"`;
};

/** The person's own attributes: ours stand in their place for this call. */
const personal = (context: Context, configured: string | undefined): Promise<string> => {
  const { env } = context;
  const home = env["HOME"] ?? "";
  const otherwise = join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "git", "attributes");
  const path = configured?.replace(/^~\//, `${home}/`) ?? otherwise;
  return missing(readFile(path, "utf8"), "");
};
