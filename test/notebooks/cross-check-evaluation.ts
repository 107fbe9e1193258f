// Compares the figures of the evaluation notebook with each other and with `metrics.json`.
import { auc } from "../../src/metrics/ranking";
import type { EvaluationRecord } from "../../src/pipeline/records";
import { sum } from "../../src/support/statistics";
import { type Compare, found, type Page, type EvaluatedRun as Run, rowsOf, type Same } from "./pages";

/** Compares the figures of the page with each other, with `metrics.json` and with `evaluation.json`. */
export function checkEvaluation(
	page: Page,
	run: Run,
	compare: Compare,
	same: Same,
	evaluation: EvaluationRecord,
): void {
	checkScores(page, run, compare, same);
	checkMatrices(page, run, compare, same);
	checkReports(page, run, compare, same);
	checkSlices(page, run, compare, same);
	checkCurves(page, run, compare, same, evaluation);
	checkCalibration(page, run, compare, same, evaluation);
}

/** Accuracy, loss and their intervals: as text, as a table and in the takeaways. */
function checkScores(page: Page, run: Run, compare: Compare, same: Same): void {
	const { loss, accuracy, accuracyInterval, lossInterval } = run.test;
	compare("05, Test Accuracy", found(page, /Test Accuracy: ([\d.]+)/)[0], accuracy);
	compare("05, Test Loss", found(page, /Test Loss: ([\d.]+)/)[0], loss);
	const rows = rowsOf(page.tables, "score", "value", "low");
	[
		{ value: accuracy, interval: accuracyInterval },
		{ value: loss, interval: lossInterval },
	].forEach(({ value, interval }, i) => {
		compare("05, value beside its interval", rows[i]?.value, value);
		if (interval.low === null) same("05, no interval", rows[i]?.low, "");
		else for (const bound of ["low", "high"] as const) compare(`05, ${bound}`, rows[i]?.[bound], interval[bound]);
	});
	const [share, images, low, high, shownLoss] = found(
		page,
		/([\d.]+ %) of (\d+) test images are classified correctly \(95 % confidence interval: ([\d.]+ %) to ([\d.]+ %)\); the loss is ([\d.]+)\./,
	);
	compare("05, accuracy in the takeaways", share, accuracy);
	compare("05, images in the takeaways", images, run.counts.test);
	compare("05, interval in the takeaways", low, accuracyInterval.low);
	compare("05, interval in the takeaways", high, accuracyInterval.high);
	compare("05, loss in the takeaways", shownLoss, loss);
}

/** Both confusion matrices, and the numbers of mistakes. */
function checkMatrices(page: Page, run: Run, compare: Compare, same: Same): void {
	const matrix = run.confusionMatrix as number[][];
	const [counts, fractions] = page.figures.slice(0, 2).map(({ data }) => data[0]);
	same("05, classes of the matrix", [counts.x, counts.y, fractions.x, fractions.y], Array(4).fill(run.classNames));
	same("05, matrix", counts.z, matrix);
	fractions.z.flat().forEach((value, i) => {
		const row = matrix[Math.floor(i / matrix.length)];
		compare("05, fraction of the matrix", value, row[i % matrix.length] / sum(row));
	});
	const total = sum(matrix.map(sum));
	const mistakes = total - sum(matrix.map((row, i) => row[i]));
	const [wrong, all] = found(page, /(\d+) of (\d+) test images are misclassified/);
	compare("05, mistakes", wrong, mistakes);
	compare("05, test images", all, total);
	compare("05, mistakes in the takeaways", found(page, /\d+ of (\d+) mistakes have/)[0], mistakes);
	const lowest = Math.min(...matrix.map((row, i) => row[i] / sum(row)));
	compare("05, lowest recall", found(page, /lowest recall is .*, with ([\d.]+ %) of its/)[0], lowest);
}

/** The thirds of the test images by each property; a property that all images share has none. */
function checkSlices(page: Page, run: Run, compare: Compare, same: Same): void {
	const slices = rowsOf(page.tables, "property", "from", "accuracy");
	for (const property of new Set(slices.map((row) => row.property))) {
		const rows = slices.filter((row) => row.property === property);
		const total = sum(rows.map(({ images }) => Number(images)));
		compare(`05, images by ${property}`, total, run.counts.test);
		const hits = rows.map((row) => Math.round(Number(row.accuracy) * Number(row.images)));
		compare(`05, accuracy by ${property}`, sum(hits) / total, run.test.accuracy);
		for (const { low, accuracy, high, harder } of rows) {
			same(`05, interval by ${property}`, Number(low) <= Number(accuracy) && Number(accuracy) <= Number(high), true);
			same(`05, harder by ${property}`, harder === "yes", Number(high) < run.test.accuracy);
		}
	}
}

/** The report as text and as a table: the classes in their order, then the averages, with the numbers of `metrics.json`. */
function checkReports(page: Page, run: Run, compare: Compare, same: Same): void {
	const rows = run.reportRows ?? [];
	const table = rowsOf(page.tables, "class", "precision", "recall", "f1", "support");
	same(
		"05, order of the table",
		table.map((row) => row.class),
		rows.map((row) => row.class),
	);
	const text = page.text.slice(page.text.indexOf("precision    recall")).split("\n");
	const lines = text.filter((line) => /\d$/.test(line)).slice(0, rows.length);
	rows.forEach((row, i) => {
		for (const score of ["precision", "recall", "f1", "support"] as const) {
			compare(`05, ${score} of ${row.class} in the table`, table[i]?.[score], row[score]);
		}
		const name = lines[i].trimStart().slice(0, row.class.length);
		const numbers = lines[i].trimStart().slice(row.class.length).trim().split(/\s+/);
		same("05, order of the text", name, row.class);
		const scores = row.class === name && numbers.length === 2 ? [row.f1] : [row.precision, row.recall, row.f1];
		[...scores, row.support].forEach((value, k) => {
			compare(`05, ${row.class} in the text`, numbers[k], value);
		});
	});
}

/** The ROC curves, the areas below them, and the precision–recall curve of the positive class. */
function checkCurves(page: Page, run: Run, compare: Compare, same: Same, evaluation: EvaluationRecord): void {
	const figure = (title: string) => page.figures.find(({ layout }) => layout.title.text.startsWith(title));
	const names = run.classNames as string[];
	const curves = figure("ROC curve")?.data ?? [];
	const drawn = curves.map(({ name }) => name?.replace(/: AUC [\d.]+$/, "") ?? "");
	const positive =
		figure("Precision–recall curve of ")?.layout.title.text.replace("Precision–recall curve of ", "") ?? "";
	same("05, the positive class", names.includes(positive), true);
	same("05, classes of the ROC curves", drawn, names.length === 2 ? [positive] : names);
	curves.forEach(({ name = "", x, y }, i) => {
		const area = evaluation.rocAuc[names.indexOf(drawn[i])].auc;
		compare(`05, area of ${drawn[i]}`, /AUC ([\d.]+)$/.exec(name)?.[1], area);
		compare(`05, area below the curve of ${drawn[i]}`, auc(x as number[], y as number[]), area);
	});
}

/** The temperature, and the calibration errors and losses with and without it. */
function checkCalibration(page: Page, run: Run, compare: Compare, same: Same, evaluation: EvaluationRecord): void {
	const [plain, calibrated] = rowsOf(page.tables, "version", "calibration error", "loss");
	compare("05, loss without a temperature", plain.loss, run.test.loss);
	compare("05, temperature", calibrated.version.replace("temperature ", ""), evaluation.temperature);
	const errors = found(page, /calibration error is ([\d.]+ %), after temperature scaling ([\d.]+ %)/);
	[plain, calibrated].forEach((row, i) => {
		// Both are rounded: to four decimal places and to a tenth of a per cent.
		const difference = Number.parseFloat(errors[i] ?? "") / 100 - Number(row["calibration error"]);
		same("05, calibration error", Math.abs(difference) < 6e-4, true);
	});
	const drawn = page.figures.find(({ layout }) => layout.title.text === "Reliability diagram")?.data ?? [];
	same(
		"05, reliability diagram",
		drawn.slice(0, 2).map(({ name }) => name),
		[plain.version, calibrated.version],
	);
}
