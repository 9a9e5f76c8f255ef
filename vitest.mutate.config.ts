import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

import base from "./vitest.config.ts";

// For StrykerJS, which runs the tests that reach a changed place, once for each change: those of the state and of nothing else.
const config: ViteUserConfig = defineConfig({
  ...base,
  test: {
    ...base.test,
    include: [
      "test/core/{corpus,decide,effect,fold,foreign,plan,queue,schedule,snapshot,upcast,verdict,world}.test.ts",
    ],
  },
});

export default config;
