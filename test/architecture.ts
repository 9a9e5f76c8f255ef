/** Which folders own a package. Another that wants it asks the owner, through a port or a function. */
const owners: Readonly<Record<string, readonly string[]>> = {
  chokidar: ["journal", "git"],
  commander: ["cli"],
  ink: ["tui"],
  pino: ["log"],
  "proper-lockfile": ["journal"],
  react: ["tui"],
  "simple-git": ["git"],
  "string-width": ["tui", "cli"],
  zustand: ["store", "tui"],
};

/** The packages that have an owner: a new dependency needs one before its first import. */
export const ownedPackages: readonly string[] = Object.keys(owners);

/** Layer → the layers it may import besides itself. */
type Arrows = ReadonlyMap<string, readonly string[]>;

interface Import {
  readonly from: string;
  readonly target: string;
  readonly isReExport: boolean;
}

/** Reads the drawing of the layers, the arrows block of ARCHITECTURE.md, one `layer -> layer …` a line. */
export function arrowsIn(page: string): Arrows {
  const block = /^```arrows\n([\s\S]*?)^```/m.exec(page)?.[1];
  if (block === undefined) throw new Error("ARCHITECTURE.md has no arrows block");
  const lines = block.split("\n").filter((line) => line.trim() !== "");
  return new Map(
    lines.map((line) => {
      const drawn = /^(\w+)\s*->((?:\s+\w+)*)\s*$/.exec(line);
      if (!drawn?.[1]) throw new Error(`not an arrow: ${line}`);
      return [drawn[1], (drawn[2] ?? "").split(/\s+/).filter(Boolean)];
    }),
  );
}

/** Holds modules (path below `src/` → text) against the arrows; each fault is a sentence, none is agreement. */
export function faultsOf(modules: ReadonlyMap<string, string>, arrows: Arrows): string[] {
  const imports = [...modules].flatMap(([path, text]) => importsOf(path, text));
  return [
    ...[...modules.keys()].flatMap((path) => nameFaults(path, arrows)),
    ...imports.filter((one) => one.isReExport).map(({ from, target }) => `${from} re-exports ${target}`),
    ...imports.flatMap((one) => (one.target.startsWith(".") ? ownFaults(one, modules, arrows) : packageFaults(one))),
    ...circles(imports.filter(({ target }) => target.startsWith("."))),
  ];
}

/** Static imports are found at the start of a line, where the formatter puts them; dynamic and type ones anywhere. */
function importsOf(from: string, text: string): Import[] {
  const code = withoutComments(text);
  const found = (pattern: RegExp, isReExport = false): Import[] =>
    [...code.matchAll(pattern)].map(([, target = "a computed name"]) => ({ from, target, isReExport }));
  return [
    ...found(/^import\b[^;"'(]*["']([^"']+)["']/gm),
    ...found(/^export\s+(?:type\s+)?(?:\*|\{)[^;"']*\bfrom\s*["']([^"']+)["']/gm, true),
    ...found(/\bimport\(\s*["']([^"']+)["']/g),
    ...found(/\bimport\(\s*[^"'\s]/g),
  ];
}

/** Strings are matched too, so that the slashes of an address or a pattern of files do not start a comment. */
function withoutComments(text: string): string {
  return text.replaceAll(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/.*|\/\*[\s\S]*?\*\//g, (part) =>
    part.startsWith("/") ? " " : part,
  );
}

function nameFaults(path: string, arrows: Arrows): string[] {
  const faults: string[] = [];
  if (!arrows.has(layerOf(path))) faults.push(`${path} is in no layer`);
  if (/(?:^|\/)index\.tsx?$/.test(path)) faults.push(`${path} hides what it holds: name it after the thing`);
  if (/(?:^|\/)utils?\//.test(path)) faults.push(`${path} is in a folder without a subject`);
  return faults;
}

function ownFaults({ from, target }: Import, modules: ReadonlyMap<string, string>, arrows: Arrows): string[] {
  if (!/\.tsx?$/.test(target)) return [`${from} imports ${target} without its .ts or .tsx`];
  const path = resolved(from, target);
  if (!modules.has(path)) return [`${from} imports ${target}, which is not in src`];
  const [own, other] = [layerOf(from), layerOf(path)];
  return own === other || arrows.get(own)?.includes(other)
    ? []
    : [`${from} imports ${path}: no arrow ${own} -> ${other}`];
}

function packageFaults({ from, target }: Import): string[] {
  const layer = layerOf(from);
  if (layer === "core") return [`${from} imports ${target}: core imports nothing but core`];
  if (target.startsWith("node:")) return [];
  const name = target.split("/", target.startsWith("@") ? 2 : 1).join("/");
  if (!Object.hasOwn(owners, name)) return [`${from} imports ${name}, which no folder owns`];
  return owners[name]?.includes(layer)
    ? []
    : [`${from} imports ${name}, which belongs to ${owners[name]?.join(" and ")}`];
}

/** Walks the imports depth first; an import of a file that is still open closes a circle. */
function circles(imports: readonly Import[]): string[] {
  const done = new Set<string>();
  const walk = (path: string, open: readonly string[]): string[] => {
    const at = open.indexOf(path);
    if (at !== -1) return [`a circle: ${[...open.slice(at), path].join(" -> ")}`];
    if (done.has(path)) return [];
    const targets = imports.filter(({ from }) => from === path).map(({ target }) => resolved(path, target));
    const faults = targets.flatMap((target) => walk(target, [...open, path]));
    done.add(path);
    return faults;
  };
  return imports.flatMap(({ from }) => walk(from, []));
}

/** `tui/pane/lanes.tsx` → `tui`; `main.ts` → `main`. */
function layerOf(path: string): string {
  return path.replace(/\/.*|\.tsx?$/, "");
}

function resolved(from: string, target: string): string {
  return new URL(target, `src:/${from}`).pathname.slice(1);
}
