// From the death of an elected engine until another leads, while somebody watches and an agent runs.
import { fileURLToPath } from "node:url";

import { makeRepository, quantile, sleep } from "./library.mjs";

const rounds = 7;

/** `{name, ratio, detail}`: the longest of several, in ms. */
export const takeOverOfDead = async () => {
  const { library, launch, end } = await makeRepository();
  try {
    await launch("lane-0");
    const release = library.attend();
    const took = [];
    for (let round = 0; round < rounds; round += 1) {
      const { engine } = await library.refresh();
      await sleep(300 + 97 * round);
      process.kill(engine.process.pid, "SIGKILL");
      const begin = performance.now();
      for (;;) {
        const now = (await library.refresh()).engine;
        if (now.token !== engine.token) break;
        if (performance.now() - begin > 30_000) throw new Error("nobody took over");
        await sleep(5);
      }
      took.push(performance.now() - begin);
    }
    release();
    const detail = `SIGKILL of the engine, ${rounds} times: another leads after ${quantile(took, 0.5).toFixed(0)} ms (median), ${Math.max(...took).toFixed(0)} ms (longest)`;
    return { name: "takeover", ratio: Math.max(...took), detail };
  } finally {
    await end();
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { name, ratio, detail } = await takeOverOfDead();
  process.stdout.write(`${name}: ${ratio.toFixed(0)}; ${detail}; Node ${process.versions.node}\n`);
}
