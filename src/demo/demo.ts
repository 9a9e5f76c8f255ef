/** `lanes demo`: six lanes on a scratch repository, from a wish to merged, with the same verbs that a user types. */
import { basename, relative } from "node:path";
import process from "node:process";

import { runCommandLine } from "../cli/main.ts";
import { hasScreen, type Shell, type Writer } from "../cli/shell.ts";
import { isNo } from "../core/observed.ts";
import { laneRows } from "../core/select.ts";
import { sanitize } from "../core/text.ts";
import type { Engine } from "../engine/engine.ts";
import { makeScratch, tryProject } from "./scratch.ts";

/** Show the demonstration: in the control center when there is a terminal, as plain lines when there is none. Resolves with an exit code. */
export const openDemo = async (shell: Shell, plain: boolean, assets: string): Promise<number> => {
  const scratch = await makeScratch(assets);
  // Read when the repository is opened, here and in the engine that this process starts.
  process.env["XDG_STATE_HOME"] = scratch.state;
  const engine = await shell.engine(scratch.repo);
  if (isNo(engine)) {
    shell.stderr.write(`${sanitize(`lanes: ${engine.refused}; ${engine.hint}`)}\n`);
    return engine.code;
  }
  const settings = await engine.settings();
  if (!isNo(settings)) await engine.trust(settings.hash);
  shell.stdout.write(`A scratch repository, with six things missing in it: ${scratch.repo}\n`);
  const full = ["--repo", scratch.repo, "--no-input", "full"];
  if (!plain && hasScreen(shell) && shell.openControlCenter) {
    let over = false;
    const quit = new Set<() => void>();
    const onInterrupt = (listener: () => void): (() => void) => {
      quit.add(listener);
      return () => quit.delete(listener);
    };
    const script = runCommandLine(full, { ...shell, stdout: silent, stderr: silent, onInterrupt }).finally(() => {
      over = true;
    });
    await shell.openControlCenter(engine);
    if (!over) {
      for (const listener of quit) listener();
      await script;
      return leave(shell, scratch.repo);
    }
  } else {
    await runCommandLine(full, shell);
  }
  return report(shell, engine, scratch.repo);
};

/** Output of the verbs while the control center has the terminal. */
const silent: Writer = { write: () => true, on: () => undefined, off: () => undefined };

const leave = (shell: Shell, repo: string): number => {
  const lines = [
    "The lanes that are under way go on without a screen.",
    `  look again:  ${us()} --repo ${repo}`,
    `  end it:      ${us()} --repo ${repo} stop-all`,
  ];
  shell.stdout.write(`${lines.join("\n")}\n`);
  return 0;
};

/** How this program can be called from where the user stands: `npm start` leaves no `lanes` on the PATH. */
const us = (): string => {
  const called = process.argv[1] ?? "lanes";
  return basename(called) === "lanes" ? "lanes" : `node ${relative(process.cwd(), called) || called}`;
};

/** What landed, what did not and why, and where it all is. */
const report = async (shell: Shell, engine: Engine, repo: string): Promise<number> => {
  const state = await engine.refresh();
  const rows = laneRows(state, undefined, shell.now(), await engine.limits());
  const landed = rows.filter((row) => row.state === "merged");
  const lines = rows.map(
    (row) => `  ${row.glyph} ${row.id.padEnd(12)} ${row.state.padEnd(11)} ${sanitize(row.detail)}`,
  );
  const built = await tryProject(repo);
  const output =
    built === ""
      ? []
      : ["", "What the lanes built together prints:", ...built.split("\n").map((line) => `  ${sanitize(line)}`)];
  const stuck = rows.find((row) => row.state === "conflicted");
  const next = stuck ? [`  why not:     ${us()} --repo ${repo} why ${stuck.id}`] : [];
  const where = [
    "",
    `It is all in ${repo}`,
    `  look:        git -C ${repo} log --graph --oneline main`,
    ...next,
    `  open it:     ${us()} --repo ${repo}`,
  ];
  shell.stdout.write(
    `\n${[`${landed.length} of ${rows.length} lanes landed on ${state.target ?? "main"}:`, ...lines, ...output, ...where].join("\n")}\n`,
  );
  await engine.stopEngine();
  return landed.length >= 6 ? 0 : 1;
};
