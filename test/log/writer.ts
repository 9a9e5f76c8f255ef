/** A process that writes `count` lines into a rotating file, as fast as it can. */
import { createRotatingFile } from "../../src/log/file.ts";

const [path, cap, name, count] = process.argv.slice(2);
if (path === undefined || name === undefined) throw new Error("usage: writer PATH CAP NAME COUNT");
const file = createRotatingFile(path, Number(cap));
for (let n = 0; n < Number(count); n += 1) file.write(`${JSON.stringify({ name, n, text: "x".repeat(n % 50) })}\n`);
