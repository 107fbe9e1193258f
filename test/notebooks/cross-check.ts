// Compares every figure that the reports of a run show more than once.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { EvaluationRecord } from "../../src/pipeline/records";
import { sum } from "../../src/support/statistics";
import type { RunRecord } from "../../tools/report/run-record";
import { checkEvaluation } from "./cross-check-evaluation";
import { type Compare, found, type Page, type EvaluatedRun as Run, readPage, rowsOf, type Same } from "./pages";

/**
 * Compares the pages, `metrics.json` and the records of a run with each other.
 *
 * @returns the number of comparisons, and a line for each disagreement
 */
export function crossCheck(reports: string, artifacts: string): { compared: number; disagreements: string[] } {
	const disagreements: string[] = [];
	let compared = 0;
	const note = (agrees: boolean, line: () => string) => {
		compared++;
		if (!agrees) disagreements.push(line());
	};
	const compare: Compare = (what, shown, exact) =>
		note(agrees(shown, exact), () => `${what}: shown as ${shown}, but it is ${exact}`);
	const same: Same = (what, a, b) =>
		note(isDeepStrictEqual(a, b), () => `${what}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`);
	const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
	const run = read(join(reports, "metrics.json")) as Run;
	const evaluation = read(join(artifacts, "evaluation.json")) as EvaluationRecord;
	checkRecords(run, evaluation, read(join(artifacts, "training.json")), compare, same);
	checkIndex(readFileSync(join(reports, "index.html"), "utf8"), run, compare, same);
	for (const [name, check] of Object.entries(PAGES)) {
		const file = join(reports, `${name}.html`);
		if (existsSync(file)) check(readPage(readFileSync(file, "utf8")), run, compare, same, evaluation);
	}
	return { compared, disagreements };
}

const PAGES = {
	"01-data-cleaning": checkCleaning,
	"02-data-preprocessing": checkData,
	"04-training": checkTraining,
	"05-evaluation": checkEvaluation,
	"06-best-practices-and-future-improvements": checkPractices,
	"07-hyperparameter-sweep": checkSweep,
};

/** Whether a figure is shown with the digits it has, up to rounding. */
function agrees(shown: string | number | undefined, exact: number | undefined | null): boolean {
	if (shown === undefined || exact === undefined || exact === null) return false;
	const [, digits, decimals = "", percent] =
		/^([+-]?\d+(?:\.(\d+))?)( %)?$/.exec(String(shown).replace("−", "-")) ?? [];
	const scale = percent ? 100 : 1;
	if (typeof shown === "number") return Math.abs(shown - exact) <= 1e-9 * Math.max(1, Math.abs(exact));
	return Math.abs(Number(digits) - exact * scale) <= 0.5 * 10 ** -decimals.length + 1e-9 * Math.abs(exact * scale);
}

const column = (values: number[][], j: number) => sum(values.map((row) => row[j]));

function checkRecords(run: Run, evaluation: EvaluationRecord, training: RunRecord, compare: Compare, same: Same): void {
	const matrix = run.confusionMatrix as number[][];
	const names = run.classNames as string[];
	const total = sum(matrix.map(sum));
	const { loss, accuracy, accuracyInterval, lossInterval } = run.test;
	same("matrix of evaluation.json", evaluation.confusionMatrix, matrix);
	same("scores of evaluation.json", evaluation.test, run.test);
	same("report of evaluation.json", evaluation.report, run.reportRows);
	same("classes of training.json", training.classNames, names);
	for (const key of ["loss", "acc", "valLoss", "valAcc"] as const) {
		same(`${key} of training.json`, training.history[key], run.history[key]);
		compare(`epochs in ${key}`, run.history[key]?.length, run.epochsRun);
	}
	compare("diagonal of the matrix", sum(matrix.map((row, i) => row[i])) / total, accuracy);
	compare("test images", total, run.counts.test);
	same("accuracy in its interval", accuracyInterval.low <= accuracy && accuracy <= accuracyInterval.high, true);
	same(
		"loss in its interval",
		lossInterval.low === null || (lossInterval.low <= loss && loss <= lossInterval.high),
		true,
	);
	same("width of the interval of the accuracy", accuracyInterval.high > accuracyInterval.low, true);
	const rows = run.reportRows ?? [];
	same("classes of the report", rows.map((row) => row.class).slice(0, -3), names);
	same(
		"classes of the areas",
		evaluation.rocAuc.map((row) => row.class),
		names,
	);
	names.forEach((name, i) => {
		const { class: _, ...row } = rows[i];
		same(`${name} in metrics.json`, run.report?.[name], row);
		compare(`support of ${name}`, row.support, sum(matrix[i]));
		compare(`recall of ${name}`, row.recall, matrix[i][i] / sum(matrix[i]));
		compare(`precision of ${name}`, row.precision, matrix[i][i] && matrix[i][i] / column(matrix, i));
		const both = row.precision + row.recall;
		compare(`F1 of ${name}`, row.f1, both && (2 * row.precision * row.recall) / both);
	});
	for (const row of rows.slice(-3)) compare(`support of ${row.class}`, row.support, total);
	compare("accuracy of the report", rows.at(-3)?.f1, accuracy);
	compare("weighted recall", rows.at(-1)?.recall, accuracy);
}

function checkIndex(html: string, run: Run, compare: Compare, same: Same): void {
	const tile = (name: string) => new RegExp(`<strong>([^<]*)</strong>${name}`).exec(html)?.[1];
	compare("index, accuracy", tile("test accuracy"), run.test.accuracy);
	compare("index, loss", tile("test loss"), run.test.loss);
	compare("index, epochs", tile("epochs run"), run.epochsRun);
	compare("index, seconds", tile("seconds of training"), run.seconds.train);
	const fact = (name: string) => new RegExp(`<th>${name}</th><td>([^<]*)<`).exec(html)?.[1];
	const { train, valid, test } = run.counts;
	same("index, images", fact("Images"), `train ${train}, valid ${valid}, test ${test}`);
	same("index, classes", fact("Classes"), run.classNames?.join(", "));
	compare("index, removed", fact("Files removed by cleaning"), run.removed);
}

function checkCleaning(page: Page, run: Run, compare: Compare, same: Same): void {
	const classes = rowsOf(page.tables, "split", "class", "fraction");
	const bars = page.figures.find(({ layout }) => layout.title.text === "Images per class")?.data.at(-1);
	for (const [split, count] of Object.entries(run.counts)) {
		const rows = classes.filter((row) => row.split === split);
		same(
			`01, classes of ${split}`,
			rows.map((row) => row.class),
			run.classNames,
		);
		compare(`01, images of ${split}`, sum(rows.map(({ images }) => Number(images))), count);
		for (const { class: name, images, fraction } of rows) {
			compare(`01, ${split}/${name} in the figure`, images, Number(bars?.y[bars.x.indexOf(`${split}/${name}`)]));
			compare(`01, fraction of ${split}/${name}`, fraction, Number(images) / Number(count));
		}
	}
	compare("01, removed files", rowsOf(page.tables, "split", "path", "reason").length, run.removed);
	const [total, removed] = found(page, /(\d+) images decode completely; files in quarantine: (\d+)/);
	compare("01, images in the takeaways", total, sum(Object.values(run.counts).map(Number)));
	compare("01, removed in the takeaways", removed, run.removed);
	const all = rowsOf(page.tables, "format", "removed files", "verify() finds").find(({ format }) => format === "all");
	if (all) {
		const [header, removedFiles, verify] = found(
			page,
			/A header check would have missed (\d+) of (\d+) removed files, Pillow's verify\(\) (\d+)\./,
		);
		compare("01, removed files of the checks", removedFiles, run.removed);
		compare("01, missed by a header check", header, Number(run.removed) - Number(all["header check finds"]));
		if (verify) compare("01, missed by verify()", verify, Number(run.removed) - Number(all["verify() finds"]));
	}
	compare("01, seconds in the takeaways", found(page, /Verification took ([\d.]+) s/)[0], run.seconds.clean);
}

function checkData(page: Page, run: Run, compare: Compare, same: Same): void {
	const { data } = page.figures.find(({ layout }) => layout.title.text === "Class balance") ?? { data: [] };
	same(
		"02, classes of the figure",
		data.map(({ name }) => name),
		run.classNames,
	);
	const read = [...page.text.matchAll(/Found (\d+) files/g)].map(([, files]) => files);
	Object.values(run.counts).forEach((count, split) => {
		compare("02, images read", read[split], count);
		compare("02, images of the figure", sum(data.map(({ y }) => Number(y[split]))), count);
	});
	const [batches, batchSize] = found(page, /An epoch has (\d+) batches of up to (\d+) images/);
	compare("02, batches", batches, Math.ceil(Number(run.counts.train) / Number(batchSize)));
	compare("02, batch size", batchSize, Number(run.parameters.batchSize));
	const positive = /The positive class is (.+), (?:by the parameter|as the)/.exec(page.text)?.[1];
	same("02, positive class in the takeaways", found(page, /The positive class is (.+?)\. (?:The splits)/)[0], positive);
	const [agreed, chance] = found(
		page,
		/two shuffled passes agree for ([\d.]+ %) of the images, by chance .+? ([\d.]+ %)/,
	);
	const [row] = rowsOf(page.tables, "shuffle", "labels that agree", "by chance");
	compare("02, labels of two passes that agree", agreed, Number(row["labels that agree"]));
	compare("02, labels that agree by chance", chance, Number(row["by chance"]));
	compare("02, training images in the takeaways", found(page, /of the (\d+) training images/)[0], run.counts.train);
}

function checkTraining(page: Page, run: Run, compare: Compare, same: Same): void {
	const { loss, acc, valLoss = [], valAcc = [] } = run.history;
	const best = valLoss.indexOf(Math.min(...valLoss));
	const [train, valid] = found(page, /(\d+) for training, (\d+) for validation/);
	compare("04, training images", train, run.counts.train);
	compare("04, validation images", valid, run.counts.valid);
	compare("04, best epoch", found(page, /best epoch(\d+),/)[0], best + 1);
	compare("04, epochs", found(page, /epochs run(\d+) of/)[0], run.epochsRun);
	const [epochs, seconds, bestEpoch, lowest] = found(
		page,
		/Training for (\d+) epochs took ([\d.]+) s; epoch (\d+) had the lowest validation loss, ([\d.]+)\./,
	);
	compare("04, epochs in the takeaways", epochs, run.epochsRun);
	compare("04, seconds in the takeaways", seconds, run.seconds.train);
	compare("04, best epoch in the takeaways", bestEpoch, best + 1);
	compare("04, lowest loss in the takeaways", lowest, valLoss[best]);
	const [validated, images, trained] = found(
		page,
		/accuracy in this epoch is ([\d.]+ %) \(95 %: [^)]* of (\d+) images\), training accuracy after it ([\d.]+ %)/,
	);
	compare("04, validation accuracy in the takeaways", validated, valAcc[best]);
	compare("04, images of its interval", images, run.counts.valid);
	const epochRows = rowsOf(page.tables, "epoch", "training, running mean");
	epochRows.forEach((row, epoch) => {
		compare(`04, running mean of epoch ${epoch + 1}`, row["training, running mean"], acc?.[epoch]);
		compare(`04, validation accuracy of epoch ${epoch + 1}`, row.validation, valAcc[epoch]);
	});
	same("04, training accuracy in the takeaways", trained, epochRows[best]?.["training, after the epoch"]);
	const [row] = rowsOf(page.tables, "run", "epochs run");
	compare("04, lowest loss of the first run", row["best val. loss"], valLoss[best]);
	compare("04, its accuracy", row["its val. accuracy"], valAcc[best]);
	compare("04, epochs of the first run", row["epochs run"], run.epochsRun);
	for (const [title, curves] of Object.entries({ "Model Accuracy": [acc, valAcc], "Model Loss": [loss, valLoss] })) {
		const { data } = page.figures.find(({ layout }) => layout.title.text === title) ?? { data: [] };
		const [running, after, validation] = data.map(({ y }) => y);
		same(`04, ${title}`, [running, validation], curves);
		if (title !== "Model Accuracy") continue;
		epochRows.forEach((row, epoch) => {
			compare(`04, accuracy after epoch ${epoch + 1}`, row["training, after the epoch"], Number(after[epoch]));
		});
	}
}

function checkPractices(page: Page, run: Run, compare: Compare): void {
	const bars = page.figures.find(({ layout }) => layout.title.text === "Test accuracy")?.data[0];
	compare("06, accuracy of the network", Number(bars?.y[2]), run.test.accuracy);
	const [trained, validated] = found(page, /(\d+) training and (\d+) validation images/);
	compare("06, training images", trained, run.counts.train);
	compare("06, validation images", validated, run.counts.valid);
	compare("06, accuracy in the takeaways", found(page, /network's test accuracy is ([\d.]+ %)/)[0], run.test.accuracy);
	const best = run.history.valLoss?.indexOf(Math.min(...run.history.valLoss)) ?? -1;
	const [float32] = rowsOf(page.tables, "weights", "kilobytes");
	compare("06, validation accuracy with 32 bits", float32?.accuracy, run.history.valAcc?.[best]);
}

function checkSweep(page: Page, run: Run, compare: Compare, same: Same): void {
	const [chosen] = rowsOf(page.tables, "hyperparameters", "test accuracy");
	if (chosen?.hyperparameters === "training notebook") {
		compare("07, test accuracy", chosen["test accuracy"], run.test.accuracy);
	}
	const [shown] = found(page, /classifies ([\d.]+ %) of the test images correctly/);
	compare("07, test accuracy in the takeaways", shown, Number(chosen?.["test accuracy"]));
	checkRuns(page, compare, same);
	const sampled = rowsOf(page.tables, "learningRate", "dropout", "batchSize");
	for (const { trial, state, epochs, "validation loss": _, seconds, ...parameters } of rowsOf(
		page.tables,
		"trial",
		"state",
	)) {
		for (const [name, value] of Object.entries(parameters)) {
			same(`07, ${name} of trial ${trial}`, value, sampled[Number(trial)]?.[name]);
		}
	}
	const best = found(page, /best: trial (\d+), validation loss (\d+\.\d{4})/);
	const [first] = rowsOf(page.tables, "trial", "state");
	same("07, best trial", best, [first.trial, first["validation loss"]]);
}

/** The networks with new seeds: their mean difference, and the claim that it decides. */
function checkRuns(page: Page, compare: Compare, same: Same): void {
	const rows = rowsOf(page.tables, "settings", "seed", "validation accuracy");
	const accuracies = (settings: string) =>
		rows.filter((row) => row.settings === settings).map((row) => Number(row["validation accuracy"]));
	const [tuned, plain] = [accuracies("best trial"), accuracies("training notebook")];
	const gain = sum(tuned.map((accuracy, i) => accuracy - plain[i])) / tuned.length;
	const [points] = found(page, /best settings change validation accuracy by\s+(\S+) points/);
	// The accuracies are rounded to four decimal places, their difference to a tenth of a point.
	same("07, mean difference", Math.abs(Number(points?.replace("−", "-")) - 100 * gain) < 0.07, true);
	const claims = rowsOf(page.tables, "claim", "measured");
	const claimed = claims.find(({ claim }) => claim.startsWith("The best settings"))?.measured;
	compare("07, difference in the claim", claimed?.split(" ")[0], Number(points?.replace("−", "-")));
}
