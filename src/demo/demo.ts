/** `lanes demo`: six lanes on a scratch repository, from a wish to merged, with the same verbs that a user types. */
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
    shell.stderr.write(`lanes: ${engine.refused}; ${engine.hint}\n`);
    return engine.code;
  }
  const settings = await engine.settings();
  if (!isNo(settings)) await engine.trust(settings.hash);
  shell.stdout.write(`A scratch repository, with six things missing in it: ${scratch.repo}\n`);
  const full = ["--repo", scratch.repo, "--no-input", "full"];
  if (!plain && hasScreen(shell) && shell.openControlCenter) {
    const script = runCommandLine(full, { ...shell, stdout: silent, stderr: silent });
    await shell.openControlCenter(engine);
    const over = await Promise.race([script.then(() => true), Promise.resolve(false)]);
    if (!over) return leave(shell, scratch.repo);
  } else {
    await runCommandLine(full, shell);
  }
  return report(shell, engine, scratch.repo);
};

/** Output of the verbs while the control center has the terminal. */
const silent: Writer = { write: () => true, on: () => undefined, off: () => undefined };

const leave = (shell: Shell, repo: string): number => {
  shell.stdout.write(
    `The demonstration goes on without a screen.\n  look again:  cd ${repo} && lanes\n  end it:      cd ${repo} && lanes stop-all\n`,
  );
  return 0;
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
  const [stuck] = rows.filter((row) => row.state === "conflicted");
  const next = stuck ? [`  why:         cd ${repo} && lanes why ${stuck.id}`] : [];
  const where = [
    "",
    `It is all in ${repo}`,
    `  look:        cd ${repo} && git log --graph --oneline main`,
    ...next,
    "  open it:     lanes  (in that folder)",
  ];
  shell.stdout.write(
    `\n${[`${landed.length} of ${rows.length} lanes landed on ${state.target ?? "main"}:`, ...lines, ...output, ...where].join("\n")}\n`,
  );
  await engine.stopEngine();
  return landed.length >= 6 ? 0 : 1;
};
