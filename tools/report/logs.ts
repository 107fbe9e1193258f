// TensorBoard's logs of a run: curves, test results, hyperparameters, confusion matrix and images of the classes.
import { existsSync, readdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import type { ModelRecord } from "../../src/pipeline/records";
import { hashOfJson, writeFileAtomically } from "../../src/support/files";
import { type Event, encodeEvents, type Summary, scalar, sessionEnd, sessionStart } from "./events";
import { matrixImage, sampleImages } from "./log-images";
import type { RunRecord } from "./run-record";

/** The records that the logs are made of. */
export interface LogRecords {
	run: RunRecord;
	training: ModelRecord | null;
}

/** What the events of a run are made of, and when it ended, in seconds since 1970. */
interface Run {
	run: RunRecord;
	training: ModelRecord;
	dataset: string;
	end: number;
}

/**
 * Writes the logs of a trained model to `<artifacts>/logs/<date>-<hash>/`: curves with the folders and tags of Keras's
 * `TensorBoard`, test results, hyperparameters and images. A model with its test results has one folder, however often it
 * is reported; one that is evaluated later keeps its date. Why logs cannot be written is said in a line.
 */
export async function writeLogs(
	{ run, training }: LogRecords,
	{ artifacts, dataset }: { artifacts: string; dataset: string },
): Promise<void> {
	if (!training) return;
	try {
		const folder = runFolder(join(artifacts, "logs"), run, training);
		const end = secondsOf(basename(folder));
		const all = { run, training, dataset, end };
		const { loss, acc, valLoss, valAcc } = training.history;
		writeEvents(folder, end, await runEvents(all));
		writeEvents(join(folder, "train"), end, curveEvents(acc, loss, all));
		writeEvents(join(folder, "validation"), end, curveEvents(valAcc, valLoss, all));
		writeEvents(join(folder, "test"), end, testEvents(all));
	} catch (error) {
		console.log(`The logs for TensorBoard are not written: ${(error as Error).message}`);
	}
}

/** A run's date in UTC, to the second, and a hash: names of folders in the order of time. */
const NAME = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[0-9a-f]{8}$/;

/** Returns the folder of a model with its test results: that of an earlier run, or a new one, which does not exist yet. */
function runFolder(logs: string, { date, test, confusionMatrix }: RunRecord, training: ModelRecord): string {
	// Without durations and intervals, which say nothing more of the model.
	const hash = (results: unknown) => hashOfJson([hashOfJson(training), results]).slice(0, 8);
	const [key, unevaluated] = [test && [test.loss, test.accuracy, confusionMatrix], null].map(hash);
	const known = existsSync(logs) ? readdirSync(logs).filter((name) => NAME.test(name)) : [];
	const found = [key, unevaluated].flatMap((end) => known.filter((name) => name.endsWith(end)))[0];
	const day = found ? found.slice(0, 15) : date.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
	const folder = join(logs, `${day}-${key}`);
	if (found && found !== basename(folder)) renameSync(join(logs, found), folder);
	return folder;
}

/** Returns the date in the name of a run's folder, in seconds since 1970. */
const secondsOf = (name: string) => Date.parse(name.replace(NAME, "$1-$2-$3T$4:$5:$6Z")) / 1000;

/** Writes one event file, of the same name each time; none where there is nothing to write. */
function writeEvents(folder: string, seconds: number, events: Event[]): void {
	if (events.length > 0) writeFileAtomically(join(folder, `events.out.tfevents.${seconds}.v2`), encodeEvents(events));
}

/** Hyperparameters and images. TensorBoard has the table of hyperparameters by itself, and begins it with those that differ. */
async function runEvents({ run, training, dataset, end }: Run): Promise<Event[]> {
	const { classNames, parameters, history } = training;
	const { confusionMatrix } = run;
	const of = (step: number, summaries: Summary[]) => summaries.map((summary) => ({ wallTime: end, step, summary }));
	return [
		...of(0, [sessionStart(parameters, end - history.seconds), sessionEnd(end)]),
		...of(0, await sampleImages(dataset, classNames)),
		...of(lastEpoch(training), confusionMatrix ? await matrixImage(confusionMatrix, classNames) : []),
	];
}

/** One value an epoch, as Keras names them. When each ended is not recorded: as if all took the same time, up to the end. */
function curveEvents(accuracy: number[], loss: number[], { training, end }: Run): Event[] {
	const last = lastEpoch(training);
	return loss.flatMap((_, step) => {
		const wallTime = end - (training.history.seconds * (last - step)) / (last + 1);
		return metricEvents({ accuracy: accuracy[step], loss: loss[step] }, step, wallTime);
	});
}

/** Test accuracy and loss, in the charts and columns of the curves. */
const testEvents = ({ run, training, end }: Run): Event[] =>
	run.test ? metricEvents(run.test, lastEpoch(training), end) : [];

/** JSON has null for what is not a number, such as the loss of a training that diverged. */
const metricEvents = ({ accuracy, loss }: Record<"accuracy" | "loss", number | null>, step: number, wallTime: number) =>
	Object.entries({ accuracy, loss }).map(([name, value]) => ({
		wallTime,
		step,
		summary: scalar(`epoch_${name}`, value ?? Number.NaN),
	}));

const lastEpoch = ({ history }: ModelRecord) => Math.max(0, history.loss.length - 1);
