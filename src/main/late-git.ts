/** The git driver when it is first needed: `status` and `--version` never load it. */
import type { Git, Layout, Release } from "../port.ts";

/** A git driver that loads itself at the first call. `failed` is told when a watch cannot be set up. */
export const lateGit = (layout: Layout, failed: (line: string) => void): Git => {
  let loading: Promise<Git> | undefined;
  const load = (): Promise<Git> => (loading ??= import("../git/repo.ts").then(({ createGit }) => createGit(layout)));
  const watch: Git["watch"] = (lanes, changed) => {
    let release: Release | undefined;
    let over = false;
    const arm = async (): Promise<void> => {
      const git = await load();
      if (!over) release = git.watch(lanes, changed);
    };
    arm().catch((error: unknown) => failed(`watch: ${String(error)}`));
    return () => {
      over = true;
      release?.();
    };
  };
  return new Proxy({ watch } as Git, {
    get: (git, name: keyof Git) =>
      name === "watch"
        ? git.watch
        : async (...parts: readonly never[]) =>
            ((await load())[name] as (...given: readonly never[]) => unknown)(...parts),
  });
};
