/** What may and what may not be among the bytes that are sent to a terminal. */

/* oxlint-disable no-control-regex -- control characters are what this is about */

/** The sequences that erase the screen or its history. */
export const erasing: RegExp = /\u001B\[[23]?J/;

/** Sequences that set a colour. */
export const colouring: RegExp = /\u001B\[(?:[0-9]+;)*(?:3|4|9|10)[0-7](?:;[0-9]+)*m/;

/** Nothing but ASCII. */
export const onlyAscii: RegExp = /^[\u0000-\u007F]*$/;

/** The bytes without the sequences that we send ourselves. */
export const withoutOurs = (bytes: string): string =>
  bytes.replaceAll(/\u001B\[(?:[0-9;]*[mHGK]|\?(?:1049|25|7|2004|2026)[hl])/g, "");
