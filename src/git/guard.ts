/** What keeps a repository's own configuration from running programs in our calls (trust.md 1.2). */
import { statSync } from "node:fs";
import { join } from "node:path";

import type { Setting } from "./environment.ts";

/** Settings on every call: no monitor, hook, pager, editor, helper or signer, no background work, patient locks. */
export const baseGuards: readonly Setting[] = [
  ["core.fsmonitor", "false"],
  ["core.hooksPath", "/dev/null"],
  ["core.pager", "cat"],
  ["core.editor", "true"],
  ["core.sshCommand", "false"],
  ["core.askPass", "true"],
  ["core.alternateRefsCommand", "true"],
  ["diff.external", ""],
  ["gpg.program", "false"],
  ["commit.gpgSign", "false"],
  ["log.showSignature", "false"],
  ["credential.helper", ""],
  ["protocol.ext.allow", "never"],
  ["submodule.recurse", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["core.filesRefLockTimeout", "2000"],
  ["core.packedRefsTimeout", "5000"],
  ["reftable.lockTimeout", "5000"],
  ["advice.detachedHead", "false"],
];

/** Keys whose repository-local values name programs that no flag turns off, and those that pull in further files. */
export const driverKeys: string = String.raw`^(filter|merge|include|includeif|lfs)\.`;

/** One line of `git config --show-scope -z`. */
interface Configured {
  readonly scope: string;
  readonly key: string;
  readonly value: string;
}

/** Split `scope NUL key LF value NUL …`; a key without a value has no LF. */
export const parseConfigured = (text: string): readonly Configured[] => {
  const fields = text.split("\0");
  const found: Configured[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const entry = fields[index + 1] ?? "";
    const end = entry.indexOf("\n");
    const key = end < 0 ? entry : entry.slice(0, end);
    found.push({ scope: fields[index] ?? "", key, value: end < 0 ? "true" : entry.slice(end + 1) });
  }
  return found;
};

const isLocal = (entry: Configured): boolean => entry.scope === "local" || entry.scope === "worktree";

/** Does the repository's configuration include files? Their changes cannot be seen by looking at `config` alone. */
export const includesFiles = (entries: readonly Configured[]): boolean =>
  entries.some((entry) => isLocal(entry) && entry.key.startsWith("include"));

/** Settings with which git-lfs, although it is the user's own filter, would run programs of the repository's choice. */
const lfsPrograms = /^lfs\.(extension|customtransfer)\.|^lfs\..*standalonetransferagent$/i;

/**
 * Settings that give every driver named in the repository's own configuration the meaning that it has without that
 * configuration: the user's, where the user's own files define it (git-lfs), else none.
 */
export const driverGuards = (entries: readonly Configured[]): readonly Setting[] => {
  const users = new Map(entries.filter((entry) => !isLocal(entry)).map(({ key, value }) => [key, value]));
  const local = new Set(entries.filter(isLocal).map(({ key }) => key));
  // The name may be empty: git takes `filter=` in the attributes for the driver `[filter ""]`.
  const names = new Set([...local].flatMap((key) => /^((?:filter|merge)\..*)\.[^.]+$/s.exec(key)?.[1] ?? []));
  const guards = [...names].flatMap((name) => {
    // Such bytes do not survive the way into the child's environment, so the override would miss.
    if (name.includes("\uFFFD")) throw new Error("the repository's configuration names a driver that is not UTF-8");
    return name.startsWith("merge.") ? mergeGuard(name, users) : filterGuard(name, users, local);
  });
  // The last setting of a key counts.
  return [...local].some((key) => lfsPrograms.test(key)) ? [...guards, ...noFilter("filter.lfs")] : guards;
};

/** A blank merge driver would be run as an empty command and leave our side: git's own three-way merge instead. */
const mergeGuard = (name: string, users: ReadonlyMap<string, string>): readonly Setting[] => {
  const key = `${name}.driver`;
  return [[key, users.get(key) ?? "git merge-file --marker-size=%L %A %O %B"]];
};

/**
 * A `process` that is set, even to nothing, keeps git from running `clean` and `smudge` (convert.c). So the user's filter can
 * be kept only when the repository sets no `process`, or the user does; otherwise there is no filter.
 */
const filterGuard = (
  name: string,
  users: ReadonlyMap<string, string>,
  local: ReadonlySet<string>,
): readonly Setting[] => {
  const process = `${name}.process`;
  if (local.has(process) && !users.has(process)) return noFilter(name);
  const lasts = users.has(process) ? ["clean", "smudge", "process"] : ["clean", "smudge"];
  const kept = lasts.map((last): Setting => [`${name}.${last}`, users.get(`${name}.${last}`) ?? ""]);
  return [...kept, [`${name}.required`, users.get(`${name}.required`) ?? "false"]];
};

const noFilter = (name: string): readonly Setting[] => [
  [`${name}.clean`, ""],
  [`${name}.smudge`, ""],
  [`${name}.process`, ""],
  [`${name}.required`, "false"],
];

/**
 * What must be unchanged for an enumeration of drivers to hold: identity, size and times of the two configuration files that
 * git reads here. Worktrees without a file of their own share one stamp.
 */
export const configStamp = (gitDir: string, common: string): string =>
  [join(common, "config"), join(gitDir, "config.worktree")].map(stampOf).join("|");

/** Identity, size and times of a file, or `none`. */
export const stampOf = (path: string): string => {
  const seen = statSync(path, { bigint: true, throwIfNoEntry: false });
  return seen === undefined ? "none" : `${seen.ino}.${seen.size}.${seen.mtimeNs}.${seen.ctimeNs}`;
};
