/** Real agent CLIs: where they are, and what makes each talk to the scripted model server. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { adapterOf } from "../../src/agent/roster.ts";

/** One CLI as it is set up for a test. */
export interface Real {
  readonly cli: string;
  /** Its member of the roster. */
  readonly entry: object;
  /** Variables that a person would have in the shell. */
  readonly env: (port: number) => Readonly<Record<string, string>>;
  /** Files of the person: path below the home folder, and text. */
  readonly files: (port: number) => Readonly<Record<string, string>>;
  /** Its protocol counts tokens from the cache besides the input. */
  readonly apart: boolean;
  /** It can be fetched by npm without a licence to accept. */
  readonly open: boolean;
  /** What it does at a missing login and at a limit, as far as it ends or says something by itself. */
  readonly halts: readonly ("login" | "limit")[];
}

const local = (port: number): string => `http://127.0.0.1:${port}`;

/** Those that can be taken through a whole lane. */
export const reals: readonly Real[] = [
  {
    cli: "codex",
    entry: { permissions: "all" },
    env: () => ({ OPENAI_API_KEY: "dummy" }),
    files: (port) => ({
      ".codex/config.toml": `model = "scripted"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "${local(port)}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
supports_websockets = false
`,
    }),
    apart: false,
    open: true,
    halts: ["login", "limit"],
  },
  {
    cli: "gemini",
    entry: { permissions: "all", model: "gemini-2.5-flash" },
    env: (port) => ({ GEMINI_API_KEY: "dummy", GOOGLE_GEMINI_BASE_URL: local(port) }),
    files: () => ({
      ".gemini/settings.json": JSON.stringify({ security: { auth: { selectedType: "gemini-api-key" } } }),
    }),
    apart: false,
    open: true,
    halts: ["login"],
  },
  {
    cli: "qwen",
    entry: { permissions: "all", model: "scripted", args: ["--auth-type", "openai"] },
    env: (port) => ({ OPENAI_API_KEY: "dummy", OPENAI_BASE_URL: `${local(port)}/v1` }),
    files: () => ({}),
    apart: false,
    open: true,
    halts: ["login"],
  },
  {
    cli: "opencode",
    entry: { permissions: "all", model: "scripted/scripted" },
    env: () => ({ OPENCODE_DISABLE_MODELS_FETCH: "1" }),
    files: (port) => ({
      "config/opencode/opencode.json": JSON.stringify({
        provider: {
          scripted: {
            npm: "@ai-sdk/openai-compatible",
            options: { baseURL: `${local(port)}/v1`, apiKey: "dummy" },
            models: { scripted: { name: "scripted", limit: { context: 100_000, output: 10_000 } } },
          },
        },
        small_model: "scripted/scripted",
      }),
    }),
    apart: false,
    open: true,
    halts: ["login"],
  },
  {
    cli: "claude",
    entry: { permissions: "all" },
    // As root it does not work without asking, unless it is told that it is shut in.
    env: (port) => ({ ANTHROPIC_API_KEY: "dummy", ANTHROPIC_BASE_URL: local(port), IS_SANDBOX: "1" }),
    files: () => ({}),
    apart: true,
    open: false,
    halts: ["limit"],
  },
];

/** A place of our own, where no folder above can be written to by others: some CLIs do not use what lies below one. */
export const cache: string = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "lanekeeper-agents");

const bin = join(cache, "node_modules", ".bin");

/** PATH with what was installed here first. */
export const searchPath: string = `${bin}${delimiter}${process.env["PATH"] ?? ""}`;

/** With `LANES_TEST_AGENTS_INSTALL=1`, fetch those that are missing by npm into the cache. */
export const installMissing = (): void => {
  mkdirSync(cache, { recursive: true });
  if (process.env["LANES_TEST_AGENTS_INSTALL"] !== "1") return;
  const missing = reals.filter(({ cli, open }) => open && !isThere(cli));
  const packages = missing.flatMap(({ cli }) => adapterOf(cli)?.probe?.package ?? []);
  if (packages.length === 0) return;
  if (!existsSync(join(cache, "package.json"))) writeFileSync(join(cache, "package.json"), "{}\n");
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packages], { cwd: cache });
};

/** Is a program of this name on PATH, or in the cache? */
export const isThere = (program: string): boolean =>
  searchPath.split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, program)));

/** Put the person's files and the roster into a home folder. */
export const settle = (home: string, { cli, entry, files }: Real, port: number): void => {
  const config = JSON.stringify({ agents: { coder: { cli, ...entry } } });
  for (const [path, text] of Object.entries({ ...files(port), "config/lanekeeper/config.json": config })) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
};
