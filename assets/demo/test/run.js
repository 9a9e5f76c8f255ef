// Every test/*.test.js is a module that throws when something is wrong.
import { readdirSync } from "node:fs";

const files = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".test.js"));
for (const name of files) {
  await import(new URL(name, import.meta.url));
  console.log(`ok ${name}`);
}
console.log(`${files.length} test files passed`);
