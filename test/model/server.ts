/** A scripted model server on the loopback: agent CLIs work against it without a key and without a network. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { type Answer, type Json, type Protocol, protocolOf, type Sent, type Tool } from "./protocol.ts";
import { perRequest, scripts, type Step } from "./script.ts";

/** A server that listens. */
export interface Model {
  readonly port: number;
  /** Requests that were answered with a text or a tool: what a run's tokens are counted from. */
  readonly answered: () => number;
  /** Tokens of so many requests, as an adapter tells them; `apart`: the protocol counts those from the cache besides. */
  readonly tokens: (requests: number, apart: boolean) => { input: number; cached: number; output: number };
  readonly release: () => Promise<void>;
}

/** Start one, on a port that is free. */
export const startModel = async (): Promise<Model> => {
  let answered = 0;
  const server = createServer((request, response) => {
    reply(request, response).then(
      (counts) => {
        if (counts) answered += 1;
      },
      (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    answered: () => answered,
    tokens: (requests, apart) => ({
      input: requests * (perRequest.input - (apart ? 0 : perRequest.cached)),
      cached: requests * perRequest.cached,
      output: requests * perRequest.output,
    }),
    release: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};

/** True when it was an answer of the model. */
const reply = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
  let raw = "";
  for await (const piece of request) raw += String(piece);
  const { pathname } = new URL(request.url ?? "/", "http://model");
  const protocol = request.method === "POST" ? protocolOf(pathname) : undefined;
  if (!protocol) {
    const found = pathname.endsWith("/models") ? { object: "list", data: [{ id: "scripted", object: "model" }] } : {};
    sendJson(response, pathname.endsWith("/models") ? 200 : 404, { ...found, input_tokens: 10, totalTokens: 10 });
    return false;
  }
  const body = JSON.parse(raw) as Json;
  const step = stepOf(protocol, body);
  if ("error" in step) {
    const { status, type, message, headers, fields } = step.error;
    const error = pathname.includes("enerateContent")
      ? { error: { code: status, message, status: "RESOURCE_EXHAUSTED" } }
      : { type: "error", error: { type, message, ...fields } };
    sendJson(response, status, error, headers);
    return false;
  }
  const answer = answerOf(step, protocol.tools(body));
  const id = `s${Date.now().toString(36)}${(numbered += 1)}`;
  const streams = body["stream"] === true || pathname.includes("streamGenerate");
  if (streams) sendStream(response, protocol.stream(body, answer, id));
  else sendJson(response, 200, protocol.plain(body, answer, id));
  return true;
};

let numbered = 0;

/** The step of the script that the last prompt names: as many as tools have answered since. A request without tools is about something else. */
const stepOf = (protocol: Protocol, body: Json): Step => {
  const items = protocol.items(body);
  const place = items.findLastIndex((item) => "user" in item && item.user.includes("SCRIPT:"));
  const prompt = items[place];
  const name = prompt && "user" in prompt ? [...prompt.user.matchAll(/SCRIPT:(\w+)/g)].at(-1)?.[1] : undefined;
  const script = scripts[name ?? ""] ?? [{ text: "ok" }];
  if (protocol.tools(body).length === 0 && !("error" in (script[0] ?? {}))) return { text: "a side request" };
  const done = items.slice(place + 1).filter((item) => "result" in item).length;
  return script[Math.min(done, script.length - 1)] ?? { text: "ok" };
};

/** Names under which CLIs offer a shell. */
const shells: ReadonlySet<string> = new Set(
  "Bash exec_command shell_command run_shell_command bash shell execute_command run_commands local_shell".split(" "),
);

const answerOf = (step: Exclude<Step, { error: unknown }>, tools: readonly Tool[]): Answer => {
  if ("text" in step) return step;
  const tool = tools.find(({ name }) => shells.has(name));
  if (!tool) return { text: "There is no shell." };
  const has = (field: string): boolean => tool.fields.includes(field);
  const command = has("commands")
    ? { commands: [step.sh] }
    : { [has("cmd") ? "cmd" : "command"]: tool.words ? ["bash", "-lc", step.sh] : step.sh };
  return {
    name: tool.name,
    args: {
      ...command,
      ...(has("description") ? { description: "run a command" } : {}),
      ...(has("requires_approval") ? { requires_approval: false } : {}),
      ...(has("yield_time_ms") ? { yield_time_ms: 30_000 } : {}),
    },
  };
};

const sendJson = (response: ServerResponse, status: number, value: unknown, headers = {}): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
};

const sendStream = (response: ServerResponse, events: readonly Sent[]): void => {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  for (const [event, data] of events) {
    if (event !== undefined) response.write(`event: ${event}\n`);
    response.write(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  }
  response.end();
};
