// The part of the comparison of runs that says which of their differences are more than luck.
import { type Interval, meanConfint } from "../../src/metrics";
import { points } from "../../src/support/format";
import { type Html, html } from "../../src/support/text";
import { type Comparison, isMoreThanLuck, type Luck, luckLines, shareInterval, signed } from "./luck";
import { table } from "./page";

/** Verdicts in words, then the intervals that they follow from, then how these were computed. */
export function luckSection(luck: Luck): Html {
	const lines = luckLines(luck).map((line) => html`<li>${line}.</li>\n`);
	return html`<h2>Which differences are more than luck</h2>
<ul>${lines}</ul>
${configurations(luck)}${comparisons(luck)}${notes(luck).map((note) => html`<p>${note}</p>\n`)}`;
}

/** Means over seeds; single runs are among the key numbers. */
function configurations({ configurations }: Luck): Html | null {
	if (configurations.every(({ runs }) => runs.length === 1)) return null;
	const rows = configurations.map(({ label, accuracies, losses }) => {
		const { value, low, high } = meanConfint(losses);
		const bounds = Number.isNaN(low) ? "one seed" : `95 %: ${low.toFixed(4)} to ${high.toFixed(4)}`;
		const loss = Number.isNaN(value) ? null : `${value.toFixed(4)} (${bounds})`;
		return [whole(label), accuracies.length, shareInterval(accuracies), loss];
	});
	return html`<h3>Means over seeds</h3>${table(rows, { header: ["", "Seeds", "Test accuracy", "Test loss"], numeric: true })}`;
}

function comparisons({ comparisons }: Luck): Html | null {
	if (comparisons.length === 0) return null;
	const rows = comparisons.map(({ best, other, difference, byImages, bySeeds, byBoth, loss }) => [
		whole(`${best.label} − ${other.label}`),
		points(difference),
		...[byImages, bySeeds, byBoth].map((interval) => interval && marked(interval, inPoints)),
		loss && html`${signed(loss.value)} (${marked(loss, signed)})`,
	]);
	const header = ["", "Test accuracy", "by test images", "by seeds", "by both", "Test loss, by seeds"];
	const known = rows.map((row) => row.map((cell) => cell ?? "unknown"));
	return html`<h3>Differences and their intervals</h3>${table(known, { header, numeric: true })}`;
}

/** Letters that stay on one line. */
const whole = (text: string) => html`<span class="whole">${text}</span>`;

const inPoints = (bound: number) => points(bound).replace(" points", "");

function marked(interval: Interval, shown: (bound: number) => string): Html {
	const text = `${shown(interval.low)} to ${shown(interval.high)}`;
	return isMoreThanLuck(interval) ? html`<mark>${text}</mark>` : html`${text}`;
}

/** What a reader must know to believe the intervals, a paragraph each. */
function notes({ configurations, comparisons, pairs, splitBySeed }: Luck): string[] {
	const named = (sameImages: Comparison["sameImages"]) =>
		comparisons
			.filter((one) => one.sameImages === sameImages)
			.map(({ best, other }) => `${best.label} and ${other.label}`)
			.join("; ");
	const [different, unknown] = [named(false), named(null)];
	const level = Number((100 * (1 - 0.05 / pairs)).toFixed(2));
	return [
		comparisons.length > 0
			? `A difference whose interval leaves 0 out, marked, is more than luck. By test images: the difference that other test images could give, by Newcombe's interval of two independent sets. Networks tested on the same images mostly agree on them, so that this interval is conservative: wider than it need be. By seeds: the difference that other seeds could give, by Welch's interval of means. It needs two seeds or more of each, in runs that differ in nothing but the seed. By both: the two intervals, added in squares.`
			: "",
		pairs > 1
			? `Each is compared with ${comparisons[0].best.label}, the most accurate of ${configurations.length}. Beforehand any of their ${pairs} pairs could have become such a comparison, so the intervals are Bonferroni-corrected for ${pairs}: each has a level of ${level} % instead of 95 %.`
			: "",
		different && `Tested on different images, so that their difference includes that of the images: ${different}.`,
		unknown && `Whether they were tested on the same images is not recorded: ${unknown}.`,
		...splitBySeed.map((group) => {
			const labels = group.map(({ label }) => label).join(" and ");
			return `${labels} differ in the seed and in their images only: where --dataset is a folder that is not split, the seed decides the split. Split it once (npm run dataset -- FOLDER), and runs with other seeds have the same test images.`;
		}),
	].filter((note) => note !== "");
}
