/**
 * Hides `fetch` from the moment this file is imported. Yoga, Ink's layout engine, fetches its program from a `data:` address
 * while it is imported, for which Node loads its whole HTTP client: a third of the time until the first frame. Where there is
 * no `fetch`, Yoga decodes the address itself. Import this before Ink.
 */
const fetch: PropertyDescriptor | undefined = Object.getOwnPropertyDescriptor(globalThis, "fetch");
Object.defineProperty(globalThis, "fetch", { value: undefined, configurable: true, writable: true });

/** Put `fetch` back, once Ink has been imported. */
export const restoreFetch = (): void => {
  if (fetch) Object.defineProperty(globalThis, "fetch", fetch);
};
