/** JSON that other hands wrote over ours: read only when every reader would read the same in it. */
import { below, type Fault, json, wrong } from "./parse.ts";
import { quote } from "./id.ts";

/** Deepest nesting that is read. */
const depthMax = 32;

/** Longest text that is read, in characters. */
const charactersMax = 16 * 1024 * 1024;

/**
 * The value of a JSON text. A key that stands twice, `__proto__` and nesting beyond 32 levels are faults: parsers differ on
 * what they mean. To be called inside `attempt`.
 */
export const strictJson = (text: string): unknown => {
  const value = json(text, charactersMax);
  const fault = oddity(text);
  return fault === undefined ? value : wrong(fault.path, fault.fault, fault.hint);
};

/** An object or a list that is open at some place of the text. */
interface Open {
  readonly keys: Set<string> | undefined;
  readonly path: string;
}

/** What is odd about a text that is JSON. */
const oddity = (text: string): Fault | undefined => {
  const open: Open[] = [];
  let key = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    const top = open.at(-1);
    if (token === "}" || token === "]") open.pop();
    else if (token === "{" || token === "[") {
      if (open.length >= depthMax)
        return { path: "", fault: `is nested deeper than ${depthMax} levels`, hint: "write it flat" };
      const path = top === undefined ? "" : top.keys ? below(top.path, key) : `${top.path}[]`;
      open.push({ keys: token === "{" ? new Set() : undefined, path });
    } else if (token.endsWith(":") && top?.keys) {
      key = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
      const fault = keyFault(top, key);
      if (fault !== undefined) return { path: below(top.path, key).replace(/^\./, ""), fault, hint: "take it out" };
      top.keys.add(key);
    }
  }
  return undefined;
};

const keyFault = ({ keys }: Open, key: string): string | undefined => {
  if (key === "__proto__") return `${quote(key)} is no name for a field`;
  return keys?.has(key) === true ? "stands there twice" : undefined;
};
