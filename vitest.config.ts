import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

const config: ViteUserConfig = defineConfig({
  define: { __LANES_VERSION__: JSON.stringify(version) },
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    exclude: ["test/soak/**", "test/real/**"],
    setupFiles: ["test/setup.ts"],
    testTimeout: 20_000,
    pool: "forks",
    // An isolated file imports Ink anew, 0.3 to 0.4 s each. The price: no mutable state at module level.
    isolate: false,
    maxWorkers: availableParallelism(),
    // The pure heart of the program: with --coverage, each of its branches has to be run by a test.
    coverage: {
      provider: "v8",
      include: ["src/core/{batch,batch-fact,check,decide,effect,fold,foreign,plan,queue,schedule,verdict}.ts"],
      reporter: ["text"],
      thresholds: { branches: 100, functions: 100, lines: 100, statements: 100 },
    },
  },
});

export default config;
