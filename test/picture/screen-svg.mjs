// A terminal's screen as an SVG picture: deterministic text, no dependency.
// Usage: node test/picture/screen-svg.mjs COLUMNS ROWS FILE.svg [KEYS] -- COMMAND [ARGUMENT…]
// KEYS are sent one by one after the first frame: j k … or names such as enter, esc, ctrl-d.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";

const cell = { width: 8.4, height: 18 };
const margin = 14;
const back = "#11151c";
const front = "#c9d1d9";
const palette = [
  ["#3b4252", "#e5616d", "#7fbf6a", "#e0b354", "#6aa3e8", "#c586d8", "#4fb8c4", "#c9d1d9"],
  ["#5c6773", "#ff7b85", "#98d982", "#f5cf75", "#8bbcf7", "#dba5ea", "#74d3de", "#ffffff"],
].flat();

/** The picture of an xterm buffer (`terminal.buffer.active`) of so many columns and rows. */
export const screenSvg = (buffer, columns, rows) => {
  const width = Math.ceil(columns * cell.width + 2 * margin);
  const height = rows * cell.height + 2 * margin;
  const parts = [];
  for (let row = 0; row < rows; row += 1) parts.push(...rowParts(buffer.getLine(buffer.viewportY + row), columns, row));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${back}"/>`,
    `<g font-family="'DejaVu Sans Mono','Noto Sans Mono CJK SC',Menlo,Consolas,monospace" font-size="14" xml:space="preserve">`,
    ...parts,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
};

const rowParts = (line, columns, row) => {
  const parts = [];
  let run;
  const end = () => {
    if (run && (run.text.trim() !== "" || run.look.ground !== back)) parts.push(...runParts(run, row));
    run = undefined;
  };
  if (!line) return parts;
  for (let column = 0; column < columns; column += 1) {
    const one = line.getCell(column);
    if (!one || one.getWidth() === 0) continue;
    const text = one.getChars() || " ";
    const look = lookOf(one);
    const key = JSON.stringify(look);
    const blank = text === " " && (run?.text.endsWith(" ") ?? false);
    if (run && (run.key !== key || one.getWidth() === 2 || !/^[ -~]$/.test(text) || run.single)) end();
    // Renderers fold blanks: a run ends at the second one, unless it is painted.
    else if (blank && look.ground === back) end();
    run ??= { text: "", key, look, column, columns: 0, single: one.getWidth() === 2 || !/^[ -~]$/.test(text) };
    run.text += text;
    run.columns += one.getWidth();
  }
  end();
  return parts;
};

const runParts = ({ text, look, column, columns }, row) => {
  const x = round(margin + column * cell.width);
  const y = margin + row * cell.height;
  const parts = [];
  if (look.ground !== back) {
    parts.push(
      `<rect x="${x}" y="${y}" width="${round(columns * cell.width + 0.4)}" height="${cell.height}" fill="${look.ground}"/>`,
    );
  }
  const words = text.trimStart();
  const at = round(x + (text.length - words.length) * cell.width);
  const shown = words.trimEnd().replaceAll(" ", "\u00A0");
  if (shown === "") return parts;
  const weight = look.bold ? ` font-weight="bold"` : "";
  const opacity = look.dim ? ` fill-opacity="0.55"` : "";
  const length = shown.length > 1 ? ` textLength="${round(shown.length * cell.width)}"` : "";
  const written = `<text x="${at}" y="${y + 13}" fill="${look.ink}"${weight}${opacity}${length}>${escaped(shown)}</text>`;
  return [...parts, drawn(text, x, y, look) ?? written];
};

/** Lines and blocks are drawn, not written: fonts leave gaps between them. */
const drawn = (text, x, y, { ink, dim }) => {
  const middleX = round(x + cell.width / 2);
  const middleY = y + cell.height / 2;
  const right = round(x + cell.width);
  const bottom = y + cell.height;
  const path = {
    "─": `M${x} ${middleY}H${right}`,
    "│": `M${middleX} ${y}V${bottom}`,
    "├": `M${middleX} ${y}V${bottom}M${middleX} ${middleY}H${right}`,
    "┤": `M${middleX} ${y}V${bottom}M${x} ${middleY}H${middleX}`,
    "╭": `M${middleX} ${bottom}Q${middleX} ${middleY} ${right} ${middleY}`,
    "╮": `M${middleX} ${bottom}Q${middleX} ${middleY} ${x} ${middleY}`,
    "╰": `M${middleX} ${y}Q${middleX} ${middleY} ${right} ${middleY}`,
    "╯": `M${middleX} ${y}Q${middleX} ${middleY} ${x} ${middleY}`,
  }[text];
  if (path) return `<path d="${path}" fill="none" stroke="${ink}" stroke-opacity="${dim ? 0.45 : 0.9}"/>`;
  const block = { "█": 1, "░": 0.25 }[text];
  if (block === undefined) return undefined;
  return `<rect x="${x}" y="${y + 4}" width="${round(cell.width + 0.2)}" height="${cell.height - 8}" fill="${ink}" fill-opacity="${dim ? block / 1.6 : block}"/>`;
};

const lookOf = (one) => {
  const ink = colour(one.isFgDefault(), one.isFgRGB(), one.getFgColor(), front);
  const ground = colour(one.isBgDefault(), one.isBgRGB(), one.getBgColor(), back);
  const inverse = Boolean(one.isInverse());
  return {
    ink: inverse ? ground : ink,
    ground: inverse ? ink : ground,
    bold: Boolean(one.isBold()),
    dim: Boolean(one.isDim()),
  };
};

const colour = (isDefault, isRgb, value, otherwise) => {
  if (isDefault) return otherwise;
  if (isRgb) return `#${value.toString(16).padStart(6, "0")}`;
  return palette[value] ?? otherwise;
};

const round = (value) => Math.round(value * 100) / 100;

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A screen that says nothing for so long has said all. */
const quietMs = 700;

const names = { enter: "\r", esc: "\u001B", tab: "\t", down: "\u001B[B", up: "\u001B[A", "ctrl-d": "\u0004" };

/** Starts a command on a terminal of this size, sends keys, and answers the picture of what then is on its screen. */
const picture = async (columns, rows, keys, [command, ...words]) => {
  const { default: pty } = await import("@lydell/node-pty");
  const { default: xterm } = await import("@xterm/headless");
  const { Unicode11Addon } = await import("@xterm/addon-unicode11");
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = "11";
  const child = pty.spawn(command, words, { cols: columns, rows, env: { ...process.env, TERM: "xterm-256color" } });
  let heard = Number.POSITIVE_INFINITY;
  child.onData((text) => {
    heard = Date.now();
    terminal.write(text);
  });
  const rest = async () => {
    const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
    do await pause();
    while (!(Date.now() - heard > quietMs));
  };
  await rest();
  for (const key of keys) {
    heard = Number.POSITIVE_INFINITY;
    child.write(names[key] ?? key);
    await rest();
  }
  const svg = screenSvg(terminal.buffer.active, columns, rows);
  child.kill();
  return svg;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [columns, rows, file, ...rest] = process.argv.slice(2);
  const at = rest.indexOf("--");
  writeFileSync(file, await picture(Number(columns), Number(rows), rest.slice(0, at), rest.slice(at + 1)));
}
