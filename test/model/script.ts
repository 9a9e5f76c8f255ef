/** What the scripted model answers: a prompt names a script (`SCRIPT:basic`), each tool result moves it one step on. */

/** One answer. */
export type Step =
  | { readonly sh: string }
  | { readonly text: string }
  | {
      readonly error: {
        readonly status: number;
        readonly type: string;
        readonly message: string;
        readonly headers?: Readonly<Record<string, string>>;
        readonly fields?: object;
      };
    };

/** By name. The last step is repeated. */
export const scripts: Readonly<Record<string, readonly Step[]>> = {
  basic: [
    { sh: "printf 'hello\\n' > hello.txt" },
    { sh: "git add hello.txt && git commit -q -m 'add hello' && git log --oneline -1" },
    { text: "All done: hello.txt committed." },
  ],
  // Claims success and has done nothing.
  liar: [{ text: "All done: everything is committed." }],
  // Works until it is told to go on, so that it can be killed in the middle of a tool. Without $(…), which some CLIs do not run.
  slow: [
    {
      sh: "echo tick > ../../tick; timeout 60 sh -c 'until [ -e ../../go ]; do sleep 0.05; done'",
    },
    { sh: "printf 'hello\\n' > hello.txt && git add hello.txt && git commit -q -m 'add hello'" },
    { text: "All done." },
  ],
  auth401: [{ error: { status: 401, type: "authentication_error", message: "invalid x-api-key" } }],
  limit429: [
    {
      error: {
        status: 429,
        type: "rate_limit_error",
        message: "This request would exceed your account's rate limit.",
        headers: { "retry-after": "3600" },
        fields: { type: "usage_limit_reached", plan_type: "plus", resets_in_seconds: 3600 },
      },
    },
  ],
};

/** Tokens of each request. */
export const perRequest: { readonly input: number; readonly cached: number; readonly output: number } = {
  input: 1000,
  cached: 200,
  output: 50,
};
