declare const __LANES_VERSION__: string;

process.stdout.write(`${__LANES_VERSION__}\n`);
