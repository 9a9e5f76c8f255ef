import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { arrowsIn, faultsOf, ownedPackages } from "./architecture.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const textOf = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");

describe("the sources", () => {
  test("keep to the arrows, circles and owners drawn in ARCHITECTURE.md", () => {
    const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((path) =>
      /\.tsx?$/.test(path),
    );
    const modules = new Map(paths.map((path) => [path, textOf("src", path)]));
    expect(modules.size).toBeGreaterThan(0);
    expect(faultsOf(modules, arrowsIn(textOf("ARCHITECTURE.md")))).toEqual([]);
  });

  test("have an owner for each dependency", () => {
    const { dependencies } = JSON.parse(textOf("package.json")) as { dependencies: Record<string, string> };
    expect(ownedPackages.toSorted()).toEqual(Object.keys(dependencies).toSorted());
  });
});

describe("the checker", () => {
  const page =
    "# Title\n```arrows\ncore ->\nport -> core\ngit  -> core port\ntui  -> core\nmain -> core port git tui\n```\n";
  const faults = (modules: Record<string, string>): string[] =>
    faultsOf(new Map(Object.entries(modules)), arrowsIn(page));

  test("agrees with imports along the arrows", () => {
    expect(
      faults({
        "main.ts": 'import { run } from "./git/run.ts";\nconst app = await import("./tui/app.tsx");\n',
        "git/run.ts":
          'import process from "node:process";\nimport { simpleGit } from "simple-git";\nimport { id } from "../core/id.ts";\n',
        "tui/app.tsx":
          'import { Box } from "ink";\nimport { jsx } from "react/jsx-runtime";\nimport "./polyfill.ts";\n',
        "tui/polyfill.ts": '// import "./app.tsx";\n/* import("./app.tsx") */\nexport const address = "http://x";\n',
        "core/id.ts": "export const id = 1;\n",
      }),
    ).toEqual([]);
  });

  test.each([
    ["a value", 'import { run } from "../git/run.ts";'],
    ["a value on several lines", 'import {\n  run,\n  stop,\n} from "../git/run.ts";'],
    ["a type", 'import type { Run } from "../git/run.ts";'],
    ["an inline type", 'const run: import("../git/run.ts").Run = 1;'],
    ["a side effect", 'import "../git/run.ts";'],
    ["a module loaded later", 'const { run } = await import("../git/run.ts");'],
    ["a module loaded later, on two lines", 'const { run } = await import(\n  "../git/run.ts"\n);'],
  ])("finds %s across a missing arrow", (_, text) => {
    expect(faults({ "tui/app.tsx": text, "git/run.ts": "" })).toEqual([
      "tui/app.tsx imports git/run.ts: no arrow tui -> git",
    ]);
  });

  test("finds circles, also through types and through the file itself", () => {
    const types = { "core/a.ts": 'import type { B } from "./b.ts";', "core/b.ts": 'import type { A } from "./a.ts";' };
    expect(faults(types)).toEqual(["a circle: core/a.ts -> core/b.ts -> core/a.ts"]);
    expect(faults({ "core/a.ts": 'import { a } from "./a.ts";' })).toEqual(["a circle: core/a.ts -> core/a.ts"]);
  });

  test("finds packages outside the folder that owns them, and packages without owner", () => {
    expect(faults({ "git/a.ts": 'import { Box } from "ink";' })).toEqual([
      "git/a.ts imports ink, which belongs to tui",
    ]);
    expect(faults({ "git/a.ts": 'import { x } from "@some/thing/deep";' })).toEqual([
      "git/a.ts imports @some/thing, which no folder owns",
    ]);
  });

  test("lets the core import nothing but core", () => {
    expect(faults({ "core/a.ts": 'import { join } from "node:path";' })).toEqual([
      "core/a.ts imports node:path: core imports nothing but core",
    ]);
    expect(faults({ "core/a.ts": 'import type { FC } from "react";' })).toEqual([
      "core/a.ts imports react: core imports nothing but core",
    ]);
  });

  test("finds re-exports, bare endings, missing files and computed names", () => {
    const others = { "core/b.ts": "", "core/c.ts": 'export { b } from "./b.ts";\nexport type * from "./b.ts";' };
    expect(faults(others)).toEqual(["core/c.ts re-exports ./b.ts", "core/c.ts re-exports ./b.ts"]);
    expect(faults({ "core/a.ts": 'import { b } from "./b";' })).toEqual([
      "core/a.ts imports ./b without its .ts or .tsx",
    ]);
    expect(faults({ "core/a.ts": 'import { b } from "./b.ts";' })).toEqual([
      "core/a.ts imports ./b.ts, which is not in src",
    ]);
    expect(faults({ "git/a.ts": "await import(path);" })).toEqual([
      "git/a.ts imports a computed name, which no folder owns",
    ]);
  });

  test("finds names that say nothing and files in no layer", () => {
    expect(faults({ "core/index.ts": "", "git/utils/a.ts": "", "odd/a.ts": "" })).toEqual([
      "core/index.ts hides what it holds: name it after the thing",
      "git/utils/a.ts is in a folder without a subject",
      "odd/a.ts is in no layer",
    ]);
  });

  test("refuses a page without arrows, or with something else among them", () => {
    expect(() => arrowsIn("# Title\n")).toThrow("ARCHITECTURE.md has no arrows block");
    expect(() => arrowsIn("```arrows\ncore => port\n```\n")).toThrow("not an arrow: core => port");
  });
});
