/** The control center without a parser of arguments before it: built as one file of its own, because somebody waits for it. */
import { isNo } from "../core/observed.ts";
import { openControlCenter } from "../tui/run.tsx";
import { shellOf } from "./wire.ts";

/** Show the control center of the repository around the working directory; undefined where there is none. */
export const screen = async (version: string, root: string): Promise<number | undefined> => {
  const engine = await shellOf(version, root).engine();
  return isNo(engine) ? undefined : openControlCenter(engine, {});
};
