import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

import base from "./vitest.config.ts";

// Kill storms, fault storms and long fuzz: minutes to hours, one file after another, so that timings stay readable.
const config: ViteUserConfig = defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/soak/**/*.test.{ts,tsx}"],
    exclude: [],
    fileParallelism: false,
    testTimeout: 3_600_000,
    passWithNoTests: true,
  },
});

export default config;
