// Numbers as text: percentages and durations.

/** Formats a fraction, 0–1, as a percentage: `"97.5 %"`. */
export const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

/** Formats seconds, rounded up: `"1 min 05 s"`. */
export function formatDuration(seconds: number): string {
	const whole = Math.ceil(seconds);
	return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}
