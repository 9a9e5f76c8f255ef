import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

import base from "./vitest.config.ts";

// Real agent CLIs against the scripted model server: opt-in, minutes, one after another.
const config: ViteUserConfig = defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/real/**/*.test.ts"],
    exclude: [],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 900_000,
  },
});

export default config;
