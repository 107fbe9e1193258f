// Starts one trial process and follows it.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { allParameters } from "../pipeline/parameters";
import type { Curves } from "../training/history";
import { validatedCurves, validatedEnd } from "./messages";
import type { Report, Task } from "./trial";

/** The trial processes that run. They end with this process; by themselves only between two steps of training. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

/** Result of one attempt at a trial. */
export interface Outcome {
	state: "complete" | "pruned" | "failed";
	error: string | null;
	curves?: Curves;
	/** Whether another attempt would end with the same error. */
	repeats?: boolean;
}

/**
 * Runs a trial in its own process until it ends, or kills it on `abort`.
 *
 * @param threads number of threads that the process computes with
 * @param onEpoch function of the curves, called after each epoch; false prunes the trial, and an error ends it and is
 *   thrown
 * @param onNote function of a line about what is not as expected, such as a checkpoint that is damaged. Default: none
 */
export async function runTrialProcess(
	task: Task,
	threads: number,
	abort: AbortSignal | undefined,
	onEpoch: (curves: Curves) => boolean | Promise<boolean>,
	onNote: (line: string) => void = () => {},
): Promise<Outcome> {
	const child = startProcess(threads);
	running.add(child);
	const { epochs } = task.module ? task.parameters : allParameters(task.parameters);
	const kill = () => child.kill("SIGKILL");
	abort?.addEventListener("abort", kill);
	let [outcome, pruned]: [Outcome | null, boolean] = [null, false];
	let thrown: { error: unknown } | null = null;
	const onReport = async (message: Report) => {
		const report = validatedReport(message, task);
		if ("note" in report) onNote(report.note);
		else if ("error" in report) {
			outcome = { state: "failed", ...report };
			kill();
		} else if (report.done) outcome = { state: pruned ? "pruned" : "complete", error: null, curves: report.curves };
		else {
			// A trial that reaches its last epoch is complete, whatever the pruner decides.
			pruned = !(await onEpoch(report.curves)) && report.curves.loss.length !== epochs;
			if (child.connected) child.send(!pruned);
		}
	};
	child.on("message", (report: Report) =>
		onReport(report).catch((error) => {
			thrown = { error };
			kill();
		}),
	);
	child.on("error", () => {}); // A message to a process that has just died: its exit is handled below.
	child.send(task);
	// The last message can arrive after the exit event.
	const [[code, signal]] = await Promise.all([once(child, "exit"), once(child, "disconnect")]);
	running.delete(child);
	abort?.removeEventListener("abort", kill);
	if (thrown) throw (thrown as { error: unknown }).error;
	return outcome ?? { state: "failed", error: `its process ended with ${signal ?? `exit code ${code}`}` };
}

/** Returns a message with curves that are valid, or else an error: those of a module can be anything. */
function validatedReport(report: Report, task: Task): Report {
	if (!("curves" in report)) return report;
	try {
		const asJson = JSON.parse(JSON.stringify(report.curves ?? null)) as Curves;
		const { curves } = report.done
			? validatedEnd({ state: "complete", error: null, curves: asJson }, task)
			: { curves: validatedCurves(asJson, task) };
		requireFiniteLosses(curves as Curves);
		return { ...report, curves };
	} catch (error) {
		return { error: (error as Error).message, repeats: true };
	}
}

/** The pipeline's training throws by itself; that of a module may go on. @throws when a loss is not a number */
function requireFiniteLosses({ loss, valLoss }: Curves): void {
	for (const [name, values] of Object.entries({ loss, "validation loss": valLoss })) {
		const epoch = values.findIndex((value) => !Number.isFinite(value)) + 1;
		if (epoch > 0) throw new Error(`the ${name} is not a number since epoch ${epoch}`);
	}
}

function startProcess(threads: number): ChildProcess {
	return fork(join(__dirname, "trial-process.ts"), {
		// tsx, so that the trial runs as TypeScript from any caller; advanced serialization, so that NaN survives.
		execArgv: ["--require", join(__dirname, "..", "support", "tsx.cjs")],
		serialization: "advanced",
		stdio: ["ignore", "ignore", "ignore", "ipc"],
		env: threadsEnvironment(threads),
	});
}

/** The environment of a process whose TensorFlow computes with so many threads. */
export const threadsEnvironment = (threads: number): NodeJS.ProcessEnv => ({
	...process.env,
	TF_NUM_INTRAOP_THREADS: String(threads),
	TF_NUM_INTEROP_THREADS: String(threads),
});
