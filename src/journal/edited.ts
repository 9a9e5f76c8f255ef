/** The tracker file, which people and scripts edit without asking: what is found in its place is never destroyed unseen. */
import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Edited } from "../port.ts";
import { codeOf } from "./fault.ts";
import { identityOf, writeAll } from "./files.ts";
import type { Files } from "./files.ts";
import { readEdited, readPublished } from "./published.ts";
import { keepRejected, remove, setAside, temporaryName, waiting } from "./rejected.ts";

/** Name of the file. */
export const editedName = "tracker.json";

/** What we replaced stays for so long, in ms: somebody may have opened it before and write into it after. */
const graceMs = 2000;

/** A file that nobody has written to for so long, in ms, is taken for whole. */
const settledMs = 1000;

/** Texts of ours that may stand in the file's place: whoever was killed may have got no further than to say what comes. */
const printsMax = 3;

/** Length and checksum of a text that was published, and the look of its file. */
interface Print {
  readonly sum: string;
  readonly appearance: string;
}

/** A file that was ours when it was replaced. */
interface Witness {
  readonly path: string;
  readonly sum: string | undefined;
  readonly since: number;
  appearance: string;
}

/** The tracker file of one state folder. */
export interface EditedFile {
  /** Put `temporary`, which holds `text`, in the file's place. What was there and is not ours waits as an edit. */
  replace(temporary: string, text: string): void;
  /** Does the file still hold this text? */
  holds(text: string): boolean;
  /** Is the file no longer what was published last, or does an edit wait? Goes by the look of the file. */
  edited(): boolean;
  /** Edits that wait, oldest first. */
  edits(): readonly Edited[];
  /** Let go of an edit: gone, or kept in `rejected/`, whose path is the answer. */
  settle(id: string, kept: boolean): string | undefined;
}

/** The tracker file in the state folder `folder`. */
export const createEdited = (files: Files, folder: string): EditedFile => {
  const path = join(folder, editedName);
  const printsPath = join(folder, `.${editedName}.sum`);
  let witnesses: readonly Witness[] = [];

  /** What was published last, by whichever process; the newest first. It may not have come to its place. */
  const published = (): readonly Print[] =>
    (readPublished(files, printsPath) ?? "").split("\n").flatMap((line) => {
      const [sum = "", ...rest] = line.split(" ");
      return sum === "" ? [] : [{ sum, appearance: rest.join(" ") }];
    });

  /** A witness is let go after its time, unless somebody wrote into it. */
  const watch = (): void => {
    const kept: Witness[] = [];
    for (const witness of witnesses) {
      const appearance = appearanceOf(files.lstat(witness.path));
      const over = Math.abs(Date.now() - witness.since) > graceMs;
      if (appearance === "") continue;
      if ((over || appearance !== witness.appearance) && sumAt(files, witness.path) !== witness.sum)
        setAside(files, folder, witness.path, editedName);
      else if (over) remove(files, witness.path);
      else kept.push({ ...witness, appearance });
    }
    witnesses = kept;
  };

  const replace = (temporary: string, text: string): void => {
    watch();
    const known = published();
    const look = appearanceOf(files.lstat(path));
    const before = known.find(({ appearance }) => appearance === look) ?? known[0];
    const witness = join(folder, "rejected", temporaryName(editedName, before?.sum));
    const mine = { sum: sumOf(text), appearance: appearanceOf(files.lstat(temporary)) };
    writeWhole(files, printsPath, [mine, ...known].slice(0, printsMax).map(lineOf).join("\n"));
    // These two follow at once: what somebody renames to this place between them is the only edit that is lost.
    const linked = linkAside(files, path, witness);
    if (linked === "linked") files.rename(temporary, path);
    // Judged only now: so an edit in place that came between our look and the rename is found too.
    const at = linked === "linked" ? witness : path;
    const sum = sumAt(files, at);
    const isOurs = known.some((print) => print.sum === sum);
    if (!isOurs && files.lstat(at) !== undefined) setAside(files, folder, at, editedName);
    else if (linked === "linked") {
      const appearance = appearanceOf(files.lstat(witness));
      witnesses = [...witnesses, { path: witness, sum, since: Date.now(), appearance }];
    }
    if (linked !== "linked") files.rename(temporary, path);
  };

  const found = (id: string): string | undefined =>
    waiting(files, folder, editedName).find(({ stamp }) => stamp === id)?.path;

  return {
    replace,
    holds: (text) => readPublished(files, path) === text,
    edited: () => {
      watch();
      const [print] = published();
      return (
        appearanceOf(files.lstat(path)) !== (print?.appearance ?? "") || waiting(files, folder, editedName).length > 0
      );
    },
    edits: () => {
      watch();
      return waiting(files, folder, editedName).map(({ stamp, path: at }) => {
        const { mtimeMs = 0 } = files.lstat(at) ?? {};
        return { id: stamp, settled: Math.abs(Date.now() - mtimeMs) > settledMs, ...readEdited(files, at) };
      });
    },
    settle: (id, kept) => {
      const at = found(id);
      if (at === undefined) return undefined;
      if (kept) return keepRejected(files, folder, at, editedName, id);
      remove(files, at);
      return undefined;
    },
  };
};

/** Tells a file from what it becomes when it is written to or replaced; empty when nothing is there. */
export const appearanceOf = (stats: Stats | undefined): string =>
  stats === undefined ? "" : `${identityOf(stats)} ${stats.size} ${stats.mtimeMs}`;

const lineOf = ({ sum, appearance }: Print): string => `${sum} ${appearance}`;

/** Length and checksum of a text: the next process knows by it what is no edit. */
const sumOf = (text: string): string => `${text.length}-${crc32(text).toString(16)}`;

/** Sum of the file at `path`; undefined when it is no text that we could have published. */
export const sumAt = (files: Files, path: string): string | undefined => {
  const text = readPublished(files, path);
  return text === undefined ? undefined : sumOf(text);
};

const writeWhole = (files: Files, path: string, text: string): void => {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = files.open(path, flags, 0o600);
  try {
    writeAll(files, file, Buffer.from(text));
  } finally {
    files.close(file);
  }
};

/** A folder is in the way, or this file system has no hard links. */
const noLink: ReadonlySet<string | undefined> = new Set(["EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

const linkAside = (files: Files, path: string, witness: string): "linked" | "absent" | "refused" => {
  try {
    files.link(path, witness);
    return "linked";
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return "absent";
    if (noLink.has(code)) return "refused";
    throw error;
  }
};
