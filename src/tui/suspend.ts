/** Ctrl-Z: the shell gets its terminal back, and `fg` brings the screen up again. */
import process from "node:process";
import type { ReadStream } from "node:tty";

import type { Screen } from "./screen.ts";

/** Stops this process and those started with it in the foreground, as the terminal would; goes on when it is continued. */
export const suspend = (stdin: ReadStream, screen: Screen): void => {
  screen.leave();
  stdin.setRawMode(false);
  process.kill(0, "SIGTSTP");
  // Stopped here. In a session without job control the signal does nothing, and the screen comes back at once.
  setTimeout(() => {
    stdin.setRawMode(true);
    screen.enter();
  }, resumeMs);
};

/** The signal is delivered before this has passed; the time stopped does not count. */
const resumeMs = 50;
