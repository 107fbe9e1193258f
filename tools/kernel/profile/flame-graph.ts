// Flame graphs: calls as rectangles as wide as the time they take, each below its caller.
// https://www.brendangregg.com/flamegraphs.html
import { type Html, html } from "../../../src/support/text";
import type { Call, Owner } from "./stack-tree";

/** Size in pixels. */
const WIDTH = 960;
const ROW = 18;
/** Rows of calls that are shown. */
const DEPTH = 60;
/** Width of a letter, about. */
const LETTER = 6.6;
/** Width below which a call is left out. */
const NARROWEST = 1;

const COLORS: Record<Owner, string> = {
	"cells and modules": "#fdae61",
	packages: "#abd9e9",
	TensorFlow: "#a6d96a",
	Node: "#d9d9d9",
};

/** Returns the calls of a cell as SVG. A pointer over a call shows its time and place. */
export function flameGraph(root: Call): string {
	if (root.total === 0) return "";
	let depth = 0;
	const frames = (calls: Iterable<Call>, left: number, row: number): Html[] => {
		depth = Math.max(depth, row);
		let x = left;
		return [...calls]
			.sort((a, b) => b.total - a.total)
			.flatMap((call) => {
				const width = (WIDTH * call.total) / root.total;
				if (width < NARROWEST || row >= DEPTH) return [];
				const below = frames(call.calls.values(), x, row + 1);
				const frame = frameOf(call, x, row, width);
				x += width;
				return [frame, ...below];
			});
	};
	const all = frames(root.calls.values(), 0, 0);
	const height = (depth + 1) * ROW + ROW;
	const key = Object.entries(COLORS).map(([owner, color], i) => keyOf(owner, color, i * 170, height - ROW + 3));
	const size = html`viewBox="0 0 ${WIDTH} ${height}" style="width:100%;max-width:${WIDTH}px"`;
	return String(
		html`<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11">${all}${key}</svg>`,
	);
}

function frameOf({ name, place, owner, total }: Call, x: number, row: number, width: number): Html {
	const letters = Math.floor((width - 6) / LETTER);
	const label = letters < 3 ? "" : name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
	const box = html`x="${x.toFixed(1)}" y="${row * ROW}" width="${width.toFixed(1)}" height="${ROW - 1}"`;
	const title = html`<title>${name}, ${place}: ${total.toFixed(1)} ms</title>`;
	const text = html`<text x="${(x + 3).toFixed(1)}" y="${row * ROW + 12}" fill="#222">${label}</text>`;
	return html`<g>${title}<rect ${box} fill="${COLORS[owner]}"/>${text}</g>`;
}

function keyOf(owner: string, color: string, x: number, y: number): Html {
	const text = html`<text x="${x + 15}" y="${y + 10}" fill="currentColor">${owner}</text>`;
	return html`<rect x="${x}" y="${y + 1}" width="10" height="10" fill="${color}"/>${text}`;
}
