/** Ctrl-Z: the shell gets its terminal back, and `fg` brings the screen up again. */
import process from "node:process";
import type { ReadStream } from "node:tty";

import type { Screen } from "./screen.ts";

/** Ways to stop for a while. */
export interface Suspension {
  /** Stops this process and those started with it in the foreground, as the terminal would; goes on when it is continued. */
  readonly suspend: () => void;
  readonly release: () => void;
}

/** Suspends on request, and when somebody sends SIGTSTP. */
export const createSuspension = (stdin: ReadStream, screen: Screen): Suspension => {
  const suspend = (): void => {
    screen.leave(() => {
      stdin.setRawMode(false);
      // Without a listener the signal does what it does by itself.
      process.off("SIGTSTP", suspend);
      process.kill(0, "SIGTSTP");
      // Stopped here. In a session without job control the signal does nothing, and the screen comes back at once.
      setTimeout(resume, resumeMs);
    });
  };
  const resume = (): void => {
    process.on("SIGTSTP", suspend);
    stdin.setRawMode(true);
    screen.enter();
  };
  process.on("SIGTSTP", suspend);
  return { suspend, release: () => process.off("SIGTSTP", suspend) };
};

/** The signal is delivered before this has passed; the time stopped does not count. */
const resumeMs = 50;
