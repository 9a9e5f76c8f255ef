import { expect, onTestFinished, test } from "vitest";

import { startModel } from "./server.ts";

const start = async () => {
  const model = await startModel();
  onTestFinished(() => model.release());
  const ask = async (path: string, body: object) => {
    const sent = { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${model.port}${path}`, sent);
    return { status: response.status, text: await response.text() };
  };
  return { model, ask };
};

const schema = { type: "object", properties: { command: { type: "string" } } };
const bash = { name: "bash", description: "", parameters: schema, input_schema: schema };
const prompt = "Your task: SCRIPT:basic";

/** A first request in each protocol, and one after a tool has answered twice. */
const talks = {
  "/v1/messages": (done: number) => ({
    tools: [bash],
    messages: [
      { role: "user", content: prompt },
      ...Array.from({ length: done }, () => ({ role: "user", content: [{ type: "tool_result", content: "ok" }] })),
    ],
  }),
  "/v1/responses": (done: number) => ({
    tools: [{ type: "function", ...bash }],
    input: [
      { role: "user", content: [{ type: "input_text", text: prompt }] },
      ...Array.from({ length: done }, () => ({ type: "function_call_output", output: "ok" })),
    ],
  }),
  "/v1/chat/completions": (done: number) => ({
    tools: [{ type: "function", function: bash }],
    messages: [
      { role: "user", content: prompt },
      ...Array.from({ length: done }, () => ({ role: "tool", content: "ok" })),
    ],
  }),
  "/v1beta/models/m:generateContent": (done: number) => ({
    tools: [{ functionDeclarations: [bash] }],
    contents: [
      { role: "user", parts: [{ text: prompt }] },
      ...Array.from({ length: done }, () => ({ role: "user", parts: [{ functionResponse: { name: "bash" } }] })),
    ],
  }),
};

test.each(Object.entries(talks))("%s plays a script step by step, plain and streamed", async (path, body) => {
  const { model, ask } = await start();
  for (const more of [{}, { stream: true }]) {
    expect((await ask(path, { ...body(0), ...more })).text).toContain("hello.txt");
    expect((await ask(path, { ...body(1), ...more })).text).toContain("git commit");
    expect((await ask(path, { ...body(2), ...more })).text).toContain("All done: hello.txt committed.");
  }
  expect(model.answered()).toBe(6);
  const failing = JSON.parse(JSON.stringify(body(0)).replace("SCRIPT:basic", "SCRIPT:limit429")) as object;
  expect(await ask(path, failing)).toMatchObject({ status: 429 });
  expect(model.answered()).toBe(6);
});

test("what is no request to a model is answered without one", async () => {
  const { model, ask } = await start();
  expect(await ask("/v1/elsewhere", {})).toMatchObject({ status: 404 });
  expect(model.answered()).toBe(0);
});
