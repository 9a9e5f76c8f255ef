/** The three parts that `Promise.withResolvers` hands out. */
interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason?: unknown) => void;
}

// Ink 8 calls Promise.withResolvers (ES2024), which Node has from version 22 on. Import this file before Ink.
const promise = Promise as PromiseConstructor & { withResolvers?: <T>() => Resolvers<T> };

promise.withResolvers ??= function withResolvers<T>(): Resolvers<T> {
  const parts: Partial<Omit<Resolvers<T>, "promise">> = {};
  const made = new Promise<T>((resolve, reject) => {
    Object.assign(parts, { resolve, reject });
  });
  return Object.assign(parts as Omit<Resolvers<T>, "promise">, { promise: made });
};
