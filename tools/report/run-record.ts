// The record of a run, `reports/metrics.json`: its schema, its writer and its reader. Keys are added, never renamed.
import { existsSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fingerprint } from "../../src/datasets/fingerprint";
import { SPLITS, type Split } from "../../src/images/folders";
import type { ReportRow } from "../../src/metrics";
import { loadPredictions } from "../../src/pipeline/predictions";
import { type CleaningRecord, isEvaluationOf, loadRecords, type ModelRecord } from "../../src/pipeline/records";
import { writeFileAtomically } from "../../src/support/files";
import { readJson } from "../../src/support/json";
import type { History } from "../../src/training";
import type { NotebookArguments, Values } from "../run/arguments";
import { shown } from "../setup/paths.mjs";
import { versionsAndDevice } from "../setup/versions.mjs";
import { isOrigin, type Origin, originOf } from "./origin";
import { stampOf } from "./stamp";
import { verdictOf } from "./verdict";

/** Precision, recall, F1 and support of a class or an average. */
type Scores = Omit<ReportRow, "class">;

/** Version of the fields of `metrics.json`: greater when a field is added, or means something else. */
export const SCHEMA = 2;

/** What a run used and found. Parts that no notebook has computed are `null`. */
export interface RunRecord {
	/** Version of these fields, see `SCHEMA`; missing in records from before there was one. */
	schema?: number;
	/** When the run ended, in ISO format. */
	date: string;
	/** The folder of the data set. */
	dataset: string;
	/** Whether that is the sample data set. */
	synthetic: boolean;
	classNames: string[] | null;
	/** Images per split after cleaning. */
	counts: Record<Split, number | null>;
	/** Files removed by cleaning. */
	removed: number | null;
	/** The parameters of the notebooks, without folders. */
	parameters: Values;
	epochsRun: number | null;
	/** One number an epoch in each curve. */
	history: Partial<Omit<History, "epochsRun" | "seconds">>;
	test: { loss: number; accuracy: number } | null;
	/**
	 * scikit-learn's classification report by name: the classes in the order of `classNames`, then the averages. An average
	 * that a class is named like has ` (average)` after its name, for example `accuracy (average)`.
	 */
	report: Record<string, Scores> | null;
	/** The same as a list, for readers whose objects have no order: JavaScript moves names such as `10` to the front. */
	reportRows: ReportRow[] | null;
	/** Test images by true class (rows) and predicted class (columns). */
	confusionMatrix: number[][] | null;
	/** Whether the classes can be told apart, what limits the result and what to do: a sentence each. */
	verdict: string[];
	seconds: { clean: number | null; train: number | null; evaluate: number | null };
	/** Versions of Node, TensorFlow and the packages that matter to results. */
	versions: Record<string, string>;
	/** The GPU or CPU. */
	device: string;
	/** Images, code, dependencies and changed defaults; missing in records without `schema`. */
	origin?: Origin;
}

/**
 * Collects what the notebooks left in the artifacts folder and writes it as `metrics.json`.
 *
 * @param given the records of the artifacts, for a caller that has them
 * @param predictions the predictions as the pages hold them. Default null: without any
 */
export async function writeRun(
	options: NotebookArguments,
	given?: Awaited<ReturnType<typeof recordsOf>>,
	predictions: string | null = null,
): Promise<RunRecord> {
	const { dataset, values, reports, artifacts } = options;
	const records = given ?? (await recordsOf(dataset, artifacts));
	const { cleaning, training, evaluation } = records;
	const { seconds = null, epochsRun = null, ...history } = training?.history ?? {};
	const reportRows = evaluation && rowsOf(evaluation.report, training?.classNames);
	const report = reportRows && byName(reportRows);
	const record: RunRecord = {
		schema: SCHEMA,
		date: new Date().toISOString(),
		dataset,
		synthetic: existsSync(join(dataset, "sample.json")),
		classNames: training?.classNames ?? null,
		counts: countsOf(cleaning),
		removed: cleaning?.removed ?? null,
		// The numbers may be of an earlier training, which had its own parameters.
		parameters: { ...values, ...training?.parameters },
		epochsRun,
		history,
		test: evaluation?.test ?? null,
		report: report && Object.fromEntries(report),
		reportRows,
		confusionMatrix: evaluation?.confusionMatrix ?? null,
		verdict: verdictOf(records),
		seconds: { clean: cleaning?.seconds ?? null, train: seconds, evaluate: evaluation?.seconds ?? null },
		...versionsAndDevice(),
		origin: await originOf(options, predictions),
	};
	writeFileAtomically(join(reports, "metrics.json"), toJson(Object.entries({ ...record, report })));
	return record;
}

/** Loads the records that belong together: of this data set, and the evaluation of the model that was trained last. */
export async function recordsOf(dataset: string, artifacts: string) {
	const { cleaning, issues, training, evaluation } = loadRecords(artifacts);
	const real = (path: string) => (existsSync(path) ? realpathSync(path) : resolve(path));
	const ofThisSet = <T extends { dataset: string }>(record: T | null) =>
		record && real(record.dataset) === real(dataset) ? record : null;
	const trained = ofThisSet(training) ?? ((await isTrainedOn(dataset, training)) ? training : null);
	const isCurrent = trained && evaluation && isEvaluationOf(evaluation, trained);
	return {
		cleaning: ofThisSet(cleaning),
		issues: ofThisSet(issues),
		training: trained,
		evaluation: isCurrent ? evaluation : null,
		predictions: isCurrent ? loadPredictions(artifacts, trained) : null,
	};
}

/** Returns whether a model was trained on these images, which may have lain elsewhere then. */
async function isTrainedOn(dataset: string, training: ModelRecord | null): Promise<boolean> {
	if (!training?.data) return false;
	return fingerprint(dataset).then(
		(data) => data === training.data,
		() => false,
	);
}

/**
 * Returns the rows of a classification report.
 *
 * @param report rows, or rows by name as earlier versions recorded them
 * @param classNames names of the classes in the order of the labels
 */
function rowsOf(report: ReportRow[] | Record<string, Scores>, classNames: string[] | null = []): ReportRow[] {
	if (Array.isArray(report)) return report;
	const order = [...new Set([...(classNames ?? []), ...Object.keys(report)])];
	return order.filter((name) => Object.hasOwn(report, name)).map((name) => ({ class: name, ...report[name] }));
}

/** Returns the rows by name; an average gives way to a class of its name. */
function byName(rows: ReportRow[]): Map<string, Scores> {
	const report = new Map<string, Scores>();
	for (const { class: name, ...scores } of rows) {
		let key = name;
		while (report.has(key)) key += " (average)";
		report.set(key, scores);
	}
	return report;
}

/** Formats an object or a Map as JSON with its keys in this order; `JSON.stringify` puts those like integers first. */
function toJson(entries: Iterable<[string, unknown]>): string {
	const lines = [...entries].map(([key, value]) => {
		const json = value instanceof Map ? toJson(value) : JSON.stringify(value, null, "\t");
		return `${JSON.stringify(key)}: ${json}`;
	});
	return `${`{\n${lines.join(",\n")}`.replaceAll("\n", "\n\t")}\n}`;
}

function countsOf(cleaning: CleaningRecord | null): Record<Split, number | null> {
	const count = (split: Split) => {
		const rows = cleaning?.counts.filter((row) => row.split === split) ?? [];
		return cleaning && rows.reduce((total, row) => total + row.images, 0);
	};
	return Object.fromEntries(SPLITS.map((split) => [split, count(split)])) as Record<Split, number | null>;
}

/** A run with the path that it is shown by. */
export type NamedRun = RunRecord & { name: string };

/**
 * Reads the record of a run.
 *
 * @param path a reports folder, its metrics.json or one of its pages
 * @param what what it is read for, before its name in messages. Default `"--compare"`
 * @throws with one line that says what is missing or not as expected
 */
export function readRun(path: string, what = "--compare"): NamedRun {
	const name = shown(path);
	if (!existsSync(path)) throw new Error(`${what} ${name}: there is no such folder or file`);
	const file = statSync(path).isDirectory() ? join(path, "metrics.json") : path;
	if (!existsSync(file)) {
		throw new Error(`${what} ${name}: no metrics.json in this folder; npm start -- --reports ${name} writes one`);
	}
	let record: Partial<RunRecord> | null;
	try {
		record = (file.endsWith(".html") ? stampOf(file) : readJson(file)) as Partial<RunRecord> | null;
	} catch (error) {
		throw new Error(`${what} ${name}: ${(error as Error).message}; npm start -- --reports DIR writes a new one`);
	}
	requireKnown(record, `${what} ${name}`);
	// What these three lack in an older record is shown as not run.
	if (record?.parameters && record.counts && record.versions) {
		const { report = null, reportRows = report && rowsOf(report, record.classNames), verdict = [] } = record;
		return { ...(record as RunRecord), reportRows, verdict, name };
	}
	throw new Error(
		`${what} ${name}: ${shown(file)} is not the metrics.json of a run; npm start -- --reports DIR writes one`,
	);
}

/** @throws when a record is of a later version than this, or its origin is not as it is written */
function requireKnown(record: Partial<RunRecord> | null, name: string): void {
	const { schema = 0, origin } = record ?? {};
	if (!(Number.isInteger(schema) && schema <= SCHEMA))
		throw new Error(`${name}: its schema is ${schema}: expected ${SCHEMA} or less; update this project to read it`);
	const problem = origin === undefined ? null : isOrigin(origin);
	if (problem) throw new Error(`${name}: its origin is no origin of a run: expected ${problem}`);
}
