import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type Claim, collide, deadlockIn, granted, waitingIn, yielded } from "../../src/core/lease.ts";

const claim = (id: number, lane: string, paths: readonly string[], over: Partial<Claim> = {}): Claim => ({
  id,
  lane,
  paths,
  shared: false,
  ttlMs: 60_000,
  at: 0,
  token: undefined,
  place: id,
  source: "person",
  ...over,
});

/** Claims asked for one after another; `id` is also the position of the record. */
const asked = (...all: readonly Claim[]): readonly Claim[] => {
  let claims: readonly Claim[] = [];
  for (const one of all) claims = granted([...claims, one], one.id, one.id);
  return claims;
};

const holders = (claims: readonly Claim[]): readonly number[] =>
  claims.filter(({ token }) => token !== undefined).map(({ id }) => id);

const without = (claims: readonly Claim[], id: number, position: number): readonly Claim[] =>
  granted(
    claims.filter((one) => one.id !== id),
    position,
    position,
  );

describe("a claim is granted", () => {
  test("when nobody holds any of it, and all of it", () => {
    const claims = asked(claim(1, "a", ["src/x"]), claim(2, "b", ["docs", "src/x/y"]), claim(3, "c", ["docs/z"]));
    expect(holders(claims)).toEqual([1]);
    expect(waitingIn(claims).map(({ claim: { id }, behind }) => [id, behind.map((one) => one.id)])).toEqual([
      [2, [1]],
      [3, [2]],
    ]);
    expect(claims[0]).toMatchObject({ token: 1, at: 1 });
  });

  test("at the position of the record that made way", () => {
    const claims = without(asked(claim(1, "a", ["x"]), claim(2, "b", ["x"]), claim(3, "c", ["x"])), 1, 7);
    expect(claims.map(({ id, token }) => [id, token])).toEqual([
      [2, 7],
      [3, undefined],
    ]);
  });

  test("beside others that share, and of one's own lane", () => {
    const shared = { shared: true };
    expect(holders(asked(claim(1, "a", ["x"], shared), claim(2, "b", ["x"], shared)))).toEqual([1, 2]);
    expect(holders(asked(claim(1, "a", ["x"], shared), claim(2, "b", ["x"])))).toEqual([1]);
    expect(holders(asked(claim(1, "a", ["x"]), claim(2, "a", ["x/y"])))).toEqual([1, 2]);
  });

  test("for resources by their names", () => {
    expect(collide(claim(1, "a", ["@port"]), claim(2, "b", ["@port"]))).toBe(true);
    expect(collide(claim(1, "a", ["@port"]), claim(2, "b", ["@por*", "**"]))).toBe(false);
  });

  test("as it is, when nothing is free", () => {
    const claims = asked(claim(1, "a", ["x"]), claim(2, "b", ["x"]));
    expect(granted(claims, 9, 9)).toBe(claims);
  });
});

describe("lanes that wait for each other", () => {
  test("are found, and the one of lowest weight gives way", () => {
    // Once a gives back, b and c hold what the other one waits for: that is certain before.
    let claims = asked(
      claim(1, "a", ["y"]),
      claim(2, "b", ["x"]),
      claim(3, "c", ["y"]),
      claim(4, "b", ["y"]),
      claim(5, "c", ["x"]),
    );
    expect(deadlockIn(claims)).toEqual(["b", "c"]);
    claims = without(claims, 1, 6);
    const circle = deadlockIn(claims) ?? [];
    expect(circle).toEqual(["b", "c"]);
    const weight = (lane: string): number => (lane === "b" ? 0 : 1);
    const after = yielded(claims, circle, weight, 7);
    expect(after?.lane).toBe("b");
    expect(after?.claims[0]).toMatchObject({ id: 2, token: undefined, place: 7 });
    expect(holders(granted(after?.claims ?? [], 7, 7))).toEqual([3, 5]);
    expect(yielded(claims, circle, () => 1, 7)).toMatchObject({ lane: "c" });
  });

  test("are no circle when they only wait in a row", () => {
    expect(deadlockIn(asked(claim(1, "a", ["x"]), claim(2, "b", ["x"]), claim(3, "c", ["x"])))).toBeUndefined();
  });

  test("give nothing way when nobody of them holds anything", () => {
    expect(yielded(asked(claim(1, "a", ["x"])), ["b", "c"], () => 0, 7)).toBeUndefined();
  });
});

describe("whatever is asked for and given back", () => {
  const path = fc.constantFrom("a", "b", "a/b", "*", "a/*", "b/**", "**/b", "@port");
  const request = fc.record({
    lane: fc.constantFrom("l1", "l2", "l3", "l4"),
    paths: fc.uniqueArray(path, { minLength: 1, maxLength: 3 }),
    shared: fc.boolean(),
  });
  const step = fc.oneof({ weight: 3, arbitrary: request }, { weight: 1, arbitrary: fc.nat(20) });
  const weight = (lane: string): number => Number(lane.slice(1)) % 2;

  /** The claims with each deadlock ended by somebody giving way. */
  const unlocked = (claims: readonly Claim[], from: number): readonly Claim[] => {
    let now = claims;
    for (let turn = 0; turn < 200; turn += 1) {
      const circle = deadlockIn(now);
      if (!circle) return now;
      const position = from + (turn + 1) / 1000;
      const after = yielded(now, circle, weight, position);
      if (!after) throw new Error(`nobody gives way in ${circle.join(" ")}`);
      now = granted(after.claims, position, position);
    }
    throw new Error("deadlocks without end");
  };

  test("no two hold what keeps the other out, and everybody is served in the end", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        let claims: readonly Claim[] = [];
        let position = 0;
        const check = (): void => {
          const held = claims.filter(({ token }) => token !== undefined);
          for (const one of held) for (const other of held) expect(collide(one, other)).toBe(false);
        };
        for (const one of steps) {
          position += 1;
          claims =
            typeof one === "number"
              ? without(claims, claims[one % Math.max(1, claims.length)]?.id ?? 0, position)
              : granted([...claims, claim(position, one.lane, one.paths, { shared: one.shared })], position, position);
          claims = unlocked(claims, position);
          check();
        }
        // A lane gives back what it holds once it has all that it asked for: so nobody waits for ever.
        for (let turns = 0; claims.length > 0; turns += 1) {
          expect(turns).toBeLessThan(50);
          position += 1;
          const waiting = new Set(waitingIn(claims).map(({ claim: { lane } }) => lane));
          const done = claims.find(({ lane }) => !waiting.has(lane));
          expect(done).toBeDefined();
          claims = unlocked(without(claims, done?.id ?? 0, position), position);
          check();
        }
      }),
      { numRuns: 300 },
    );
  });
});
