#!/usr/bin/env node
// Plain JavaScript, because it runs where nothing has been built: it finds the built program or says how to get it.

// Not by import: that would read every export of these modules, and with them load half of Node.
const { existsSync, realpathSync } = process.getBuiltinModule("node:fs");
const { delimiter, join } = process.getBuiltinModule("node:path");
const { fileURLToPath } = process.getBuiltinModule("node:url");

const root = join(fileURLToPath(import.meta.url), "..", "..");
const program = new URL("../dist/lanes.js", import.meta.url);

if (process.platform === "win32") {
  quit("native Windows is not supported.", "Run lanes inside WSL, the Windows Subsystem for Linux.");
} else if (existsSync(program)) {
  giveBackEnvironment(process.env);
  await import(program.href);
} else {
  const npm = `npm --prefix ${JSON.stringify(root)}`;
  quit("this checkout is not built yet.", `${npm} run build   (or, to build and look around: ${npm} start)`);
}

/** One sentence, one hint, and the exit code for "a tool is missing". */
function quit(sentence, hint) {
  process.stderr.write(`lanes: ${sentence}\n  ${hint}\n`);
  process.exitCode = 69;
}

/**
 * `npm start` moves to this folder, and npm lends its scripts its own variables and tools. The caller's paths are
 * relative to where the caller stood, and agents are to meet the caller's environment: undo both.
 */
function giveBackEnvironment(env) {
  const ours = env.npm_lifecycle_event === "start" && isHere(env.npm_package_json);
  if (!ours && env.npm_lifecycle_event !== "npx") return;
  if (ours && env.INIT_CWD && existsSync(env.INIT_CWD)) {
    process.chdir(env.INIT_CWD);
    env.PWD = env.INIT_CWD;
  }
  if (env.NODE === env.npm_node_execpath) delete env.NODE;
  for (const name of Object.keys(env)) if (name.startsWith("npm_")) delete env[name];
  delete env.INIT_CWD;
  delete env.COLOR;
  // npm puts its folders in front: what matches further back is the caller's own.
  const path = (env.PATH ?? "").split(delimiter);
  const own = path.findIndex((folder) => !/[/\\](?:node_modules[/\\]\.bin|node-gyp-bin)$/.test(folder));
  env.PATH = path.slice(Math.max(own, 0)).join(delimiter);
}

function isHere(manifest) {
  return existsSync(manifest ?? "") && realpathSync(manifest) === realpathSync(join(root, "package.json"));
}
