/** The git driver when it is first needed: `status` and `--version` never load it. */
import type { Git, Layout, Release } from "../port.ts";

/** A git driver that loads itself at the first call. `note` is told when a watch cannot be set up, and what was repaired. */
export const lateGit = (layout: Layout, note: (line: string) => void): Git => {
  let loading: Promise<Git> | undefined;
  const load = (): Promise<Git> =>
    (loading ??= import("../git/repo.ts").then(({ createGit }) => createGit(layout, { note })));
  const watch: Git["watch"] = (lanes, changed) => {
    let release: Release | undefined;
    let over = false;
    const arm = async (): Promise<void> => {
      const git = await load();
      if (!over) release = git.watch(lanes, changed);
    };
    arm().catch((error: unknown) => note(`watch: ${String(error)}`));
    return () => {
      over = true;
      release?.();
    };
  };
  const call =
    (name: keyof Git) =>
    async (...parts: readonly never[]): Promise<unknown> =>
      ((await load()) as unknown as Record<string, (...given: readonly never[]) => unknown>)[name]?.(...parts);
  return new Proxy({} as Git, { get: (_, name: keyof Git) => (name === "watch" ? watch : call(name)) });
};
