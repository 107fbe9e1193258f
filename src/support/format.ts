// Numbers as text: percentages, durations and counts.

/** Formats a fraction, 0–1, as a percentage: `"97.5 %"`. */
export const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

/** Formats seconds, rounded up: `"1 min 05 s"`. */
export function formatDuration(seconds: number): string {
	const whole = Math.ceil(seconds);
	return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Formats a number with its noun: `"1,200 images"`, `"1 image"`. */
export const counted = (number: number, noun: string): string =>
	`${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** Formats a difference of two fractions in percentage points: `"+1.5 points"`, `"−0.3 points"`, `"0.0 points"`. */
export function points(difference: number): string {
	const rounded = Number((100 * difference).toFixed(1));
	return `${["−", "", "+"][Math.sign(rounded) + 1]}${Math.abs(rounded).toFixed(1)} points`;
}
