// The page of an evaluation in a browser without a network: Verify, What if, Try.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { plotlyFigure } from "../../src/display/plotly";
import { decoded, type Evidence } from "../../src/pipeline/decoded-predictions";
import type { PredictionsRecord } from "../../src/pipeline/predictions";
import { percent } from "../../src/support/format";
import { type Choice, oddsRatio, outcomeOf, priorOf, scoredOf, withOdds } from "../../tools/report/interactive/outcome";
import { tracesOf } from "../../tools/report/interactive/parts";
import { recompute } from "../../tools/report/interactive/recompute";
import { temporaryFolder } from "../helpers";
import { readPage } from "./pages";

/** What follows from the predictions and is not on the page; reads the page without its own program. */
export function notShown(html: string, predictions: PredictionsRecord): { parts: number; lacking: unknown[] } {
	const page = readPage(html);
	const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
	const parts = [...recompute(decoded(predictions))];
	const lacking = parts.filter((part) => {
		if (part.kind === "text") return !page.text.includes(part.text);
		if (part.kind === "table")
			return !page.tables.some((table) => same(table, { columns: part.columns, rows: part.rows }));
		const figure = page.figures.find(({ layout }) => same(inPlotly(layout.title.text), part.title));
		return !same(tracesOf(plotlyFigure({ data: figure?.data ?? [] }).data), part.data);
	});
	return { parts: parts.length, lacking };
}

/** A name as plotly takes it. */
const inPlotly = (name: string) => tracesOf(plotlyFigure({ data: [{ name }] }).data)[0].name;

/** Opens a page; requests to a network and errors of its program are failures, which `problems` lists. */
export async function opened(
	browser: Browser,
	html: string,
	fragment = "",
): Promise<{ page: Page; problems: string[] }> {
	const file = join(temporaryFolder(), "page.html");
	writeFileSync(file, html);
	const page = await browser.newPage();
	const problems: string[] = [];
	page.on("pageerror", ({ message }) => problems.push(message));
	page.on("request", (request) => /^https?:/.test(request.url()) && problems.push(request.url()));
	await page.goto(`${pathToFileURL(file)}${fragment}`);
	return { page, problems };
}

/** Has a page verify itself, and returns what it says and what it marks. */
export async function verified(browser: Browser, html: string) {
	const { page, problems } = await opened(browser, html, "#verify");
	await page.waitForFunction("!document.querySelector('#verify button').disabled", null, { timeout: 120_000 });
	const status = (await page.textContent("#verify [role=status]")) ?? "";
	const marked = await page.locator(".verified").count();
	const differences = await page.locator(".differs").allTextContents();
	await page.close();
	return { status, marked, differences, problems };
}

/** The cells that a choice should give: counts of the test images, then scores of the validation and the test images. */
export function shownOutcome(evidence: Evidence, choice: Choice): string[] {
	const sets = scoredOf(evidence);
	const ratio = oddsRatio(choice.prior, priorOf(sets[1]));
	const [valid, test] = sets.map((set) => outcomeOf(withOdds(set, ratio), choice));
	const counts = [test.truePositive, test.falseNegative, test.falsePositive, test.trueNegative];
	const scores = (["precision", "recall", "specificity", "F1", "accuracy"] as const).flatMap((name) =>
		[valid, test].map((outcome) => percent(outcome[name])),
	);
	return [
		...counts.map((count) => String(Math.round(10 * count) / 10)),
		...[valid, test].map(({ cost }) => cost.toFixed(4)),
		...scores,
	];
}
