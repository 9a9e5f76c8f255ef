#!/usr/bin/env node
// Plain JavaScript, because it runs where nothing has been built: it finds the built program or says how to get it. CommonJS,
// because Node takes 10 ms to make its loader of ES modules ready: only the whole program, loaded last, needs that.
"use strict";
const { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } = require("node:fs");
const { delimiter, join } = require("node:path");
const { constants, Script } = require("node:vm");
const { version } = require("../package.json");

const root = join(__dirname, "..");
const words = process.argv.slice(2).join(" ");

if (process.platform === "win32") {
  quit("native Windows is not supported.", "Run lanes inside WSL, the Windows Subsystem for Linux.");
} else if (words === "--version" || words === "-V") {
  process.stdout.write(`${version}\n`);
} else if (existsSync(join(root, "dist", "lanes.js"))) {
  giveBackEnvironment(process.env);
  start().catch(unread);
} else {
  const npm = `npm --prefix ${JSON.stringify(root)}`;
  quit("this checkout is not built yet.", `${npm} run build   (or, to build and look around: ${npm} start)`);
}

/** What status bars call every second, and shells at every tab, is a small file of its own; everything else is the program. */
async function start() {
  if (words === "completion lanes" && (await quick(({ laneIds }) => laneIds()))) return;
  if (words === "status" || words === "status --json") {
    const code = await quick(({ status }) => status(version, root, words !== "status"));
    if (code !== undefined) {
      process.exitCode = code;
      return;
    }
  }
  if (isScreen()) {
    // From Node 22 on it keeps by itself what V8 made of modules; https://nodejs.org/api/module.html#module-compile-cache
    require("node:module").enableCompileCache?.(join(root, "dist", "compiled"));
    const { screen } = await import("../dist/screen.js").catch(unread);
    const code = await screen(version, root);
    if (code !== undefined) {
      process.exitCode = code;
      return;
    }
  }
  const { main } = await import("../dist/lanes.js").catch(unread);
  await main(version, root);
}

/** Is nothing asked for, on a terminal, and by a person (no lane's run)? Then it is the control center, a file of its own too. */
function isScreen() {
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && process.env.TERM !== "dumb";
  return process.argv.length === 2 && isTerminal && process.env.LANES_LANE === undefined;
}

/**
 * `use` of the small file. It is compiled once: what V8 made of it is kept beside it (https://nodejs.org/api/vm.html,
 * cachedData), under the name that its last line says, for this Node; compiling it takes 8 ms of the 50.
 */
async function quick(use) {
  const filename = join(root, "dist", "status.cjs");
  const source = readFileSync(filename, "utf8");
  const kept = join(root, "dist", `${/\w+\s*$/.exec(source)[0].trim()}-${process.arch}-${process.version}.v8`);
  let cachedData;
  try {
    cachedData = readFileSync(kept);
  } catch {
    // Whatever the reason: it is compiled anew.
  }
  const wrapped = `(function (exports, require, module) {${source}\n})`;
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const script = new Script(wrapped, { filename, cachedData, importModuleDynamically });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module);
  const answer = await use(module.exports);
  if (cachedData === undefined || script.cachedDataRejected) keep(kept, script.createCachedData());
  return answer;
}

/** For the next time; a package that others own, and a full disk, are no reason to complain. */
function keep(path, data) {
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, data, { flag: "wx", mode: 0o644, flush: true });
    renameSync(fresh, path);
  } catch {
    // It is only quicker.
  }
}

/** The program's own files could not be read; whatever else went wrong is a mistake in it, and shows where. */
function unread(error) {
  const reasons = {
    EMFILE: ["too many files are open here (EMFILE); raise the limit (ulimit -n 4096), then try again", 75],
    ENFILE: ["too many files are open on this machine (ENFILE); try again when there are fewer", 75],
    EIO: ["the disk could not be read (EIO); try again, and look after the disk", 73],
    EACCES: [`${root} may not be read (EACCES); check who owns it`, 69],
    ENOENT: [`${root} is incomplete; try again, it may just be replaced; else install it anew`, 69],
  };
  const code = error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND" ? "ENOENT" : error.code;
  if (reasons[code] === undefined) throw error;
  const [line, status] = reasons[code];
  process.stderr.write(`lanes: ${line}\n`);
  process.exit(status);
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
