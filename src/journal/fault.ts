/** What the journal throws when the world is broken: one sentence and what to do, the system's error as `cause`. */

/** The log is not the one that the cursor came from (archived, removed, truncated): fold again from the start. */
export class LogReplaced extends Error {
  override readonly name = "LogReplaced";
}

/** A sentence for a person with the system's `code` kept on the error, so that a caller can try again on EIO or ENOSPC. */
export const fault = (what: string, cause: unknown): Error =>
  Object.assign(new Error(`${what} ${reason(cause)}`, { cause }), { code: codeOf(cause) });

/** The system's code of a thrown error (`ENOENT`), or undefined when it has none: then it is our mistake. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

const reason = (cause: unknown): string => {
  const code = codeOf(cause);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return `because the disk is full (${code}): free some space, then try again.`;
    case "EFBIG":
      return "because files may not grow that large here (EFBIG): raise the limit (ulimit -f), then try again.";
    case "EMFILE":
    case "ENFILE":
      return `because too many files are open (${code}): raise the limit (ulimit -n), then try again.`;
    case "EIO":
      return "because the disk reported an error (EIO): whether it was kept is unknown; try again, and look after the disk.";
    case "EROFS":
      return "because the file system is read-only (EROFS): looking works, changing does not.";
    case "EACCES":
    case "EPERM":
      return `because that is not permitted (${code}): check who owns the folder.`;
    case "ELOOP":
      return "because it is a symbolic link (ELOOP): put the file itself there.";
    default:
      return `(${code ?? String(cause)}).`;
  }
};
