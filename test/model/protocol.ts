/** The four ways in which agent CLIs talk to a model: what a request says, and how an answer is written. */

/** JSON of a request, looked into field by field. */
export type Json = Readonly<Record<string, unknown>>;

/** What a conversation holds, in its order. */
export type Item = { readonly user: string } | { readonly result: string } | { readonly model: true };

/** A tool that the CLI offers, with the names of its fields. */
export interface Tool {
  readonly name: string;
  readonly fields: readonly string[];
  /** `command` is a list of words. */
  readonly words: boolean;
}

/** The model's answer: a text, or the use of a tool. */
export type Answer = { readonly text: string } | { readonly name: string; readonly args: Json };

/** One event of a stream: its name, when the protocol has names, and its data. */
export type Sent = readonly [event: string | undefined, data: unknown];

/** One protocol. `id`: a new unique word; `usage` in tokens of one request. */
export interface Protocol {
  readonly items: (body: Json) => readonly Item[];
  readonly tools: (body: Json) => readonly Tool[];
  readonly plain: (body: Json, answer: Answer, id: string) => unknown;
  readonly stream: (body: Json, answer: Answer, id: string) => readonly Sent[];
}

const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);
const word = (value: unknown): string => (typeof value === "string" ? value : "");
const textOf = (content: unknown): string =>
  typeof content === "string"
    ? content
    : list(content)
        .map((part) => word(part["text"]))
        .join("\n");

const toolFrom = (name: unknown, schema: unknown): Tool => {
  const properties = (schema as Json | undefined)?.["properties"] as Readonly<Record<string, Json>> | undefined;
  return {
    name: word(name),
    fields: Object.keys(properties ?? {}),
    words: properties?.["command"]?.["type"] === "array",
  };
};

const anthropic: Protocol = {
  items: (body) =>
    list(body["messages"]).flatMap((message): readonly Item[] => {
      if (message["role"] === "assistant") return [{ model: true }];
      const { content } = message;
      if (typeof content === "string") return [{ user: content }];
      return list(content).map((part) =>
        part["type"] === "tool_result" ? { result: textOf(part["content"]) } : { user: word(part["text"]) },
      );
    }),
  tools: (body) => list(body["tools"]).map((tool) => toolFrom(tool["name"], tool["input_schema"])),
  plain: (body, answer, id) => ({
    ...anthropicMessage(body, id),
    content: [anthropicBlock(answer, id)],
    stop_reason: "name" in answer ? "tool_use" : "end_turn",
    usage: anthropicUsage,
  }),
  stream: (body, answer, id) => {
    const message = { ...anthropicMessage(body, id), usage: { ...anthropicUsage, output_tokens: 1 } };
    const block = anthropicBlock(answer, id);
    const [begun, delta] =
      "name" in answer
        ? [
            { ...block, input: {} },
            { type: "input_json_delta", partial_json: JSON.stringify(answer.args) },
          ]
        : [
            { type: "text", text: "" },
            { type: "text_delta", text: answer.text },
          ];
    const stop = "name" in answer ? "tool_use" : "end_turn";
    const events: readonly Json[] = [
      { type: "message_start", message },
      { type: "content_block_start", index: 0, content_block: begun },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 50 } },
      { type: "message_stop" },
    ];
    return events.map((event) => [word(event["type"]), event]);
  },
};

const anthropicUsage = {
  input_tokens: 1000,
  output_tokens: 50,
  cache_read_input_tokens: 200,
  cache_creation_input_tokens: 0,
};

const anthropicMessage = (body: Json, id: string): Json => ({
  id: `msg_${id}`,
  type: "message",
  role: "assistant",
  model: body["model"],
  content: [],
  stop_reason: null,
  stop_sequence: null,
});

const anthropicBlock = (answer: Answer, id: string): Json =>
  "name" in answer
    ? { type: "tool_use", id: `toolu_${id}`, name: answer.name, input: answer.args }
    : { type: "text", text: answer.text };

const responses: Protocol = {
  items: (body) => {
    const { input } = body;
    if (typeof input === "string") return [{ user: input }];
    return list(input).map((item): Item => {
      if (word(item["type"]).endsWith("_output")) return { result: textOf(item["output"]) };
      return item["role"] === "user" ? { user: textOf(item["content"]) } : { model: true };
    });
  },
  tools: (body) => list(body["tools"]).map((tool) => toolFrom(tool["name"] ?? tool["type"], tool["parameters"])),
  plain: (body, answer, id) => responsesDone(body, responsesItem(answer, id), id),
  stream: (body, answer, id) => {
    const item = responsesItem(answer, id);
    const events: readonly Json[] = [
      { type: "response.created", response: responsesBegun(body, id) },
      { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress" } },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: responsesDone(body, item, id) },
    ];
    return events.map((event) => [word(event["type"]), event]);
  },
};

const responsesBegun = (body: Json, id: string): Json => ({
  id: `resp_${id}`,
  object: "response",
  created_at: 1,
  model: body["model"],
  status: "in_progress",
  output: [],
});

const responsesDone = (body: Json, item: Json, id: string): Json => ({
  ...responsesBegun(body, id),
  status: "completed",
  output: [item],
  usage: {
    input_tokens: 1000,
    input_tokens_details: { cached_tokens: 200 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 10 },
    total_tokens: 1050,
  },
});

const responsesItem = (answer: Answer, id: string): Json =>
  "name" in answer
    ? {
        type: "function_call",
        id: `fc_${id}`,
        call_id: `call_${id}`,
        name: answer.name,
        arguments: JSON.stringify(answer.args),
        status: "completed",
      }
    : {
        type: "message",
        id: `msg_${id}`,
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: answer.text, annotations: [] }],
      };

const chat: Protocol = {
  items: (body) =>
    list(body["messages"]).map((message): Item => {
      if (message["role"] === "tool") return { result: textOf(message["content"]) };
      return message["role"] === "user" ? { user: textOf(message["content"]) } : { model: true };
    }),
  tools: (body) =>
    list(body["tools"]).map((tool) => {
      const made = tool["function"] as Json | undefined;
      return toolFrom(made?.["name"], made?.["parameters"]);
    }),
  plain: (body, answer, id) => ({
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created: 1,
    model: body["model"],
    choices: [
      {
        index: 0,
        finish_reason: "name" in answer ? "tool_calls" : "stop",
        message: { role: "assistant", ...chatPart(answer, id) },
      },
    ],
    usage: chatUsage,
  }),
  stream: (body, answer, id) => {
    const piece = (delta: Json, reason: string | null): Json => ({
      id: `chatcmpl-${id}`,
      object: "chat.completion.chunk",
      created: 1,
      model: body["model"],
      choices: [{ index: 0, delta, finish_reason: reason }],
    });
    return [
      [undefined, piece({ role: "assistant", content: "" }, null)],
      [undefined, piece(chatPart(answer, id), null)],
      [undefined, piece({}, "name" in answer ? "tool_calls" : "stop")],
      [undefined, { ...piece({}, null), choices: [], usage: chatUsage }],
      [undefined, "[DONE]"],
    ];
  },
};

const chatUsage = {
  prompt_tokens: 1000,
  completion_tokens: 50,
  total_tokens: 1050,
  prompt_tokens_details: { cached_tokens: 200 },
};

const chatPart = (answer: Answer, id: string): Json =>
  "name" in answer
    ? {
        tool_calls: [
          {
            index: 0,
            id: `call_${id}`,
            type: "function",
            function: { name: answer.name, arguments: JSON.stringify(answer.args) },
          },
        ],
      }
    : { content: answer.text };

const gemini: Protocol = {
  items: (body) =>
    list(body["contents"]).flatMap((content) =>
      list(content["parts"]).map((part): Item => {
        if (part["functionResponse"] !== undefined) return { result: JSON.stringify(part["functionResponse"]) };
        return content["role"] === "model" ? { model: true } : { user: word(part["text"]) };
      }),
    ),
  tools: (body) =>
    list(body["tools"])
      .flatMap((group) => list(group["functionDeclarations"]))
      .map((tool) => toolFrom(tool["name"], tool["parameters"] ?? tool["parametersJsonSchema"])),
  plain: (body, answer, id) => geminiReply(body, answer, id),
  stream: (body, answer, id) => [[undefined, geminiReply(body, answer, id)]],
};

/** Side requests want JSON of a given form. */
const geminiReply = (body: Json, answer: Answer, id: string): Json => {
  const wantsJson = (body["generationConfig"] as Json | undefined)?.["responseMimeType"] === "application/json";
  const part =
    "name" in answer
      ? { functionCall: { name: answer.name, args: answer.args, id: `fc_${id}` } }
      : { text: wantsJson ? '{"reasoning":"x","model_choice":"flash","next_speaker":"user"}' : answer.text };
  return {
    candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP", index: 0 }],
    usageMetadata: {
      promptTokenCount: 1000,
      candidatesTokenCount: 50,
      totalTokenCount: 1050,
      cachedContentTokenCount: 200,
    },
    modelVersion: "scripted",
  };
};

/** The protocol of a path; undefined when it is none of them. */
export const protocolOf = (path: string): Protocol | undefined => {
  if (path.endsWith("/messages")) return anthropic;
  if (path.endsWith("/responses")) return responses;
  if (path.endsWith("/chat/completions")) return chat;
  return /:(?:stream)?generateContent$/i.test(path) ? gemini : undefined;
};
