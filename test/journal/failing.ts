/** A file layer that fails, is cut short or dies at its Nth call. */
import type { Files } from "../../src/journal/files.ts";
import { realFiles } from "../../src/journal/files.ts";

/**
 * `fail`: this one call fails with the code. `full`: a write is cut short there, and every later write fails: a full disk.
 * `short`: this one call, when it is a write, is cut short. `die`: this call and all later ones are not made.
 */
export type Fault =
  | { readonly at: number; readonly kind: "fail"; readonly code: string }
  | { readonly at: number; readonly kind: "full" | "short" | "die" };

/** What the simulated death throws: no code, so that nothing handles it. */
const dead = "killed";

export interface Failing {
  readonly files: Files;
  /** Did the fault come? When it did not, N is past the last call. */
  readonly struck: () => boolean;
}

type Calls = Record<string, (...args: never[]) => unknown>;

export const failingFiles = (fault: Fault): Failing => {
  let count = 0;
  const system = (code: string): Error => Object.assign(new Error(`${code}: made up`), { code });
  const call = (name: string, real: (...args: never[]) => unknown, args: never[]): unknown => {
    count += 1;
    if (count < fault.at) return real(...args);
    if (fault.kind === "die") throw new Error(dead);
    if (count === fault.at && fault.kind === "fail") throw system(fault.code);
    if (name !== "write" || fault.kind === "fail") return real(...args);
    if (count === fault.at) return realFiles.write(...cut(args as unknown as Parameters<Files["write"]>));
    if (fault.kind === "full") throw system("ENOSPC");
    return real(...args);
  };
  const wrapped = Object.entries(realFiles as unknown as Calls).map(([name, real]) => {
    // Syncs answer with a promise, and so do their failures.
    const asynchronous = name === "fsync" || name === "fdatasync";
    return [
      name,
      asynchronous ? async (...args: never[]) => call(name, real, args) : (...args: never[]) => call(name, real, args),
    ];
  });
  return { files: Object.fromEntries(wrapped) as Files, struck: () => count >= fault.at };
};

const cut = ([file, bytes]: Parameters<Files["write"]>): Parameters<Files["write"]> => [
  file,
  bytes.subarray(0, Math.floor(bytes.length / 2)),
];
