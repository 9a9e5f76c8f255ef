// Makes a checkout ready to run, doing only what is missing or stale:
//   node bin/setup.mjs deps          node_modules holds what package-lock.json asks for
//   node bin/setup.mjs deps build    ... and dist was built from these sources
// Node's own modules only, for it runs before there are others. It speaks on stderr: stdout is the program's.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const WAIT_LIMIT_MS = 15 * 60 * 1000;
const LOOK_AGAIN_MS = 100;

const root = fileURLToPath(new URL("..", import.meta.url));
const locks = join(root, ".lanes-setup.lock");
const stamp = join(root, "dist", ".built-from");

const steps = {
  deps: { fresh: depsAreFresh, run: installDeps },
  build: { fresh: buildIsFresh, run: buildDist },
};
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(steps, name));
if (unknown !== undefined || asked.length === 0)
  fail(`unknown step ${JSON.stringify(unknown ?? "")}; there are: deps build`, 64);

if (asked.some((name) => !steps[name].fresh())) {
  const release = await onlyOne();
  process.on("exit", release);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));
  // Looked at anew: whoever held the lock before may have done it.
  for (const name of asked) if (!steps[name].fresh()) steps[name].run();
}

/** npm writes node_modules/.package-lock.json last: what it lists was installed, by us or by the user. */
function depsAreFresh() {
  const have = packagesOf(join(root, "node_modules", ".package-lock.json"));
  const need = Object.entries(packagesOf(join(root, "package-lock.json"))).filter(([path]) => path !== "");
  return (
    Object.hasOwn(have, `node_modules/@esbuild/${process.platform}-${process.arch}`) &&
    need.every(([path, { version, optional }]) =>
      have[path] ? have[path].version === version && existsSync(join(root, path, "package.json")) : optional,
    )
  );
}

function packagesOf(lockFile) {
  const text = readOr(lockFile, "{}");
  try {
    return JSON.parse(text).packages ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function installDeps() {
  say("installing dependencies (npm ci)");
  const flags = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  const cli = process.env.npm_execpath;
  if (cli && /npm-cli\.c?js$/.test(cli)) run(process.execPath, [cli, ...flags]);
  else run("npm", flags);
}

function buildIsFresh() {
  return existsSync(join(root, "dist", "lanes.js")) && readOr(stamp, "") === sourceDigest();
}

function buildDist() {
  say("building");
  // The digest from before the build: a source saved meanwhile is built next time.
  const digest = sourceDigest();
  run(process.execPath, [join(root, "bin", "build.mjs")]);
  writeFileSync(stamp, digest);
}

function sourceDigest() {
  const sources = readdirSync(join(root, "src"), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const hash = createHash("sha256");
  for (const path of [
    ...sources,
    ...["bin/build.mjs", "package.json", "package-lock.json", "tsconfig.json"].map((name) => join(root, name)),
  ]) {
    hash.update(`${path.slice(root.length)}\0${readOr(path, "")}\0`);
  }
  return hash.digest("hex");
}

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) fail(`${command} ${args[0]} failed (${error?.code ?? signal ?? `exit ${status}`})`, status ?? 1);
}

/**
 * Waits until this process is the only one that installs or builds here; returns what lets the next one in.
 * A lock is a file with a number, made whole by one link(); the highest number counts. It is free when it says so or
 * when its owner is dead, and then the next number is up for whoever links it first. A number in use is never
 * removed by anybody else, so two that find the same dead owner cannot both take over.
 */
async function onlyOne() {
  mkdirSync(locks, { recursive: true });
  const owner = `${process.pid} ${startOf(process.pid)}`;
  const mine = join(locks, `claim ${owner}`);
  writeFileSync(mine, owner);
  let told = false;
  for (const end = Date.now() + WAIT_LIMIT_MS; Date.now() < end;) {
    const last = highest();
    if (!isHeld(readOr(join(locks, String(last)), ""))) {
      if (linked(mine, join(locks, String(last + 1))) && highest() === last + 1) {
        for (const name of readdirSync(locks)) if (isOver(name, last)) rmSync(join(locks, name), { force: true });
        return () => renameSync(emptied(mine), join(locks, String(last + 1)));
      }
      continue;
    }
    if (!told) say("another setup is at work here, waiting for it");
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return fail(`another setup still holds ${locks}; if none is running, remove that folder`, 75);
}

function highest() {
  return Math.max(
    0,
    ...readdirSync(locks)
      .filter((name) => /^\d+$/.test(name))
      .map(Number),
  );
}

/** A number below the lock in force, or what a waiting process left when it died. */
function isOver(name, last) {
  return name.startsWith("claim ") ? !isHeld(name.slice("claim ".length)) : Number(name) <= last;
}

function linked(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function emptied(path) {
  rmSync(path);
  writeFileSync(path, "");
  return path;
}

/** Process ids are used again: where the system tells it, the owner's start time has to be the same too. */
function isHeld(owner) {
  const [pid, start] = owner.split(" ");
  if (!pid) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (error.code === "ESRCH") return false;
    if (error.code !== "EPERM") throw error;
  }
  return startOf(pid) === start;
}

function startOf(pid) {
  const stat = readOr(`/proc/${pid}/stat`, "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function readOr(path, otherwise) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH" || error.code === "ENOTDIR") return otherwise;
    throw error;
  }
}

function say(text) {
  process.stderr.write(`lanes: ${text}\n`);
}

function fail(text, code) {
  say(text);
  process.exit(code);
}
