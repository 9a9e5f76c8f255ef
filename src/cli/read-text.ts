/** Text that an argument names: itself, standard input (`-`) or a file (`@FILE`). */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";

import { quote } from "../core/id.ts";
import type { No } from "../core/observed.ts";
import { exit, no } from "./exit.ts";
import type { Reader, Shell } from "./shell.ts";

/** Longest text that is read, in bytes. */
const bytesMax = 1_048_576;

/** The text, or a No that says why it cannot be read. Never waits at a pipe in the place of a file. */
export const readText = async (
  shell: Pick<Shell, "stdin" | "cwd">,
  argument: string,
  what: string,
): Promise<{ readonly text: string } | No> => {
  if (argument === "-") return decode(await readStream(shell.stdin, bytesMax), "standard input");
  if (argument.startsWith("@")) return readFile(resolve(shell.cwd, argument.slice(1)), argument.slice(1));
  return Buffer.byteLength(argument) > bytesMax ? tooLong(what) : { text: argument };
};

/** Names that end with NUL, however many. A byte that is not UTF-8 becomes U+FFFD, as wherever paths of git become text. */
export const readNames = async (stream: Reader): Promise<readonly string[]> =>
  ((await readStream(stream, Infinity)) ?? Buffer.of())
    .toString()
    .split("\0")
    .filter((name) => name !== "");

const readStream = async (stream: Reader, most: number): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > most) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
};

const readFile = async (path: string, name: string): Promise<{ readonly text: string } | No> => {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile()) return no(`${quote(name)} is not a file`, "name a file, or pipe it in with -", exit.data);
      return status.size > bytesMax ? tooLong(quote(name)) : decode(await file.readFile(), quote(name));
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    return no(`${quote(name)} cannot be read (${code})`, "look at the path; it is relative to this folder", exit.data);
  }
};

const decode = (bytes: Buffer | undefined, what: string): { readonly text: string } | No => {
  if (bytes === undefined || bytes.length > bytesMax) return tooLong(what);
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return no(`${what} is not UTF-8 text`, "write it in UTF-8", exit.data);
  }
};

const tooLong = (what: string): No => no(`${what} is longer than ${bytesMax} bytes`, "make it shorter", exit.data);
