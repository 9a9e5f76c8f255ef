/** Records of older versions → today's, before they are folded. The log itself is never rewritten: it is read like this for ever. */
import { recordVersion } from "./event.ts";

/** A record of some version, not looked at yet. */
export type Raw = Readonly<Record<string, unknown>>;

/**
 * The record as today's version would have written it: step by step, one for each version. A record of today's version, of
 * a higher one or of none that ever was comes back as it is; what a record holds is the business of whoever reads it.
 */
export const upcast = (record: Raw): Raw => {
  const { v } = record;
  let raised = record;
  for (let version = typeof v === "number" ? v : recordVersion; version < recordVersion; version += 1) {
    const step = steps.get(version);
    if (!step) return record;
    raised = { ...step(raised), v: version + 1 };
  }
  return raised;
};

/** Version → what takes a record of it to the next. A row is never changed: the frozen logs of the tests hold it. */
const steps: ReadonlyMap<number, (old: Raw) => Raw> = new Map([
  // Version 0, the form of the first design: one fact a record, its fields in `data`.
  [
    0,
    ({ type, key, data, ...rest }: Raw): Raw => {
      const fields = typeof data === "object" && data !== null ? data : {};
      return { ...rest, events: [{ ...fields, type, ...(key === undefined ? {} : { key }) }] };
    },
  ],
]);
