/** Standard streams written in place: for short answers, which Node's own streams take longer to load than to write. */
import { fstatSync, writeSync } from "node:fs";

import type { Writer } from "../cli/shell.ts";

/** How long a full pipe is waited for before the next try, and how often, in ms and times. */
const [pauseMs, triesMax] = [1, 30_000];

/** Is this descriptor a terminal, whose width and colours only Node's stream knows? */
export const isTerminal = (file: number): boolean => fstatSync(file).isCharacterDevice();

/** The file or pipe behind a descriptor as a stream. An error (a reader that left, a full disk) goes to who listens for it. */
export const plainStream = (file: number): Writer => {
  const listeners = new Set<(error: Error) => void>();
  return {
    write: (text) => {
      try {
        writeWhole(file, Buffer.from(text));
        return true;
      } catch (error) {
        for (const listener of listeners) listener(error as Error);
        return false;
      }
    },
    on: (_event, listener) => listeners.add(listener),
    off: (_event, listener) => listeners.delete(listener),
  };
};

const writeWhole = (file: number, bytes: Buffer): void => {
  const bell = new Int32Array(new SharedArrayBuffer(4));
  for (let [at, tries] = [0, 0]; at < bytes.length;) {
    try {
      at += writeSync(file, bytes, at);
    } catch (error) {
      tries += 1;
      const isFull = error instanceof Error && "code" in error && error.code === "EAGAIN";
      if (!isFull || tries > triesMax) throw error;
      Atomics.wait(bell, 0, 0, pauseMs);
    }
  }
};
