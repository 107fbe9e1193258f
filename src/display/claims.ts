// The claims of a lesson: what was expected, what was measured, and whether it held.
import type { Interval } from "../metrics/mean";
import { percent, points } from "../support/format";

/** The range in which a claim expects its measurement; all bounds that are given count. */
export interface Expected {
	/** The measurement is expected above this number. */
	above?: number;
	/** The measurement is expected below this number. */
	below?: number;
	/** The measurement is expected to be this number or more. */
	atLeast?: number;
	/** The measurement is expected to be this number or less. */
	atMost?: number;
}

/** Whether a claim held: the whole interval is in the expected range, the whole interval is outside, or neither. */
export type Verdict = "held" | "not held" | "cannot tell";

/** A claim of a lesson with the measurement that decides it. */
export interface Claim {
	/** Sentence that the measurement supports or not. */
	claim: string;
	measured: Interval;
	expected: Expected;
	/** How the numbers are shown: `"percent"` a fraction, `"points"` a difference of fractions, `"number"` as they are. */
	unit: "percent" | "points" | "number";
	/** Why the measurement decides nothing, for example that no network has learned anything. Default: it does. */
	reason?: string;
	verdict: Verdict;
}

/**
 * Decides a claim by a measurement: it held if the whole confidence interval lies in the expected range, it did not hold
 * if the whole interval lies outside, and otherwise the measurement cannot tell.
 *
 * @param sentence for example `"Augmentation helps with 50 images"`
 * @param measured interval as from `meanConfint` or `proportionConfint` with its `value`, or an exact number such as a count
 * @param expected for example `{ above: 0 }`
 * @param options `unit`: how numbers are shown, default `"number"`; `reason`: why the measurement decides nothing, default
 *   none
 */
export function claim(
	sentence: string,
	measured: number | Interval,
	expected: Expected,
	{ unit = "number", reason }: { unit?: Claim["unit"]; reason?: string | null | false } = {},
): Claim {
	const interval = typeof measured === "number" ? { value: measured, low: measured, high: measured } : measured;
	return {
		claim: sentence,
		measured: interval,
		expected,
		unit,
		...(reason && { reason }),
		verdict: reason ? "cannot tell" : verdictOf(interval, expected),
	};
}

function verdictOf({ low, high }: Interval, { above, below, atLeast, atMost }: Expected): Verdict {
	if (Number.isNaN(low) || Number.isNaN(high)) return "cannot tell";
	// A bound that is not given neither admits nor excludes anything.
	const meets = (bound: number | undefined, admits: (bound: number) => boolean) => bound === undefined || admits(bound);
	const isInside =
		meets(above, (bound) => low > bound) &&
		meets(below, (bound) => high < bound) &&
		meets(atLeast, (bound) => low >= bound) &&
		meets(atMost, (bound) => high <= bound);
	if (isInside) return "held";
	const canBeInside =
		meets(above, (bound) => high > bound) &&
		meets(below, (bound) => low < bound) &&
		meets(atLeast, (bound) => high >= bound) &&
		meets(atMost, (bound) => low <= bound);
	return canBeInside ? "cannot tell" : "not held";
}

const UNITS: Record<Claim["unit"], (value: number) => string> = {
	percent,
	points,
	number: (value) => String(Number(value.toPrecision(4))).replace(/^-/, "−"),
};
const BOUNDS: Record<keyof Expected, string> = {
	above: "above",
	below: "below",
	atLeast: "at least",
	atMost: "at most",
};

/** Returns a claim as a row of a table: what was claimed, expected and measured, and whether it held. */
export function claimRow({ claim, expected, measured, unit, reason, verdict }: Claim) {
	const { value, low, high } = measured;
	const format = UNITS[unit];
	const bounds = (Object.keys(expected) as (keyof Expected)[]).map(
		(name) => `${BOUNDS[name]} ${format(expected[name] as number)}`,
	);
	const interval =
		low === high ? "" : Number.isNaN(low) ? " (no interval)" : ` (95 %: ${format(low)} to ${format(high)})`;
	return {
		claim,
		expected: bounds.join(" and "),
		measured: Number.isNaN(value) ? "–" : `${format(value)}${interval}`,
		verdict: reason ? `${verdict}: ${reason}` : verdict,
	};
}
