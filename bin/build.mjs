// Bundles src/main.ts into dist/lanes.js and chunks that are loaded when first needed.
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const OLD_CHUNK_MS = 24 * 60 * 60 * 1000;

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const fresh = `${dist}.${process.pid}`;

/**
 * Our own sources get Node's modules when they first use them: an ES import of a built-in module reads all of its exports at once,
 * and with them loads streams, sockets and ciphers that `lanes status` never uses (15 ms of its 60).
 */
const lateBuiltins = {
  name: "late-builtins",
  setup(bundler) {
    const ours = join(root, "src");
    bundler.onResolve({ filter: /^node:/ }, ({ path, importer, kind }) =>
      kind === "import-statement" && importer.startsWith(ours)
        ? { path, namespace: "late-builtin", sideEffects: false }
        : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: "late-builtin" }, ({ path }) => ({
      contents: lateModule(path),
      loader: "js",
    }));
  },
};

/** esbuild takes the prototype of a CommonJS module over to what importers see: whatever is asked for is looked up there. */
function lateModule(path) {
  if (path === "node:process") return "module.exports = process;";
  const name = JSON.stringify(path);
  return `let made; const late = new Proxy({}, { get: (_, key) => (made ??= process.getBuiltinModule(${name}))[key] }); module.exports = Object.create(late);`;
}

process.on("exit", () => rmSync(fresh, { recursive: true, force: true }));
const common = {
  absWorkingDir: root,
  outdir: fresh,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  jsx: "automatic",
  minify: true,
  legalComments: "linked",
  logLevel: "warning",
  define: {
    "process.env.NODE_ENV": '"production"',
    "process.env.DEV": '"false"',
  },
  // CommonJS packages (react, proper-lockfile) require Node's built-in modules, and nothing else, when they run.
  banner: { js: "const require=(name)=>process.getBuiltinModule(name);" },
};
const { metafile } = await build({
  ...common,
  metafile: true,
  entryPoints: { lanes: "src/main.ts" },
  chunkNames: "chunks/[name]-[hash]",
  splitting: true,
  // Ink asks for it when DEV is set, in a chunk that nobody loads: it need not be installed.
  external: ["react-devtools-core"],
  plugins: [lateBuiltins],
});
/** What is loaded when it is first needed is what the program itself loads: the chunk that was made for it. */
const chunksOfProgram = {
  name: "chunks-of-program",
  setup(bundler) {
    bundler.onResolve({ filter: /.*/ }, async ({ path, kind, resolveDir }) => {
      if (kind !== "dynamic-import" || path.startsWith("node:")) return undefined;
      const { path: source } = await bundler.resolve(path, { kind: "import-statement", resolveDir });
      const chunk = Object.entries(metafile.outputs).find(
        ([, { entryPoint }]) => join(root, entryPoint ?? "") === source,
      );
      return { path: `./${relative(fresh, join(root, chunk[0]))}`, external: true };
    });
  },
};
// The control center from its first line to its first frame as one file: each chunk would cost the loader a millisecond.
await build({
  ...common,
  entryPoints: { screen: "src/main/screen.ts" },
  plugins: [lateBuiltins, chunksOfProgram],
});
// One file that needs no loader of ES modules. The lock of publications is not needed for reading.
await build({
  ...common,
  format: "cjs",
  banner: {},
  // Only for starting runs, which status never does.
  define: { ...common.define, "import.meta.url": '"file:///"' },
  outExtension: { ".js": ".cjs" },
  entryPoints: { status: "src/main/status.ts" },
  external: ["proper-lockfile", "string-width"],
  plugins: [lateBuiltins],
});
// What V8 makes of this file is kept under this name: see bin/lanes.js.
const status = join(fresh, "status.cjs");
appendFileSync(status, `\n// ${createHash("sha256").update(readFileSync(status)).digest("hex").slice(0, 16)}\n`);
if (process.argv.includes("--clean")) rmSync(dist, { recursive: true, force: true });
publish();

/**
 * Chunks are named by their content and the entry goes last, so there is no moment without a whole program, and an
 * engine or a screen that runs on still finds the chunks it was built with.
 */
function publish() {
  const made = filesUnder(fresh).toSorted((a, b) => Number(a === "lanes.js") - Number(b === "lanes.js"));
  for (const file of made) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    renameSync(join(fresh, file), join(dist, file));
  }
  const before = Date.now() - OLD_CHUNK_MS;
  for (const file of filesUnder(dist)) {
    if (!made.includes(file) && statSync(join(dist, file)).mtimeMs < before) rmSync(join(dist, file), { force: true });
  }
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
}
