// What if: another threshold, other costs, another prior of the positive class. The choice is in the address.
import { svgOf } from "../../../src/display/svg";
import { decoded } from "../../../src/pipeline/decoded-predictions";
import { percent } from "../../../src/support/format";
import { Html, html } from "../../../src/support/text";
import { predictionsText } from "./embedded";
import { type Choice, costCurve, oddsRatio, outcomeOf, priorOf, type Scored, scoredOf, withOdds } from "./outcome";

const PREFIX = "#what-if?";

/** Connects the controls of the page when they come into view, on the screen or on paper. */
export function offerWhatIf(): void {
	const section = document.querySelector<HTMLElement>("#what-if");
	const outcome = section?.querySelector<HTMLElement>(".outcome");
	const predictions = predictionsText();
	if (!section || !outcome || predictions === null) return;
	let isConnected = false;
	const connectOnce = () => {
		if (!isConnected) connect(section, outcome, predictions);
		isConnected = true;
	};
	new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && connectOnce()).observe(
		section,
	);
	addEventListener("beforeprint", connectOnce);
	if (location.hash.startsWith(PREFIX)) connectOnce();
	addEventListener("hashchange", () => location.hash.startsWith(PREFIX) && connectOnce());
}

/** Connects the controls, and restores the choice that the page's address holds. */
function connect(section: HTMLElement, outcome: HTMLElement, predictions: string): void {
	const evidence = decoded(JSON.parse(predictions));
	const positive = evidence.classNames[evidence.positiveClass];
	const sets = scoredOf(evidence);
	const usual: Choice = { threshold: 0.5, ...evidence.costs, prior: priorOf(sets[1]) };
	const controls = [...section.querySelectorAll<HTMLInputElement>("input")];

	function show(): void {
		const entries = controls.map(({ name, valueAsNumber }) => [name, valueAsNumber]);
		const choice: Choice = { ...usual, ...Object.fromEntries(entries) };
		for (const { name, nextElementSibling } of controls)
			if (nextElementSibling) nextElementSibling.textContent = shownValue(name as keyof Choice, choice);
		outcome.innerHTML = String(outcomeHtml(choice, sets, positive));
	}

	function choose(values: Partial<Record<string, number>>): void {
		for (const control of controls) {
			const value = values[control.name];
			if (Number.isFinite(value)) control.valueAsNumber = value as number;
		}
		show();
	}

	function readAddress(): void {
		if (!location.hash.startsWith(PREFIX)) return;
		const given = new URLSearchParams(location.hash.slice(PREFIX.length));
		choose(Object.fromEntries([...given].map(([name, value]) => [name, Number.parseFloat(value)])));
		section.scrollIntoView();
	}

	for (const control of controls)
		if (control.name !== "threshold" && control.name !== "prior")
			control.max = String(Math.max(20, 4 * usual[control.name as keyof Choice]));
	choose(usual);
	readAddress();
	addEventListener("hashchange", readAddress);
	section.addEventListener("input", () => {
		show();
		const state = new URLSearchParams(controls.map(({ name, value }) => [name, value]));
		history.replaceState(null, "", `${PREFIX}${state}`);
	});
	section.querySelector("button")?.addEventListener("click", () => {
		choose(usual);
		history.replaceState(null, "", "#what-if");
	});
}

const shownValue = (name: keyof Choice, choice: Choice) =>
	name === "prior" ? percent(choice.prior) : name === "threshold" ? choice.threshold.toFixed(2) : String(choice[name]);

/** The outcome of a choice as tables and a chart. */
function outcomeHtml(choice: Choice, sets: [Scored, Scored], positive: string): Html {
	const ratio = oddsRatio(choice.prior, priorOf(sets[1]));
	const images = sets.map((set) => withOdds(set, ratio));
	const [valid, test] = images.map((set) => outcomeOf(set, choice));
	const [onValid, onTest] = images.map((set) => costCurve(set, choice));
	const row = (name: string, values: string[]) =>
		html`<tr><th scope="row">${name}</th>${values.map((value) => html`<td>${value}</td>`)}</tr>`;
	const counts = (...values: number[]) => values.map((value) => String(Math.round(10 * value) / 10));
	const scores = (["precision", "recall", "specificity", "F1", "accuracy"] as const).map((name) =>
		row(name, [percent(valid[name]), percent(test[name])]),
	);
	const theory = choice.falsePositive / (choice.falsePositive + choice.falseNegative);
	const chart = svgOf({
		data: [
			{ type: "scatter", mode: "lines", name: "validation", x: onValid.x, y: onValid.y },
			{ type: "scatter", mode: "lines", name: "test", x: onTest.x, y: onTest.y },
		],
		layout: {
			title: { text: "Mean cost by threshold" },
			xaxis: { title: { text: "Threshold" } },
			yaxis: { title: { text: "Mean cost per image" } },
		},
	});
	return html`<div class="side-by-side">
<table><caption>The ${sets[1].isPositive.length} test images</caption>
<thead><tr><td></td><th scope="col">called ${positive}</th><th scope="col">not called so</th></tr></thead>
<tbody>${row(positive, counts(test.truePositive, test.falseNegative))}${row("others", counts(test.falsePositive, test.trueNegative))}</tbody></table>
<table><caption>Scores</caption><thead><tr><td></td><th scope="col">validation</th><th scope="col">test</th></tr></thead>
<tbody>${row("mean cost per image", [valid.cost.toFixed(4), test.cost.toFixed(4)])}${scores}</tbody></table>
</div>
<p>${Number.isNaN(theory) ? "Mistakes cost nothing." : `For these costs theory sets the threshold to ${theory.toFixed(2)}; on the validation images ${onValid.best.toFixed(2)} costs least.`}</p>
${chart && new Html(chart)}`;
}
