/** Processes that show or await something: as long as one lives, the engine stays. One small file each. */
import { randomBytes } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { Identity } from "../core/state.ts";
import type { Release } from "../port.ts";
import { cannotWrite, readSmall, unless, writeWhole } from "./file.ts";
import { isAlive, ownIdentity } from "./identity.ts";
import type { RunArea } from "./run-folder.ts";

/** Announce this process until it is released or ends. Who cannot write looks on unannounced. */
export const announceViewer = (area: RunArea): Release => {
  const path = join(viewersOf(area), `${process.pid}-${randomBytes(8).toString("hex")}`);
  const written = unless(cannotWrite, () => {
    writeWhole(path, JSON.stringify(ownIdentity()));
    return true;
  });
  if (!written) return () => undefined;
  const release = (): void => {
    process.off("exit", release);
    remove(path);
  };
  process.on("exit", release);
  return release;
};

/** Live processes that announced themselves; files of dead ones are removed on the way. */
export const liveViewers = (area: RunArea): readonly Identity[] => {
  const names = unless(["ENOENT"], () => readdirSync(viewersOf(area))) ?? [];
  const seen = names.filter((name) => !name.endsWith(".new")).map((name) => join(viewersOf(area), name));
  return seen.flatMap((path) => {
    const viewer = parseIdentity(readSmall(path));
    if (viewer !== undefined && isAlive(viewer)) return [viewer];
    remove(path);
    return [];
  });
};

const viewersOf = (area: RunArea): string => join(area.state, "viewers");

/** A folder is none of ours: it stays. */
const remove = (path: string): void => {
  unless([...cannotWrite, "ERR_FS_EISDIR"], () => rmSync(path, { force: true }));
};

const parseIdentity = (text: string): Identity | undefined => {
  const seen = unlessSyntax(() => JSON.parse(text) as Partial<Record<keyof Identity, unknown>> | null);
  const { pid, start, boot } = seen ?? {};
  return typeof pid === "number" && typeof start === "string" && typeof boot === "string"
    ? { pid, start, boot }
    : undefined;
};

const unlessSyntax = <T>(parse: () => T): T | undefined => {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};
