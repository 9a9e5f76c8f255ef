/** The doctor on real drivers. Loaded for `lanes doctor` alone. */
import { isNo, type No } from "../core/observed.ts";
import { type Doctor, openDoctor } from "../engine/doctor.ts";
import { createGitWard } from "../git/examine.ts";
import { createHostWard } from "../host/examine.ts";
import { createJournalWard } from "../journal/examine.ts";
import type { Layout, World } from "../port.ts";

/** A doctor for the folder `cwd`. `world` is undefined where `layout` is a No. */
export const doctorIn = (cwd: string, layout: Layout | No, world: World | undefined, version: string): Doctor =>
  openDoctor({
    host: createHostWard(isNo(layout) ? undefined : layout, cwd, process.env),
    git: createGitWard(layout, cwd, process.env),
    ...(isNo(layout) ? {} : { journal: createJournalWard(layout) }),
    ...(world && { world }),
    version,
    now: () => Date.now(),
  });
