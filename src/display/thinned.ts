// Lines with more points than a screen has pixels.
import type { Figure } from "./svg";

/** Buckets that the points of a long line are put into; of each, four are drawn. */
const BUCKETS = 1000;

interface Line {
	type?: string;
	mode?: string;
	x?: unknown[];
	y?: unknown[];
}

/**
 * Returns a figure whose lines have at most 4,000 points: of each bucket of neighbours the first, the lowest, the highest and
 * the last (M4; Jugel et al., 2014). The line looks the same, and a page does not hold megabytes of it.
 */
export function thinned({ data, ...rest }: Figure): Figure {
	return { ...rest, data: data.map((trace) => (isLong(trace) ? thinnedLine(trace) : trace)) };
}

const isLong = ({ type = "scatter", mode, x, y }: Line): boolean =>
	type === "scatter" && mode === "lines" && Array.isArray(x) && Array.isArray(y) && y.length > 4 * BUCKETS;

function thinnedLine<T extends Line>(trace: T): T {
	const [x, y] = [trace.x as unknown[], trace.y as number[]];
	const size = y.length / BUCKETS;
	const kept = Array.from({ length: BUCKETS }, (_, bucket) => {
		const [first, end] = [Math.floor(bucket * size), Math.floor((bucket + 1) * size)];
		let [lowest, highest] = [first, first];
		for (let i = first; i < end; i++) {
			if (y[i] < y[lowest]) lowest = i;
			if (y[i] > y[highest]) highest = i;
		}
		return [...new Set([first, Math.min(lowest, highest), Math.max(lowest, highest), end - 1])];
	}).flat();
	return { ...trace, x: kept.map((i) => x[i]), y: kept.map((i) => y[i]) };
}
